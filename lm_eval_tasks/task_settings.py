"""The settings of a task: what its YAML, `--metadata` and the command line say, checked, and what results record."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from datasets import Dataset
from lm_eval.config.task import TaskConfig

from faithful_se.errors import UsageError
from faithfulness_metrics.segmentation import is_without_blanks, segmenter
from faithfulness_metrics.sentences import splitter
from faithfulness_metrics.units import WORD_UNIT
from lm_eval_tasks.data import check_revisions, hub_commit
from lm_eval_tasks.data_checks import MOST_TEXTS
from lm_eval_tasks.declaration import check_declaration, label_problem
from lm_eval_tasks.label_checks import ranking_problem
from lm_eval_tasks.options import Options
from lm_eval_tasks.read_options import read_options
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import BUDGETS, STYLES


def read_settings(settings: dict[str, Any]) -> Options:
    """Check what the YAML and the user's `--metadata` declare, and write both where lm-eval records them.

    `style` and `budget` move into `metadata.faithful_se`: a YAML that includes another one replaces the whole of
    `metadata`. A revision that the user pins replaces the default.
    """
    name, metadata = settings["task"], settings.get("metadata") or {}
    declared = metadata.get("faithful_se")
    if not isinstance(declared, dict) or not {"dataset", "noun", "question"} & set(declared):
        raise UsageError(
            f"{name}: metadata.faithful_se does not declare the task; override single options, "
            "as in --metadata classifier=loglikelihood data=DIR"
        )
    known = (*(field.name for field in fields(TaskConfig)), "style", "budget")
    for key in settings:  # lm-eval would end with a traceback
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            raise UsageError(f"{name}: {key}: no such key" + (f"; did you mean {near[0]}?" if near else ""))
    check_declaration(name, settings)
    declared.update({key: settings.pop(key) for key in ("style", "budget") if key in settings})
    style, budget = declared.get("style"), declared.get("budget")
    if style not in STYLES or budget not in BUDGETS:
        raise UsageError(f"{name}: style {style!r}, budget {budget!r}: no such style or budget")
    options = read_options(name, declared, {key: value for key, value in metadata.items() if key != "faithful_se"})
    if (labels := declared.get("labels")) and (problem := label_problem(labels, options.unknown)):
        raise UsageError(f"{name}: metadata.faithful_se.labels: {problem}")
    if labels and options.classifier == "loglikelihood" and (problem := ranking_problem(labels)):
        raise UsageError(f"{name}: classifier=loglikelihood: {problem}: give classifier=generate, or calibrated")
    check_revisions(name, metadata, declared["dataset"])
    if revision := metadata.get(f"{declared['dataset']}_revision"):
        settings["dataset_kwargs"] = {**(settings.get("dataset_kwargs") or {}), "revision": str(revision)}
    return options


def note_settings(metadata: dict[str, Any], spec: TaskSpec, rows: Dataset) -> None:
    """Write into a task's metadata, which lm-eval logs, which options and data it really uses."""
    declared, options = metadata["faithful_se"], spec.options
    declared.setdefault("labels", [])  # boards know a task by it; of multiple choice there are none
    if STYLES[spec.style].SIMULATES:  # boards leave it out of means over tasks
        declared["simulates"] = True
    declared.update(options.as_dict(), data_fingerprint=rows._fingerprint)
    if spec.source and spec.source.digest:
        declared["explanations_digest"] = spec.source.digest
    if commit := hub_commit(rows):
        metadata["dataset_commit"] = commit
    first = rows.select(range(min(MOST_TEXTS, len(rows))))
    if is_without_blanks(text or "" for name in spec.question.fields for text in first[name]):
        metadata["segmenter"] = segmenter()
    if options.unit != WORD_UNIT:
        metadata["splitter"] = splitter()


def check_sampling(task: str, settings: Mapping[str, Any], samples: int = 1) -> None:
    """Refuse to sample at temperature 0: samples would be equal, and transformers would end with a traceback."""
    if samples > 1 and not settings.get("temperature"):
        raise UsageError(
            f"{task}: samples={samples} asks for sampled answers: add --gen_kwargs do_sample=true,temperature=1, or "
            "leave samples out"
        )
    if settings.get("do_sample") and not settings.get("temperature"):
        raise UsageError(
            f"{task}: --gen_kwargs do_sample=true needs a temperature: add temperature=0.7, or leave it out"
        )


def check_choice(
    task: str, options: Options, samples: Sequence[int], limit: float | None, rows: int, processes: int
) -> None:
    """Refuse a choice of documents (`--limit`, `--samples`) that leaves too few, or means another than it says."""
    if limit is not None and limit <= 0:
        raise UsageError(f"{task}: --limit leaves no document: give a number above 0")
    if samples and options.order != "file":
        raise UsageError(
            f"{task}: --samples counts documents in the order of the file: leave order={options.order} out, or choose "
            "with --limit"
        )
    count = len(samples) or min(rows, int(limit or rows))
    if count < processes:
        # lm-eval would fail in the process without documents, and the others would wait for it for ever.
        raise UsageError(f"{task}: fewer documents ({count}) than processes ({processes})")
