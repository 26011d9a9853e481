"""What the page shows of a board besides charts, matrix and documents: plain values, text made visible."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from leaderboards.aggregate import GROUPS
from leaderboards.board import Board, Cell, Checkpoint, Estimate, Task
from leaderboards.estimates import NO_SPREAD
from leaderboards.main_table import BUDGETS, arm_of, belongs, ordered, trained_on
from leaderboards.number_format import PLACES
from leaderboards.sanitize import one_line, visible

# More notes or skipped files than this are folded away.
FOLD = 4


@dataclass(frozen=True)
class About:
    """The head of the page."""

    compared: str
    interval: str
    alpha: str
    fold: int


def about(board: Board) -> About:
    """What was compared, in a sentence."""
    bases = sum(checkpoint.base is None for checkpoint in board.checkpoints)
    trained = len(board.checkpoints) - bases
    datasets = list(dict.fromkeys(task.dataset for task in ordered(board.tasks)))
    compared = (
        f"{_count(bases, 'base model')} and {_count(trained, 'trained checkpoint')} on "
        f"{_count(len(board.tasks), 'task')} from {_count(len(datasets), 'dataset')} "
        f"({', '.join(one_line(name, 40) for name in datasets[:12])}{', …' if len(datasets) > 12 else ''}), "
        f"{board.documents_total:,} different documents"
    )
    pairs = sum(task.n for task in board.tasks)
    if pairs > board.documents_total:
        compared += f" ({pairs:,} pairs of document and task)"
    settings = board.settings
    return About(compared, f"{settings.confidence * 100:g} %", f"{settings.alpha * 100:g} %", FOLD)


def choices(board: Board) -> dict[str, list[tuple[str, str]]]:
    """Filters of tasks: what to choose among, as (value, words)."""
    tasks = ordered(board.tasks)
    return {
        "style": [(name, name) for name in _distinct(_key(task.style) for task in tasks)],
        "dataset": [(name, name) for name in _distinct(_key(task.dataset) for task in tasks)],
        "budget": [(name, BUDGETS.get(name, name)) for name in _distinct(_key(task.budget) for task in tasks)],
    }


def label(task: Task) -> str:
    """A task in words."""
    words = f"{task.dataset} · {task.style} · {BUDGETS.get(task.budget, task.budget)}"
    return one_line(f"{words} · {task.variant}" if task.variant else words, 160)


def payload(board: Board) -> dict[str, Any]:
    """What the scripts need to filter the table and to open a row."""
    tasks = ordered(board.tasks)
    place = {task.id: i for i, task in enumerate(tasks)}
    names = {checkpoint.id: one_line(checkpoint.name) for checkpoint in board.checkpoints}
    cells: dict[str, list[Cell]] = {checkpoint.id: [] for checkpoint in board.checkpoints}
    for cell in board.cells:
        cells[cell.checkpoint].append(cell)
    return {
        "headroom": board.settings.headroom,
        "flat": NO_SPREAD,
        "tasks": [
            {
                "label": label(task),
                "style": _key(task.style),
                "dataset": _key(task.dataset),
                "budget": _key(task.budget),
                "groups": [group for group in GROUPS if belongs(task, group)],
            }
            for task in tasks
        ],
        "checkpoints": [
            {
                "id": checkpoint.id,
                "name": names[checkpoint.id],
                "base": names.get(checkpoint.base or "", ""),
                "facts": _facts(checkpoint),
                "means": {
                    group: {metric: _compact(value) for metric, value in metrics.items()}
                    for group, metrics in checkpoint.means.items()
                },
                "gains": {group: _compact(value) for group, value in checkpoint.gains.items()},
                "cells": [
                    _cell(place[cell.task], cell) for cell in sorted(cells[checkpoint.id], key=lambda c: place[c.task])
                ],
            }
            for checkpoint in board.checkpoints
        ],
    }


def beside(note: str) -> str:
    """What of a note stands beside its number.

    That an interval has no width is told where it is pointed at: in words it makes a column three times as wide.
    """
    return visible("; ".join(part for part in note.split("; ") if part != NO_SPREAD))


def data_block(value: Any) -> Markup:
    """JSON that no HTML parser can leave: every `<` is written as an escape."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def _cell(place: int, cell: Cell) -> dict[str, Any]:
    versus = cell.versus
    return {
        "t": place,
        "m": {metric: _compact(value) for metric, value in cell.metrics.items()},
        "r": {one_line(rule, 40): _compact(value) for rule, value in cell.rules.items()},
        "missing": cell.missing,
        "v": None
        if versus is None
        else {
            "n": versus.n,
            "faithful": _compact(versus.faithful),
            "lift": _compact(versus.lift) if versus.lift else None,
            "acc": _compact(versus.acc),
            "only": [versus.only_checkpoint, versus.only_base],
            "p": [_short(versus.p), _short(versus.p_holm)],
            "marker": versus.marker,
            "detectable": _short(versus.detectable),
            "agreement": _short(versus.agreement),
            "entropy": [_short(versus.entropy), _short(versus.entropy_base)],
            "unknown": [_short(versus.unknown), _short(versus.unknown_base)],
            "unparsed": [_short(versus.unparsed), _short(versus.unparsed_base)],
        },
    }


def _facts(checkpoint: Checkpoint) -> list[tuple[str, str]]:
    """Name and value of what is known beyond the table."""
    facts = [("model", f"{checkpoint.model}: {checkpoint.arguments}"), ("newest run", checkpoint.date)]
    training = checkpoint.training
    if training is not None:
        facts += [
            ("trained on", trained_on(checkpoint)),
            ("arm", arm_of(checkpoint)),
            ("explanations", {True: "only those that change the answer", False: "all", None: ""}[training.filtered]),
            ("attributions", training.method),
            ("read from", training.source),
            *((str(key), str(value)) for key, value in training.extra.items()),
        ]
    files = [*checkpoint.files[:6], *([f"… {len(checkpoint.files) - 6} more"] if len(checkpoint.files) > 6 else [])]
    facts.append(("result files", "\n".join(files)))
    return [(one_line(name, 60), visible(value)[:1000]) for name, value in facts if value]


def _compact(estimate: Estimate) -> list[Any]:
    """[estimate, low, high, n], and the note where there is one."""
    values: list[Any] = [_short(estimate.estimate), _short(estimate.low), _short(estimate.high), estimate.n]
    return [*values, visible(estimate.note)] if estimate.note else values


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, PLACES)


def _key(name: str) -> str:
    """A name as the filter and the data hold it, the same in both."""
    return one_line(name, 40)


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
