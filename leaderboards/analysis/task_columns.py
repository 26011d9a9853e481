"""Which columns a board has: their order, their ids, and what distinguishes variants (`~2`) of one task name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from leaderboards.analysis.document_sets import DocumentSet
from leaderboards.analysis.task_results import TaskResult
from leaderboards.board import Task
from leaderboards.lm_eval_files.option_defaults import DEFAULTS, has_cue, with_defaults
from leaderboards.lm_eval_files.results_file import DATA_FOLDER, Run, TaskKey

STYLES = ("attribution", "redaction", "counterfactual")
BUDGETS = {"oneword": "one word", "multiword": "several words"}

# Longer values of options (lists of labels, questions) are not written out in the name of a variant.
_LONGEST_VALUE = 40


@dataclass(frozen=True)
class TaskColumn:
    """A column before it has an id: one task on one set of documents.

    Attributes:
        results: index of a checkpoint -> its result.
        others: index of an explainer -> the result of its explanations, see `leaderboards.analysis.explainers`.
    """

    key: TaskKey
    results: dict[int, TaskResult]
    others: dict[int, TaskResult] = field(default_factory=dict)

    @property
    def documents(self) -> DocumentSet:
        """Its documents."""
        return next(iter(self.results.values())).documents

    @property
    def newest(self) -> Run:
        """The newest run, whose options the column shows."""
        return max((result.run for result in self.results.values()), key=lambda run: run.date)

    @property
    def limit(self) -> int | None:
        """The largest `--limit` of the runs; None without any."""
        limits = (result.run.limit for result in self.results.values())
        return max((limit for limit in limits if limit is not None), default=None)


def name_columns(
    columns: Sequence[TaskColumn], trained: Sequence[str] = ()
) -> tuple[list[tuple[Task, TaskColumn]], list[str]]:
    """Give the columns ids and the order of the board.

    The main column of a task name has most checkpoints, then most documents. Then the first wording counts, then the
    newest run. Columns of texts with a cue come last. The others are variants: `~2`, `~3` and so on.

    Returns:
        The columns as tasks, which know whether their dataset is in `trained`; and notes on the variants.
    """
    by_name: dict[str, list[TaskColumn]] = {}
    for column in columns:
        by_name.setdefault(column.key.task, []).append(column)
    named, variant_counts = [], Counter[str]()
    for variants in by_name.values():
        variants.sort(key=_importance, reverse=True)
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


def _importance(column: TaskColumn) -> tuple[bool, int, int, bool, str, str]:
    newest, documents = column.newest, column.documents
    first_wording = with_defaults(newest.options)["template"] == DEFAULTS["template"]
    size = len(column.results), documents.n
    return not has_cue(newest.options), *size, first_wording, newest.date, documents.digest


def _task(column: TaskColumn, number: int, variant: str, trained: Sequence[str]) -> Task:
    options = column.newest.options
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
        limit=column.limit,
        n=column.documents.n,
        variant=variant,
        trained_on=dataset in trained,
    )


def _difference(column: TaskColumn, variants: Sequence[TaskColumn]) -> str:
    """What distinguishes a column from the others of its name, in words."""
    differences = []
    if len({variant.key.version for variant in variants}) > 1:
        differences.append(f"version {column.key.version:g}")
    options_of_variants = [_comparable(variant.newest.options) for variant in variants]
    options = _comparable(column.newest.options)
    for name in sorted({name for variant_options in options_of_variants for name in variant_options}):
        if len({variant_options.get(name) for variant_options in options_of_variants}) > 1:
            value = options.get(name, "not recorded").strip('"')
            differences.append(f"{name}={value}" if len(value) <= _LONGEST_VALUE else f"another {name}")
    sizes = {variant.documents.n for variant in variants}
    if len(sizes) > 1 or any(variant.limit is not None for variant in variants):
        differences.append(f"all {column.documents.n} documents" if column.limit is None else f"limit {column.limit}")
    if not column.documents.keys:
        differences.append("without samples")
    return ", ".join(differences or ["other documents"])


def _comparable(options: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: json.dumps(value, ensure_ascii=False, sort_keys=True)
        for name, value in with_defaults(options).items()
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
