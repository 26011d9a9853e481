"""One checkpoint on one task: values per document, their resampled means, estimates.

All checkpoints of a task have the same documents in the same order and share their bootstrap resamples, seeded by the
documents: differences, means over tasks and ratios are made from the same draws, so documents that several tasks share
are drawn together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from faithfulness_metrics import statistics
from faithfulness_metrics.bootstrap import Array, intervals, resampled_means
from faithfulness_metrics.words import seed_of
from leaderboards.board import Estimate, Settings
from leaderboards.estimates import ccf_of, estimate_of, given_valid, made
from leaderboards.results import Run
from leaderboards.samples import Samples
from leaderboards.sheets import Taken

# What means over tasks and gains are made of: their resampled means are kept.
KEPT = ("faithful", "valid", "acc", "faithful_random", "lift", "faithful_oracle")

# Numbers held at once: columns x documents.
_BLOCK = 20_000_000


@dataclass(frozen=True)
class Column:
    """One checkpoint on one task.

    Attributes:
        row: index of the checkpoint.
        samples: None where only means are known.
        values: metric -> [n_documents], nan where undefined.
        draws: metric of `KEPT` -> resampled means, [draws].
        metrics: metric -> Estimate.
        rules: rule -> Estimate.
    """

    row: int
    run: Run
    samples: Samples | None
    values: dict[str, Array]
    draws: dict[str, Array]
    metrics: dict[str, Estimate]
    rules: dict[str, Estimate] = field(default_factory=dict)


def columns_of(digest: str, taken: Sequence[Taken], settings: Settings) -> list[Column]:
    """The columns of a task: values, resamples, estimates."""
    seed = seed_of(digest, str(settings.seed))
    columns: list[Column] = []
    block: list[Taken] = []
    for one in taken:
        if one.samples is None:
            columns.append(_reported(one, settings))
            continue
        block.append(one)
        cells = sum(len(t.samples.metrics) * len(t.samples.frame) for t in block if t.samples)
        if cells > _BLOCK:
            columns += _drawn(block, seed, settings)
            block = []
    columns += _drawn(block, seed, settings)
    return sorted(columns, key=lambda column: column.row)


def _drawn(block: Sequence[Taken], seed: int, settings: Settings) -> list[Column]:
    if not block:
        return []
    values = [
        {name: one.samples.frame[name].to_numpy().astype(np.float64) for name in one.samples.metrics}
        for one in block
        if one.samples
    ]
    draws = resampled_means(np.array([v for its in values for v in its.values()]), settings.draws, seed)
    lows, highs = intervals(draws, settings.confidence)
    columns, at = [], 0
    for one, its in zip(block, values, strict=True):
        places = {name: at + k for k, name in enumerate(its)}
        at += len(its)
        metrics = {
            name: estimate_of(name, v, lows[places[name]], highs[places[name]], settings) for name, v in its.items()
        }
        kept = {name: draws[places[name]] for name in KEPT if name in its}
        if {"faithful", "faithful_random", "faithful_oracle"} <= set(its):
            metrics["ccf"] = ccf_of(its, kept, settings)
        if "valid" in its:
            metrics["faithful_given_valid"] = given_valid(its["faithful"], its["valid"], settings)
        kept = {name: value.astype(np.float32) for name, value in kept.items()}
        columns.append(Column(one.row, one.run, one.samples, its, kept, metrics))
    return columns


def _reported(one: Taken, settings: Settings) -> Column:
    """Without samples: means as reported; an interval where the mean is a rate of yes and no."""
    n = one.run.n or 0
    metrics = {}
    for name, value in one.run.reported.items():
        low, high = (
            statistics.wilson(value * n, n, settings.confidence)
            if name in ("faithful", "valid", "acc")
            else (math.nan,) * 2
        )
        metrics[name] = made(value, low, high, n, "mean as reported, no samples")
    return Column(one.row, one.run, None, {}, {}, metrics)
