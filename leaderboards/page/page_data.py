"""The data of the page besides charts, matrix and cards: plain values, with invisible characters written out."""

from __future__ import annotations

import json
import re
from typing import Any

from markupsafe import Markup

from leaderboards.analysis.aggregate import GROUPS
from leaderboards.analysis.confidence_intervals import NO_SPREAD
from leaderboards.analysis.measurability import LEFT_OUT
from leaderboards.analysis.operators import operator_lifts
from leaderboards.board import BaseComparison, Board, Cell, Checkpoint, Estimate, Task
from leaderboards.number_format import NOT_MEASURABLE, PLACES
from leaderboards.sanitize import one_line, visible
from leaderboards.tables.main_table import describe_arm, describe_budget, describe_training, in_group, sort_tasks

# Rows of the table, and of a group in the matrix, before "Show all".
LONGEST_TABLE = 12
# Fewer checkpoints need no filters.
FILTERED_FROM = 6

# What `leaderboards/page/card_pairs.py` does, in a sentence for the reader.
PAIR_RULE = (
    "Not chosen by hand: the first text in the order of a hash that was won, on the first task with significant gain, "
    "and the first that was lost, on the first task with significant loss (without one: on any task)."
)
SINGLE_RULE = "Not chosen by hand: the first text in the order of a hash that is faithful, and the first that is not."

# "over 9 of 33 tasks", as leaderboards/analysis/aggregate.py writes it.
_COVERAGE = re.compile(r"over \d+ of \d+ tasks")

# Fields of a task by which the page filters.
_FILTERS = ("style", "dataset", "budget")


def about(board: Board) -> dict[str, Any]:
    """Sentences about the board as a whole, confidence and alpha in percent, and what depends on its size."""
    bases = sum(checkpoint.base is None for checkpoint in board.checkpoints)
    datasets = list(dict.fromkeys(task.dataset for task in sort_tasks(board.tasks)))
    names = ", ".join(one_line(name, 40) for name in datasets[:12]) + (", …" if len(datasets) > 12 else "")
    trained = len(board.checkpoints) - bases
    models = f"{_count(bases, 'base model')} and {_count(trained, 'trained checkpoint')}"
    compared = (
        f"{models if trained else _count(bases, 'model')} on "
        f"{_count(len(board.tasks), 'task')} from {_count(len(datasets), 'dataset')} ({names}), "
        f"{_count(board.documents_total, 'different document')}"
    )
    pairs = sum(task.n for task in board.tasks)
    if pairs > board.documents_total:
        compared += f" ({pairs:,} pairs of document and task)"
    percents = {name: f"{getattr(board.settings, name) * 100:g} %" for name in ("confidence", "alpha")}
    has_base = any(checkpoint.base for checkpoint in board.checkpoints)
    return {
        "compared": compared,
        "generated": _generated(board),
        "pair_rule": PAIR_RULE if has_base else SINGLE_RULE,
        "filters": len(board.checkpoints) >= FILTERED_FROM,
        "longest_table": LONGEST_TABLE,
        "no_documents": _no_documents(board),
        **percents,
    }


def _generated(board: Board) -> str:
    """A sentence where the texts are those of the mini world, which no person wrote."""
    count = sum(task.options.get("data") == "mini" for task in board.tasks)
    texts = "The texts" if count == len(board.tasks) else f"The texts of {count} of {len(board.tasks)} tasks"
    return f"{texts} were made by a small grammar, not written by people." if count else ""


def _no_documents(board: Board) -> str:
    """Why the page shows no texts; "" where it shows some."""
    if board.documents:
        return ""
    if board.settings.cards == 0:
        return (
            "No examples and no documents here: this board was made with --cards 0, so that it passes on no texts of "
            "the datasets. They are in the samples files of the results."
        )
    return "No examples and no documents here: the results have no samples. Evaluate with --log_samples."


def filter_options(board: Board) -> dict[str, list[tuple[str, str]]]:
    """The options of the task filters: filter -> (value, words)."""
    return {
        field: [
            (name, describe_budget(name))
            for name in dict.fromkeys(one_line(getattr(task, field), 40) for task in sort_tasks(board.tasks))
        ]
        for field in _FILTERS
    }


def task_label(task: Task) -> str:
    """A task in words."""
    parts = (task.dataset, task.style, describe_budget(task.budget, task.unit), task.variant)
    return one_line(" · ".join(filter(None, parts)), 160)


def page_data(board: Board) -> dict[str, Any]:
    """What the scripts need to filter the table and to open a row."""
    tasks = sort_tasks(board.tasks)
    task_index = {task.id: i for i, task in enumerate(tasks)}
    names = {checkpoint.id: one_line(checkpoint.name) for checkpoint in board.checkpoints}
    bands = {(band.checkpoint, task): lifts for band in board.wordings for task, lifts in band.tasks.items()}
    cells: dict[str, list[Cell]] = {checkpoint.id: [] for checkpoint in board.checkpoints}
    for cell in sorted(board.cells, key=lambda cell: task_index[cell.task]):
        cells[cell.checkpoint].append(cell)
    return {
        "headroom": board.settings.headroom,
        "flat": NO_SPREAD,
        "notMeasurable": NOT_MEASURABLE,
        "leftOut": LEFT_OUT,
        "longestTable": LONGEST_TABLE,
        "tasks": [
            {
                "label": task_label(task),
                **{field: one_line(getattr(task, field), 40) for field in _FILTERS},
                "groups": [group for group in GROUPS if in_group(task, group)],
            }
            for task in tasks
        ],
        "checkpoints": [
            {
                "id": checkpoint.id,
                "styles": [one_line(style, 40) for style in checkpoint.training.styles] if checkpoint.training else [],
                "name": names[checkpoint.id],
                "base": names.get(checkpoint.base or "", ""),
                "facts": _facts(checkpoint),
                "means": {
                    group: {metric: _estimate(value) for metric, value in metrics.items()}
                    for group, metrics in checkpoint.means.items()
                },
                "gains": {group: _estimate(value) for group, value in checkpoint.gains.items()},
                "cells": [
                    _cell(task_index[cell.task], cell, bands.get((cell.checkpoint, cell.task), {}))
                    for cell in cells[checkpoint.id]
                ],
            }
            for checkpoint in board.checkpoints
        ],
    }


def note_beside_number(note: str) -> str:
    """The part of a note that is shown beside its number.

    That an interval has no width is a tooltip instead, because in words it makes a column three times as wide. So is
    over how many tasks a mean is: the name of the row says it once.
    """
    return visible("; ".join(part for part in note.split("; ") if part != NO_SPREAD and not _COVERAGE.fullmatch(part)))


def coverage(note: str) -> str:
    """The part of a note that says over how many tasks a mean is."""
    return "; ".join(part for part in note.split("; ") if _COVERAGE.fullmatch(part))


def data_block(value: Any) -> Markup:
    """JSON for a script element. No HTML parser leaves it, because every `<` is escaped."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def _cell(task: int, cell: Cell, wordings: dict[str, Estimate]) -> dict[str, Any]:
    return {
        "task": task,
        "metrics": {metric: _estimate(value) for metric, value in cell.metrics.items()},
        "rules": {one_line(rule, 40): _estimate(value) for rule, value in cell.rules.items()},
        "missing": cell.missing,
        "operators": {name: _estimate(value) for name, value in operator_lifts(cell.metrics).items()},
        **({"wordings": {visible(name): _estimate(lift) for name, lift in wordings.items()}} if wordings else {}),
        **({"notMeasurable": True} if cell.not_measurable else {}),
        "versus": _comparison(cell.versus) if cell.versus else None,
    }


def _comparison(versus: BaseComparison) -> dict[str, Any]:
    return {
        "n": versus.n,
        "faithful": _estimate(versus.faithful),
        "lift": _estimate(versus.lift) if versus.lift else None,
        "acc": _estimate(versus.acc),
        "only": [versus.only_checkpoint, versus.only_base],
        "pHolm": _rounded(versus.p_holm),
        "marker": versus.marker,
        "detectable": _rounded(versus.detectable),
        "agreement": _rounded(versus.agreement),
        **{
            name: [_rounded(getattr(versus, name)), _rounded(getattr(versus, f"{name}_base"))]
            for name in ("entropy", "unknown", "unparsed")
        },
    }


def _facts(checkpoint: Checkpoint) -> list[tuple[str, str]]:
    """Name and value of everything known about a checkpoint that the table does not show."""
    facts = [("model", f"{checkpoint.model}: {checkpoint.arguments}"), ("newest run", checkpoint.date)]
    training = checkpoint.training
    if training is not None:
        facts += [
            ("trained on", describe_training(checkpoint)),
            ("arm", describe_arm(checkpoint)),
            ("explanations", {True: "only those that change the answer", False: "all", None: ""}[training.filtered]),
            ("attributions", training.method),
            ("read from", training.source),
            *((str(name), str(value)) for name, value in training.extra.items()),
        ]
    more = len(checkpoint.files) - 6
    facts.append(("result files", "\n".join([*checkpoint.files[:6], *([f"… {more} more"] if more > 0 else [])])))
    return [(one_line(name, 60), visible(value)[:1000]) for name, value in facts if value]


def _estimate(estimate: Estimate) -> list[Any]:
    """[estimate, low, high, n], and the note if there is one. dom.js reads it in this order."""
    numbers: list[Any] = [*map(_rounded, (estimate.estimate, estimate.low, estimate.high)), estimate.n]
    return [*numbers, visible(estimate.note)] if estimate.note else numbers


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, PLACES)


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
