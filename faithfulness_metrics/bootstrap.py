"""Resampling documents: intervals for any statistic, with all columns of a document drawn together.

A column is [n_documents], one value per document; columns that are compared hold the same documents in the same order.
Missing values are the caller's decision: a nan raises, and `complete` leaves the incomplete documents out and says how
many there were.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# Largest share of bootstrap draws that may have no value before the interval has none.
UNDEFINED = 0.05

# Random numbers drawn at once, so that memory does not grow with documents times draws: 32 MB of 8 bytes each.
_CELLS = 4_000_000


class Interval(NamedTuple):
    """A percentile interval and the standard error (standard deviation over the draws)."""

    low: float
    high: float
    stderr: float


def aligned(*columns: Sequence[float]) -> Array:
    """The columns as one array, [n_columns, n_documents]. Raises ValueError when their lengths differ."""
    if len({len(column) for column in columns}) > 1:
        raise ValueError(f"columns of different lengths: {[len(column) for column in columns]} documents")
    return np.array(columns, dtype=np.float64).reshape(len(columns), -1)


def complete(*columns: Sequence[float]) -> tuple[list[list[float]], int]:
    """The columns without the documents where any of them is nan, and how many documents that left out.

    >>> complete([1.0, math.nan, 0.0], [0.0, 1.0, 1.0])
    ([[1.0, 0.0], [0.0, 1.0]], 1)
    """
    table = aligned(*columns)
    missing = np.isnan(table).any(axis=0)
    return table[:, ~missing].tolist(), int(missing.sum())


def paired_bootstrap(
    columns: Sequence[Sequence[float]],
    statistic: Callable[[Array], float | Array],
    draws: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
    vectorized: bool = False,
) -> Interval:
    """Percentile interval of any statistic: documents are drawn with replacement, all columns together.

    Efron and Tibshirani 1993, chapter 13. All nan when the statistic is nan on the data, with fewer than two documents
    (one document says nothing about their spread), or when the statistic is nan on more than `UNDEFINED` of the draws;
    up to that share such draws are left out. For statistics of column means `bootstrap_means` is much faster.

    Args:
        columns: [n_columns][n_documents].
        statistic: takes [n_columns, n_documents], returns a number; with `vectorized`, takes [n_columns, draws,
            n_documents] and returns [draws] (it reduces the last axis).

    Raises:
        ValueError: nan in a column, lengths that differ, or a statistic that does not return one value per draw.
    """
    table = without_nan(*columns)
    n = table.shape[1]
    data = table[:, None, :] if vectorized else table
    if n < 2 or bool(np.isnan(statistic(data)).any()):
        return Interval(math.nan, math.nan, math.nan)
    rng, values = np.random.default_rng(seed), np.empty(draws)
    batch = max(1, _CELLS // n)
    for start in range(0, draws, batch):
        sample = table[:, rng.integers(n, size=(min(batch, draws - start), n))]  # [n_columns, batch, n_documents]
        size = sample.shape[1]
        found = np.asarray(statistic(sample) if vectorized else [statistic(sample[:, i]) for i in range(size)])
        if found.shape != (size,):
            raise ValueError(f"the statistic returned shape {found.shape} for {size} draws, not one value per draw")
        values[start : start + size] = found
    return interval(values, confidence)


def bootstrap_means(columns: Sequence[Sequence[float]], draws: int = 2000, seed: int = 0) -> Array:
    """Column means of `draws` paired resamples, [draws, n_columns]: all that a difference or a ratio of means needs.

    The same distribution as drawing documents one by one: equal documents are counted once and their numbers drawn from
    the multinomial distribution. Outcomes take few values, so this costs little, and the order of documents is
    irrelevant. nan everywhere with fewer than two documents.

    Raises:
        ValueError: nan in a column, or lengths that differ.
    """
    table = without_nan(*columns)
    n = table.shape[1]
    if n < 2:
        return np.full((draws, len(table)), np.nan)
    kinds, counts = np.unique(table, axis=1, return_counts=True)  # [n_columns, n_kinds], [n_kinds]
    rng, means = np.random.default_rng(seed), np.empty((draws, len(table)))
    batch = max(1, _CELLS // len(counts))
    for start in range(0, draws, batch):
        drawn = rng.multinomial(n, counts / n, size=min(batch, draws - start))  # [batch, n_kinds]
        means[start : start + batch] = drawn @ kinds.T / n
    return means


def interval(values: Array, confidence: float = 0.95) -> Interval:
    """Percentile interval and standard error of bootstrap values, [draws]; nan by the rule of `paired_bootstrap`."""
    defined = values[~np.isnan(values)]
    if len(defined) < 2 or len(defined) < (1 - UNDEFINED) * len(values):
        return Interval(math.nan, math.nan, math.nan)
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high), float(defined.std(ddof=1)))


def without_nan(*columns: Sequence[float]) -> Array:
    """The columns as one array, [n_columns, n_documents]. Raises ValueError when one holds nan or lengths differ."""
    table = aligned(*columns)
    if missing := int(np.isnan(table).any(axis=0).sum()):
        raise ValueError(f"{missing} of {table.shape[1]} documents hold nan; leave them out with bootstrap.complete")
    return table
