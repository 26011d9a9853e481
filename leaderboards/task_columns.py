"""Columns of the board: which of them there are, in what order, and what sets variants of one name apart."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leaderboards.board import Task
from leaderboards.main_table import BUDGETS, STYLES
from leaderboards.runs import PLACE
from leaderboards.select_runs import Sheet, Taken

# Longer values of options (lists of labels, questions) are not spelled out in a variant's name.
_SHORT = 40


@dataclass(frozen=True)
class Found:
    """A column before it has a name: a sheet on one set of documents.

    Attributes:
        options: as recorded by its newest run, of `date`.
        limits: of its runs.
        n: documents.
        checkpoints: how many have it.
        bare: only results without samples.
    """

    sheet: Sheet
    digest: str
    options: dict[str, Any]
    date: str
    limits: frozenset[int | None]
    n: int
    checkpoints: int
    bare: bool

    @staticmethod
    def of(sheet: Sheet, digest: str, taken: Sequence[Taken]) -> Found:
        """From the runs of a column."""
        newest = max((one.run for one in taken), key=lambda run: run.date)
        return Found(
            sheet=sheet,
            digest=digest,
            options=newest.options,
            date=newest.date,
            limits=frozenset(one.run.limit for one in taken),
            n=max(len(one.samples.frame) if one.samples else one.run.n or 0 for one in taken),
            checkpoints=len(taken),
            bare=all(one.samples is None for one in taken),
        )


def tasks_of(found: Sequence[Found], trained: Sequence[str]) -> tuple[list[tuple[Task, Found]], list[str]]:
    """The columns in the order of the board, the main one of each name first, and notes on those kept apart.

    The main one has the most checkpoints, then the most documents, then the newest run.

    Args:
        trained: datasets that any checkpoint was trained on.
    """
    by_name: dict[str, list[Found]] = {}
    for one in found:
        by_name.setdefault(one.sheet[0], []).append(one)
    tasks, apart = [], Counter[str]()
    for variants in by_name.values():
        variants.sort(key=lambda one: (one.checkpoints, one.n, one.date, one.digest), reverse=True)
        seen = Counter[str]()
        for number, one in enumerate(variants):
            variant = _variant(one, variants) if len(variants) > 1 else ""
            seen[variant] += 1
            variant += f" ({seen[variant]})" if seen[variant] > 1 else ""
            task = _task(one, number, variant, trained)
            tasks.append((task, one))
            if number:
                apart[f"{variant} (beside {_variant(variants[0], variants)})"] += 1
    notes = [
        f"Kept apart, not compared with each other: {what}, in {count} task{'s' if count > 1 else ''}."
        for what, count in apart.items()
    ]
    datasets = sorted({task.dataset for task, _ in tasks})
    tasks.sort(key=lambda pair: _place(pair[0], datasets))
    return tasks, notes


def _task(one: Found, number: int, variant: str, trained: Sequence[str]) -> Task:
    options = one.options
    dataset, style, budget = (str(options[name]) for name in ("dataset", "style", "budget"))
    limit = max((n for n in one.limits if n is not None), default=None)
    return Task(
        id=f"{dataset}_{style}_{budget}" + (f"~{number + 1}" if number else ""),
        name=one.sheet[0],
        dataset=dataset,
        style=style,
        budget=budget,
        labels=tuple(map(str, options["labels"])),
        titles=tuple(map(str, options.get("titles") or ())),
        version=one.sheet[1],
        options=options,
        limit=limit,
        n=one.n,
        variant=variant,
        trained_on=dataset in trained,
    )


def _variant(one: Found, variants: Sequence[Found]) -> str:
    """What sets it apart from the others of its name, in words."""
    told = []
    if len({other.sheet[1] for other in variants}) > 1:
        told.append(f"version {one.sheet[1]:g}")
    options = [_comparable(other.options) for other in variants]
    mine = _comparable(one.options)
    for name in sorted({name for its in options for name in its}):
        if len({its.get(name) for its in options}) > 1:
            shown = mine.get(name, "not recorded").strip('"')
            told.append(f"{name}={shown}" if len(shown) <= _SHORT else f"another {name}")
    if len({other.n for other in variants}) > 1 or any(other.limits != {None} for other in variants):
        limit = one.limits - {None}
        told.append(f"limit {max(limit)}" if limit else f"all {one.n} documents")  # type: ignore[type-var]
    if one.bare:
        told.append("without samples")
    if not told:
        told.append("other documents")
    return ", ".join(told)


def _comparable(options: Mapping[str, Any]) -> dict[str, str]:
    return {
        key: json.dumps(value, ensure_ascii=False, sort_keys=True) for key, value in options.items() if key != PLACE
    }


def _place(task: Task, datasets: Sequence[str]) -> tuple[Any, ...]:
    return (
        not task.trained_on,
        datasets.index(task.dataset),
        list(BUDGETS).index(task.budget) if task.budget in BUDGETS else len(BUDGETS),
        STYLES.index(task.style) if task.style in STYLES else len(STYLES),
        task.style,
        task.budget,
        int(task.id.partition("~")[2] or 1),
    )
