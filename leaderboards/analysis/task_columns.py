"""Which columns a board has: their order, their ids, and what distinguishes variants (`~2`) of one task name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leaderboards.analysis.task_results import TaskResult
from leaderboards.board import Task
from leaderboards.lm_eval_files.results_file import DATA_FOLDER, TaskKey
from leaderboards.lm_eval_files.select_runs import SelectedRun

STYLES = ("attribution", "redaction", "counterfactual")
BUDGETS = {"oneword": "one word", "multiword": "several words"}

# Longer values of options (lists of labels, questions) are not written out in the name of a variant.
_LONGEST_VALUE = 40


@dataclass(frozen=True)
class TaskColumn:
    """A column before it has an id: one task on one set of documents.

    Attributes:
        digest: of the documents.
        options: as recorded by the newest run.
        date: of the newest run.
        limits: of the runs.
        n: number of documents.
        without_samples: whether no run has samples.
        results: index of a checkpoint -> its result.
    """

    key: TaskKey
    digest: str
    options: dict[str, Any]
    date: str
    limits: frozenset[int | None]
    n: int
    without_samples: bool
    results: dict[int, TaskResult]

    @staticmethod
    def of(key: TaskKey, digest: str, runs: Sequence[SelectedRun], results: dict[int, TaskResult]) -> TaskColumn:
        """The column of some runs and their results."""
        newest = max((selected.run for selected in runs), key=lambda run: run.date)
        return TaskColumn(
            key=key,
            digest=digest,
            options=newest.options,
            date=newest.date,
            limits=frozenset(selected.run.limit for selected in runs),
            n=max(len(run.samples.frame) if run.samples else run.run.n or 0 for run in runs),
            without_samples=all(selected.samples is None for selected in runs),
            results=results,
        )


def name_columns(
    columns: Sequence[TaskColumn], trained: Sequence[str] = ()
) -> tuple[list[tuple[Task, TaskColumn]], list[str]]:
    """Give the columns ids and the order of the board.

    The main column of a task name has most checkpoints, then most documents, then the newest run. The others are
    variants: `~2`, `~3` and so on.

    Args:
        columns: of all tasks.
        trained: datasets that any checkpoint was trained on.

    Returns:
        The columns as tasks, and notes on the variants.
    """
    by_name: dict[str, list[TaskColumn]] = {}
    for column in columns:
        by_name.setdefault(column.key.task, []).append(column)
    named, variant_counts = [], Counter[str]()
    for variants in by_name.values():
        variants.sort(key=lambda column: (len(column.results), column.n, column.date, column.digest), reverse=True)
        seen = Counter[str]()
        for number, column in enumerate(variants):
            variant = _difference(column, variants) if len(variants) > 1 else ""
            seen[variant] += 1
            variant += f" ({seen[variant]})" if seen[variant] > 1 else ""
            named.append((_task(column, number, variant, trained), column))
            if number:
                variant_counts[f"{variant} (beside {_difference(variants[0], variants)})"] += 1
    notes = [
        f"Kept apart, not compared with each other: {variant}, in {count} task{'s' if count > 1 else ''}."
        for variant, count in variant_counts.items()
    ]
    datasets = sorted({task.dataset for task, _ in named})
    named.sort(key=lambda pair: _sort_key(pair[0], datasets))
    return named, notes


def _task(column: TaskColumn, number: int, variant: str, trained: Sequence[str]) -> Task:
    options = column.options
    dataset, style, budget = (str(options[name]) for name in ("dataset", "style", "budget"))
    return Task(
        id=f"{dataset}_{style}_{budget}" + (f"~{number + 1}" if number else ""),
        name=column.key.task,
        dataset=dataset,
        style=style,
        budget=budget,
        labels=tuple(map(str, options["labels"])),
        titles=tuple(map(str, options.get("titles") or ())),
        version=column.key.version,
        options=options,
        limit=_limit(column),
        n=column.n,
        variant=variant,
        trained_on=dataset in trained,
    )


def _difference(column: TaskColumn, variants: Sequence[TaskColumn]) -> str:
    """What distinguishes a column from the others of its name, in words."""
    differences = []
    if len({variant.key.version for variant in variants}) > 1:
        differences.append(f"version {column.key.version:g}")
    options_of_variants = [_comparable(variant.options) for variant in variants]
    options = _comparable(column.options)
    for name in sorted({name for variant_options in options_of_variants for name in variant_options}):
        if len({variant_options.get(name) for variant_options in options_of_variants}) > 1:
            value = options.get(name, "not recorded").strip('"')
            differences.append(f"{name}={value}" if len(value) <= _LONGEST_VALUE else f"another {name}")
    if len({variant.n for variant in variants}) > 1 or any(variant.limits != {None} for variant in variants):
        limit = _limit(column)
        differences.append(f"all {column.n} documents" if limit is None else f"limit {limit}")
    if column.without_samples:
        differences.append("without samples")
    return ", ".join(differences or ["other documents"])


def _limit(column: TaskColumn) -> int | None:
    return max((limit for limit in column.limits if limit is not None), default=None)


def _comparable(options: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: json.dumps(value, ensure_ascii=False, sort_keys=True)
        for name, value in options.items()
        if name != DATA_FOLDER
    }


def _sort_key(task: Task, datasets: Sequence[str]) -> tuple[Any, ...]:
    budgets = list(BUDGETS)
    return (
        not task.trained_on,
        datasets.index(task.dataset),
        budgets.index(task.budget) if task.budget in budgets else len(budgets),
        STYLES.index(task.style) if task.style in STYLES else len(STYLES),
        task.style,
        task.budget,
        int(task.id.partition("~")[2] or 1),
    )
