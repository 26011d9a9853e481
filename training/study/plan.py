"""What a study will take: calls, tokens and hours of each stage, from a first measured batch."""

from __future__ import annotations

import heapq
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import yaml

from faithful_se.files import parse_json_object, write_json_object
from lm_eval_tasks.styles import BUDGETS, EXPLANATION_STYLES, STYLES
from lm_eval_tasks.work import Work
from training.build.options import REPLAY
from training.study.explained import EXPLAIN
from training.study.folder import PLAN, StudyFolder
from training.study.pilot import Pilot, measure
from training.study.recipe import DPO, GRPO, MINI, SFT, TRAINERS, build_options, own_options, trainings, tunings
from training.study.run import environment
from training.study.stage import Stage

# What nobody can know before: shares that decide how many rows a build has, and how many words it tries.
ROWS_PER_TEXT = 0.5  # share of texts and styles that become a row
TRIES = 4  # new words that a counterfactual tries
BOARD_SECONDS = 30.0
# A row of `tune` is a classification, most of the time; a row of an arm holds an explanation too.
TUNE_ROW = 0.6
# Steps of `sft` that one of `dpo` takes: two explanations, and both again through the reference, without gradients.
PAIR = 2 * 4 / 3
# Questions that judge a completion: the word's, and those of some random words. Alike ones are asked once.
JUDGED = 3
# Defaults of `faithful-se grpo` and of TRL.
GRPO_DEFAULTS: dict[str, Any] = {
    "limit": 1000,
    "styles": ["attribution"],
    "replay": 0.25,
    "max_steps": -1,
    "num_train_epochs": 3.0,
    "num_generations": 8,
}
# Defaults of `faithful-se tune`.
TUNE = {"rows": 2000, "replay": 300, "held-out": 200, "explained": 100}


def make_plan(folder: StudyFolder, stages: Sequence[Stage]) -> str:
    """Measure a first batch, write `plan.json`, and return the plan as a table.

    Args:
        folder: of the study, prepared.
        stages: those to plan. Complete ones are not counted.
    """
    study = folder.study
    os.environ.update(environment(study.recipe))
    left = [stage for stage in stages if not stage.done.is_file()]
    kinds = {stage.name: stage.name.partition("-")[0] for stage in folder.stages}
    of_rows = (SFT, DPO)
    training = next((stage for kind in of_rows for stage in folder.stages if kinds[stage.name] == kind), None)
    batch = _batch(folder, kinds[training.name] if training else SFT)
    pilot = measure(study.recipe, _model(folder), training, batch)
    works = {stage.name: stage_work(folder, stage, pilot) for stage in left}
    clock = hours_on_the_clock(left, {name: work.seconds for name, work in works.items()}, study.recipe.parallel)
    content = {
        "measured": {
            "startup_seconds": round(pilot.startup, 1),
            "training_startup_seconds": round(pilot.training_startup, 1),
            "classify": _rates(pilot.classify),
            "generate": _rates(pilot.generate),
            "training_step": _rates(pilot.step),
        },
        "stages": [
            {
                "name": name,
                "calls": round(work.calls),
                "tokens": round(work.all_tokens),
                "seconds": round(work.seconds, 1),
            }
            for name, work in works.items()
        ],
        "complete": [stage.name for stage in stages if stage.done.is_file()],
        "hours": round(clock, 3),
    }
    write_json_object(folder.path / PLAN, content)
    return "\n".join(_table(content, works, study.recipe.parallel))


def stage_work(folder: StudyFolder, stage: Stage, pilot: Pilot) -> Work:
    """What a stage will ask of the model, and how long that takes."""
    kind = stage.name.partition("-")[0]
    start = Work(0, 0, pilot.training_startup if kind in TRAINERS else pilot.startup)
    processes = int(match[1]) if (match := re.search(r"num_processes[ =](\d+)", stage.launch)) else 1
    if kind == "attribute":
        return start.plus(_attribution(pilot).times(1 / processes))
    if stage.tasks:
        return start.plus(Work(0, 0, pilot.index)).plus(pilot.evaluate(stage.tasks).times(1 / processes))
    if kind == EXPLAIN:  # of the texts of the evaluation
        texts, limit = sum(pilot.texts.values()), folder.study.recipe.evaluate.limit
        share = 1.0 if limit is None else len(pilot.texts) * limit / texts
        return start.plus(_attribution(pilot).times(share / processes))
    if kind == "build":
        return start.plus(_build(folder, stage, pilot))
    if kind == GRPO:
        return start.plus(_grpo(folder, stage, pilot))
    if kind in TRAINERS:
        steps = _steps(folder, rows_of(folder, stage, pilot), kind) * _batch(folder, kind) / pilot.batch
        is_dearer = kind == DPO and not pilot.of_pairs
        return start.plus(pilot.step.times(steps * (PAIR if is_dearer else 1.0)))
    if kind == "tune":
        return Work(0, 0, pilot.startup + pilot.training_startup).plus(_tune(folder, stage.name, pilot))
    return Work(0, 0, BOARD_SECONDS if kind == "board" else 5.0)


def rows_of(folder: StudyFolder, stage: Stage, pilot: Pilot) -> float:
    """Rows of an arm: those that were built, or as many as there may be."""
    file = folder.path / "rows" / stage.name.partition("-")[2] / "report.json"
    report = parse_json_object(file.read_bytes()) if file.is_file() else None
    if report and isinstance(report.get("rows"), int):
        return float(report["rows"])
    options = _build_options(folder, stage)
    texts = sum(pilot.texts[name] for name in _datasets(folder, options))
    styles = 1 if options.get("arm") == "answers" else len(options.get("styles", EXPLANATION_STYLES))
    share = 1.0 if options.get("unfiltered") or folder.study.recipe.model == MINI else ROWS_PER_TEXT
    replay = float(options.get("replay", 0.0 if options.get("pairs") else REPLAY))
    return float(texts * styles * share / (1 - replay))


def hours_on_the_clock(stages: Sequence[Stage], seconds: Mapping[str, float], parallel: int) -> float:
    """Hours until all stages are complete, so many at a time, each after those that it needs."""
    waiting, running, ends = list(stages), list[tuple[float, str]](), dict[str, float]()
    now, planned = 0.0, {stage.name for stage in stages}
    while waiting or running:
        for stage in [*waiting]:
            if len(running) < parallel and all(name in ends for name in stage.after if name in planned):
                waiting.remove(stage)
                heapq.heappush(running, (now + seconds[stage.name], stage.name))
        now, name = heapq.heappop(running)
        ends[name] = now
    return now / 3600


def _table(content: Mapping[str, Any], works: Mapping[str, Work], parallel: int) -> Iterator[str]:
    yield "| stage | calls | tokens | hours |"
    yield "|---|--:|--:|--:|"
    for name in content["complete"]:
        yield f"| {name} | | | complete |"
    for name, work in works.items():
        yield f"| {name} | {work.calls:,.0f} | {work.all_tokens:,.0f} | {work.seconds / 3600:.2f} |"
    total = sum(work.seconds for work in works.values()) / 3600
    at_once = f", {parallel} stages at a time" if parallel > 1 else ""
    yield f"\n{total:.2f} hours of work; about {content['hours']:.2f} hours on the clock{at_once}"
    for name, rates in content["measured"].items():
        if isinstance(rates, dict):
            yield f"measured: {name}: {rates['tokens_per_second']:,} tokens a second ({rates['calls']} calls)"


def _rates(work: Work) -> dict[str, float]:
    return {
        "calls": round(work.calls),
        "tokens": round(work.all_tokens),
        "seconds": round(work.seconds, 2),
        "tokens_per_second": round(work.all_tokens / work.seconds) if work.seconds else 0,
    }


def _model(folder: StudyFolder) -> str:
    """The model to measure with: the subject, or the model that it will be made of."""
    study = folder.study
    if (Path(study.subject) / "config.json").is_file():
        return study.subject
    if study.recipe.model == MINI and not Path(study.base).is_dir():
        from training.mini.train import base_model

        return str(base_model(study.recipe.seeds[0], progress=True))
    return study.base


def _attribution(pilot: Pilot) -> Work:
    """That of the training texts of all datasets."""
    return reduce(Work.plus, pilot.attribute.values(), Work())


def _build(folder: StudyFolder, stage: Stage, pilot: Pilot) -> Work:
    options = _build_options(folder, stage)
    styles = options.get("styles", EXPLANATION_STYLES)
    editing = sum(STYLES[style].WANTS_TARGET for style in styles)
    calls = 1 + (len(styles) > editing) + editing * TRIES  # styles that name words mask the same
    texts = sum(pilot.texts[name] for name in _datasets(folder, options))
    if options.get("pairs"):  # the model's own explanations, and their checks
        calls += 2 * len(styles)
        own = pilot.generate.times(texts * len(styles) / max(1.0, pilot.generate.calls))
        return own.plus(pilot.classify.times(texts * calls / max(1.0, pilot.classify.calls)))
    return pilot.classify.times(texts * calls / max(1.0, pilot.classify.calls))


def _grpo(folder: StudyFolder, stage: Stage, pilot: Pilot) -> Work:
    """Completions, their judgement, and steps on them, as if a completion were a row of the measured training."""
    values = {**GRPO_DEFAULTS, **_training(folder, GRPO), **own_options(folder.study.recipe, stage.arm)}
    batch, datasets = _batch(folder, GRPO), len(folder.study.recipe.datasets)
    rows = float(values["limit"]) * datasets * len(values["styles"]) / (1 - float(values["replay"]))
    passes = float(values["num_train_epochs"]) * int(values["num_generations"])
    steps = int(values["max_steps"]) if int(values["max_steps"]) > 0 else math.ceil(rows * passes / batch)
    completions = float(steps * batch)
    return (
        pilot.generate.times(completions / max(1.0, pilot.generate.calls))
        .plus(pilot.classify.times(completions * JUDGED / max(1.0, pilot.classify.calls)))
        .plus(pilot.step.times(completions / max(1, pilot.batch)))
    )


def _build_options(folder: StudyFolder, stage: Stage) -> dict[str, Any]:
    return {**folder.study.recipe.build, **build_options(folder.study.recipe, stage.arm)}


def _datasets(folder: StudyFolder, options: Mapping[str, Any]) -> list[str]:
    names = options.get("datasets") or folder.study.recipe.datasets
    return [name for name in names if name not in options.get("without", ())]


def _training(folder: StudyFolder, section: str) -> dict[str, Any]:
    """Arguments of a training: those of its file, and those of the recipe."""
    text = folder.configs.get(folder.path / f"{section}.yaml", "")
    sections = {**tunings(folder.study.recipe), **trainings(folder.study.recipe)}
    return {**(yaml.safe_load(text) or {}), **sections[section]}


def _batch(folder: StudyFolder, section: str) -> int:
    values = _training(folder, section)
    launch = re.search(r"num_processes[ =](\d+)", str(values.get("launch", "")))
    rows = int(values.get("per_device_train_batch_size", 8)) * int(values.get("gradient_accumulation_steps", 1))
    return rows * (int(launch[1]) if launch else 1)


def _steps(folder: StudyFolder, rows: float, section: str, epochs: float = 3.0) -> float:
    values = _training(folder, section)
    if int(values.get("max_steps", -1)) > 0:
        return float(values["max_steps"])
    return math.ceil(rows / _batch(folder, section)) * float(values.get("num_train_epochs", epochs))


def _tune(folder: StudyFolder, stage: str, pilot: Pilot) -> Work:
    options = {**TUNE, **tunings(folder.study.recipe)[stage]}
    datasets = folder.study.recipe.datasets
    styles, budgets = options.get("styles", EXPLANATION_STYLES), options.get("budgets", [BUDGETS[0]])
    texts = options["rows"] if isinstance(options["rows"], list) else [options["rows"]]
    counts = {name: number for name, _, number in (str(text).rpartition("=") for text in texts)}
    gold = sum(float(counts.get(name, counts.get("", TUNE["rows"]))) for name in datasets)
    explanations = len(datasets) * len(styles) * len(budgets)
    replay = float(options["replay"]) * explanations
    steps = _steps(folder, gold + replay, stage, epochs=1.0) * _batch(folder, stage) / pilot.batch
    answers = 2 * len(datasets) * float(options["held-out"])
    own = replay if int(options.get("own-examples", 2)) else 0.0  # else all words are drawn
    asked = own + 2 * explanations * float(options["explained"])
    return (
        pilot.step.times(steps * TUNE_ROW)
        .plus(pilot.classify.times(answers / max(1.0, pilot.classify.calls)))
        .plus(pilot.generate.times(asked / max(1.0, pilot.generate.calls)))
    )
