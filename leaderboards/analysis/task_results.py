"""One checkpoint on one task: values per document, their resampled means, estimates.

All checkpoints of a task have the same documents in the same order and share their bootstrap resamples, seeded by the
documents: differences, means over tasks and ratios are made from the same draws, so documents that several tasks share
are drawn together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from faithfulness_metrics import statistics
from faithfulness_metrics.bootstrap import Array, intervals, resampled_means
from faithfulness_metrics.words import seed_of
from leaderboards.board import Estimate, Settings
from leaderboards.estimates import ccf_of, estimate_of, given_valid, made
from leaderboards.runs import Run
from leaderboards.samples import Samples
from leaderboards.select_runs import Taken

# What means over tasks and gains are made of: their resampled means are kept.
KEPT = ("faithful", "valid", "acc", "faithful_random", "lift", "faithful_oracle")

# Numbers held at once: columns x documents.
_BLOCK = 20_000_000


@dataclass(frozen=True)
class Documents:
    """The documents of a task, the same for all its checkpoints; equal ones are drawn together.

    Attributes:
        name: digest of the keys: equal names, equal documents.
        keys: in their order; empty where nobody has samples.
        n: how many.
    """

    name: str
    keys: tuple[str, ...] = field(compare=False)
    n: int = field(compare=False)


@dataclass(frozen=True)
class Column:
    """One checkpoint on one task.

    Attributes:
        row: index of the checkpoint.
        documents: of the task.
        samples: None where only means are known.
        values: metric -> [n_documents], nan where undefined.
        draws: metric of `KEPT` -> resampled means, [draws].
        metrics: metric -> Estimate.
        rules: rule -> Estimate.
    """

    row: int
    run: Run
    documents: Documents
    samples: Samples | None
    values: dict[str, Array]
    draws: dict[str, Array]
    metrics: dict[str, Estimate]
    rules: dict[str, Estimate] = field(default_factory=dict)


def distinct(parts: Iterable[tuple[Documents, Array | None]]) -> int:
    """How many different documents tasks have together: a text in six tasks of one dataset counts once.

    Args:
        parts: of each task its documents, and values, [n_documents], where only those that are not nan count.
    """
    its = list(parts)
    whole = frozenset(one for one, values in its if values is None or not np.isnan(values).any())
    some = {
        key
        for one, values in its
        if one not in whole and values is not None
        for key, gone in zip(one.keys, np.isnan(values), strict=True)
        if not gone
    }
    return len(some.union(*(one.keys for one in whole))) + _bare(whole) if some else _size(whole)


@lru_cache(maxsize=64)  # the checkpoints of a board have the same few sets of tasks
def _size(whole: frozenset[Documents]) -> int:
    return len(set[str]().union(*(one.keys for one in whole))) + _bare(whole)


def _bare(whole: Iterable[Documents]) -> int:
    return sum(one.n for one in whole if not one.keys)


def columns_of(digest: str, taken: Sequence[Taken], settings: Settings) -> list[Column]:
    """The columns of a task: values, resamples, estimates."""
    seed = seed_of(digest, str(settings.seed))
    documents = _documents(digest, taken)
    columns: list[Column] = []
    block: list[Taken] = []
    for one in taken:
        if one.samples is None:
            columns.append(_reported(one, documents, settings))
            continue
        block.append(one)
        cells = sum(len(t.samples.metrics) * len(t.samples.frame) for t in block if t.samples)
        if cells > _BLOCK:
            columns += _drawn(block, documents, seed, settings)
            block = []
    columns += _drawn(block, documents, seed, settings)
    return sorted(columns, key=lambda column: column.row)


def _documents(digest: str, taken: Sequence[Taken]) -> Documents:
    for one in taken:
        if one.samples:
            keys = tuple(one.samples.frame["key"].to_list())
            return Documents(digest, keys, len(keys))
    # As many documents of one dataset are taken for the same ones: without samples nobody can know.
    n = max((one.run.n or 0 for one in taken), default=0)
    return Documents(f"{taken[0].run.options.get('dataset')}: {n}" if taken else digest, (), n)


def _drawn(block: Sequence[Taken], documents: Documents, seed: int, settings: Settings) -> list[Column]:
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
        columns.append(Column(one.row, one.run, documents, one.samples, its, kept, metrics))
    return columns


def _reported(one: Taken, documents: Documents, settings: Settings) -> Column:
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
    return Column(one.row, one.run, documents, None, {}, {}, metrics)
