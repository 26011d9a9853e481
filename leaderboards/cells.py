"""The numbers of one task: every checkpoint with intervals, and against its base on the same documents.

Every number and test is one of `faithfulness_metrics`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from faithfulness_metrics import flips
from leaderboards.base_comparison import versus
from leaderboards.board import Cell, Estimate, Settings, Versus
from leaderboards.estimates import weighted
from leaderboards.select_runs import Taken
from leaderboards.task_results import Column, Documents, columns_of


@dataclass(frozen=True)
class Analysis:
    """All checkpoints of a task: what is left when the documents' columns are given free.

    Attributes:
        documents: of the task; their keys are empty where nobody has samples.
        columns: row -> column, without samples and with `faithful` as its only values.
        versus: row -> against its base, before Holm.
    """

    documents: Documents
    columns: dict[int, Column]
    versus: dict[int, Versus]


def analyse(digest: str, taken: Sequence[Taken], bases: Sequence[int | None], settings: Settings) -> Analysis:
    """The numbers of one task on one set of documents. `bases`: row -> row of its base."""
    columns = {column.row: column for column in columns_of(digest, taken, settings)}
    compared = {}
    for row, column in columns.items():
        base = bases[row]
        if base is not None and base in columns and (one := versus(column, columns[base], settings)):
            compared[row] = one
    slim = {
        row: replace(
            column,
            samples=None,
            values={name: values for name, values in column.values.items() if name == "faithful"},
            rules=rules(column, settings),
        )
        for row, column in columns.items()
    }
    return Analysis(next(iter(columns.values())).documents, slim, compared)


def cell(column: Column, task: str, checkpoint: str, versus: Versus | None) -> Cell:
    """The cell of the board."""
    values = column.values.get("faithful")
    return Cell(
        checkpoint=checkpoint,
        task=task,
        date=column.run.date,
        file=str(column.run.samples or column.run.file),
        metrics=column.metrics,
        rules=column.rules,
        missing=0 if values is None else int(np.isnan(values).sum()),
        versus=versus,
    )


def rules(column: Column, settings: Settings) -> dict[str, Estimate]:
    """The same answers under other rules (metrics.md, section 1).

    strict: the headline. given valid: over valid explanations only. abstention counted: besides, a valid explanation
    after which the answer is "unknown" or cannot be read. madsen: where that rule says something: "unknown" is offered,
    or a label is "neutral", or explanations have a target.
    """
    found = {"strict": column.metrics["faithful"]}
    if column.samples is None or "valid" not in column.values:
        return found
    found["given valid"] = column.metrics["faithful_given_valid"]
    frame, options = column.samples.frame, column.run.options
    offered = [str(label) for label in options["labels"]]
    wants_target = bool(frame["target"].fill_null("").ne("").any())
    kinds = frame.group_by(["faithful", "valid", "prediction", "after", "gold"]).len().rows()
    counted = [
        (max(faithful, float(bool(valid) and prediction is not None and after in (None, flips.UNKNOWN))), n)
        for faithful, valid, prediction, after, _, n in kinds
        if faithful is not None
    ]
    found["abstention counted"] = weighted(counted, settings)
    named = options.get("unknown") or {flips.UNKNOWN, flips.NEUTRAL} & set(offered)
    if named or wants_target:
        labels = [label for label in offered if label != flips.UNKNOWN]
        judged = [
            (flips.madsen(wants_target, prediction, after, gold if gold in labels else None, labels), n)
            for _, _, prediction, after, gold, n in kinds
        ]
        kept = [(value, n) for value, n in judged if not math.isnan(value)]
        found["madsen"] = weighted(kept, settings)
    return found
