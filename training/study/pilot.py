"""A first measured batch of each kind of work, with the real model, texts and code, on this machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any

import psutil

from faithful_se.errors import UsageError
from faithful_se.files import jsonl_line, write_atomic
from faithful_se.progress import Progress
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.read_options import read_options
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.work import Work, evaluation_work
from training.attribution.choices import attributor_of
from training.attribution.inputs import from_dataset
from training.attribution.options import AttributionOptions
from training.attribution.plan import attribution_work
from training.study.measuring import Measuring
from training.study.recipe import DPO, Recipe, tasks_of
from training.study.runner import console_script
from training.study.stage import Stage

# What is measured at first: texts of each dataset, at equal distances in the order of their lengths; steps of training.
TEXTS, STEPS = 2, 4
# Rows to draw from, for each of a step: as in a whole training, the rows of a batch then have like lengths.
POOL = 8
# What TRL prints after a step.
LOGGED_STEP = re.compile(r"\s*\{'loss'")
# A measurement that takes fewer seconds says little: it is made again, of so many times as much.
LEAST_SECONDS, LARGER = 5.0, 12


@dataclass
class Pilot:
    """What was measured. The numbers of whole datasets follow from the lengths of their texts."""

    startup: float = 0.0  # seconds until a command has loaded its packages and the model
    training_startup: float = 0.0  # seconds until a training begins its first step
    index: float = 0.0  # seconds until lm_eval has listed its tasks
    classify: Work = field(default_factory=Work)
    generate: Work = field(default_factory=Work)
    tasks: dict[str, Work] = field(default_factory=dict)  # task -> all its texts, for one checkpoint
    names: dict[tuple[str, ...], list[str]] = field(default_factory=dict)  # patterns of an evaluation -> its tasks
    attribute: dict[str, Work] = field(default_factory=dict)  # dataset -> all its texts
    texts: dict[str, int] = field(default_factory=dict)  # dataset -> texts that are attributed
    step: Work = field(default_factory=Work)  # one step of the training
    batch: int = 1  # rows of a step
    of_pairs: bool = False  # whether the measured step was one of `dpo`

    def evaluate(self, patterns: tuple[str, ...]) -> Work:
        """The evaluation of a checkpoint on these tasks."""
        return reduce(Work.plus, (self.tasks[name] for name in self.names[patterns]), Work())


def measure(recipe: Recipe, model_path: str, training: Stage | None, batch: int) -> Pilot:
    """Measure a first batch of everything that the stages of a recipe do.

    Args:
        recipe: what is planned.
        model_path: the model to measure with.
        training: one of the recipe; None where it trains nothing.
        batch: rows of a step of this training.

    Raises:
        UsageError: texts or the model cannot be read, or the training fails.
    """
    import torch

    from training.models.loading import load_model

    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    device = str(recipe.evaluate.arguments.get("device", ""))
    model, tokenizer = load_model(model_path, "", recipe.dtype or "auto", device)
    pilot = Pilot(startup=time.time() - psutil.Process().create_time(), batch=batch)
    batch_size = recipe.evaluate.arguments.get("batch_size", 1)
    measuring = Measuring(model, tokenizer, batch_size if isinstance(batch_size, int) else 16)
    _measure_evaluation(recipe, measuring, pilot)
    if training is not None:
        _measure_attribution(recipe, model, tokenizer, pilot)
        del model
        measuring.respond_with = lambda calls: []  # frees the model
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        _measure_training(measuring, model_path, training, pilot)
    return pilot


def _measure_evaluation(recipe: Recipe, measuring: Measuring, pilot: Pilot) -> None:
    specs: dict[str, dict[str, TaskSpec]] = defaultdict(dict)
    documents: dict[str, list[Document]] = {}
    started = time.monotonic()
    for task_name, task in _tasks(recipe, pilot).items():
        name = task.spec.question.dataset
        options = replace(task.spec.options, classifier="loglikelihood") if task.spec.calibrated else task.spec.options
        specs[name][task_name] = replace(task.spec, options=options)
        if name not in documents:
            rows = task.test_docs()
            count = min(recipe.evaluate.limit or len(rows), len(rows))
            documents[name] = [task.source.document(row) for row in rows.select(range(count))]
    pilot.index = time.monotonic() - started
    count = TEXTS
    while True:
        measuring.classify, measuring.generate = Work(), Work()
        with Progress("plan: a first batch of the evaluation", len(documents), "dataset") as progress:
            for name, of_dataset in documents.items():
                # Tasks of a dataset share classifications: each counts as an equal part of them all.
                work = evaluation_work([*specs[name].values()], of_dataset, count, measuring)
                pilot.tasks |= dict.fromkeys(specs[name], work.times(1 / len(specs[name])))
                progress.update()
        pilot.classify, pilot.generate = measuring.classify, measuring.generate
        if count > TEXTS or pilot.classify.seconds >= LEAST_SECONDS:
            break
        count *= LARGER


def _tasks(recipe: Recipe, pilot: Pilot) -> dict[str, Any]:
    """The tasks of all evaluations together; `pilot` gets the names of each."""
    from lm_eval.tasks import TaskManager

    manager = TaskManager(
        include_path=recipe.include_path or None, metadata={"data": recipe.data, **recipe.evaluate.options}
    )
    tasks: dict[str, Any] = {}
    of_arms, explained = (tasks_of(recipe, arm) for arm in ("", *recipe.arms)), (by.tasks for by in recipe.explainers)
    for patterns in dict.fromkeys((*of_arms, *explained)):
        names = manager.match_tasks(list(patterns))
        if not names:
            raise UsageError(f"tasks: {', '.join(patterns)}: lm_eval finds none of them")
        matches = {name: task for name, task in manager.load(names)["tasks"].items() if hasattr(task, "spec")}
        pilot.names[patterns] = list(matches)
        tasks |= matches
    return tasks


def _measure_attribution(recipe: Recipe, model: Any, tokenizer: Any, pilot: Pilot) -> None:
    values = recipe.attribute
    names = {"method", "target", "steps", "finalists", "samples"}
    options = AttributionOptions(**{name: value for name, value in values.items() if name in names})
    order = {name: values[key] for name, key in (("order", "order"), ("order_seed", "order-seed")) if key in values}
    task_options = read_options("attribute", {}, {"data": recipe.data, **order})
    for name in recipe.datasets:
        dataset = dataset_spec(name, recipe.include_path)
        source = from_dataset(dataset, task_options, values.get("split", "train"), values.get("limit"))
        pilot.attribute[name], *_ = attribution_work(attributor_of(model, tokenizer, source, options), source)
        pilot.texts[name] = len(source.documents)


def _measure_training(measuring: Measuring, model_path: str, training: Stage, pilot: Pilot) -> None:
    """Run a few real steps of a training, as the recipe has them."""
    pilot.of_pairs = training.name.startswith(f"{DPO}-")
    for steps in (STEPS, STEPS * LARGER):
        print(f"plan: {steps} steps of the training", file=sys.stderr)
        rows = list(measuring.training_rows(pilot.batch * POOL * STEPS))
        if pilot.of_pairs:  # what is preferred to what takes no other time
            rows = [{**row, "chosen": row["completion"], "rejected": row["completion"]} for row in rows]
        first, last = _train(rows, steps, model_path, training)
        seconds = (last - first) / (steps - 1)
        if last - first >= LEAST_SECONDS:
            break
    tokens = sum(len(measuring.tokenizer(json.dumps(row))["input_ids"]) for row in rows) / (POOL * STEPS)
    pilot.step, pilot.training_startup = Work(1, tokens, seconds), max(0.0, first - seconds)


def _train(rows: Sequence[dict[str, Any]], steps: int, model_path: str, training: Stage) -> tuple[float, float]:
    """Seconds from the start of the command to the end of its first and of its last step."""
    script, *arguments = training.words()
    with tempfile.TemporaryDirectory() as folder:
        write_atomic(Path(folder, "rows.jsonl"), map(jsonl_line, rows))
        command = [
            *(console_script(script), *arguments, "--model_name_or_path", model_path, "--data", f"{folder}/rows.jsonl"),
            *("--output_dir", f"{folder}/trained", "--max_steps", str(steps), "--save_strategy", "no"),
            *("--logging_steps", "1"),
        ]
        started, errors = time.monotonic(), Path(folder, "errors")
        ends = list[float]()
        with errors.open("w", encoding="utf-8") as stderr, subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, text=True, stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        ) as process:  # fmt: skip
            assert process.stdout is not None
            ends += [time.monotonic() - started for line in process.stdout if LOGGED_STEP.match(line)]
        if process.returncode or len(ends) < steps:
            lines = [line for line in errors.read_text("utf-8").splitlines() if line.strip()]
            raise UsageError(
                f"the first steps of {script} {training.name.partition('-')[0]} failed: "
                f"{lines[-1] if lines else 'no line for each step in its output'}"
            )
    return ends[0], ends[steps - 1]
