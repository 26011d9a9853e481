"""Resampling documents: intervals for any statistic, with all columns of a document drawn together.

A column is [n_documents], one value per document; compared columns hold the same documents in the same order. The
caller decides about missing values: a nan raises, and `complete` leaves incomplete documents out and counts them.
`scipy.stats.bootstrap` cannot share its draws between the tasks of a board, which is where the time goes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Column = Sequence[float]

# With a larger share of draws without a value, the interval is nan.
UNDEFINED = 0.05

# Most random numbers drawn at once (32 MB), so that memory does not grow with documents times draws.
_CELLS = 4_000_000


class Interval(NamedTuple):
    """A percentile interval and the standard error (standard deviation over the draws)."""

    low: float
    high: float
    stderr: float


def aligned(*columns: Column) -> Array:
    """The columns as one array, [n_columns, n_documents].

    Raises:
        ValueError: their lengths differ.
    """
    if len({len(column) for column in columns}) > 1:
        raise ValueError(f"columns of different lengths: {[len(column) for column in columns]} documents")
    return np.array(columns, dtype=np.float64).reshape(len(columns), -1)


def complete(*columns: Column) -> tuple[list[list[float]], int]:
    """The columns without the documents where any of them is nan, and the number of documents left out.

    >>> complete([1.0, math.nan, 0.0], [0.0, 1.0, 1.0])
    ([[1.0, 0.0], [0.0, 1.0]], 1)
    """
    table = aligned(*columns)
    missing = np.isnan(table).any(axis=0)
    return table[:, ~missing].tolist(), int(missing.sum())


def paired_bootstrap(
    columns: Sequence[Column],
    statistic: Callable[[Array], float | Array],
    draws: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
    vectorized: bool = False,
) -> Interval:
    """Percentile interval of any statistic: documents are drawn with replacement, all columns together.

    Efron and Tibshirani 1993, chapter 13. All nan with fewer than two documents, or when the statistic is nan on the
    data. Draws where the statistic is nan are left out; with more than `UNDEFINED` of them, all is nan. For statistics
    of column means `bootstrap_means` is much faster.

    Args:
        columns, draws, seed, confidence: [n_columns][n_documents], and the number, seed and level of the resamples.
        statistic: takes [n_columns, n_documents], returns a number.
        vectorized: the statistic takes [n_columns, draws, n_documents] and returns [draws], reducing the last axis.

    Raises:
        ValueError: a column holds nan, lengths differ, or the statistic does not return one value per draw.
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
        results = np.asarray(statistic(sample) if vectorized else [statistic(sample[:, i]) for i in range(size)])
        if results.shape != (size,):
            raise ValueError(f"the statistic returned shape {results.shape} for {size} draws, not one value per draw")
        values[start : start + size] = results
    return interval(values, confidence)


def bootstrap_means(columns: Sequence[Column], draws: int = 2000, seed: int = 0) -> Array:
    """Column means of `draws` paired resamples, [draws, n_columns]: enough for differences and ratios of means.

    Equal documents are counted once, and their numbers are drawn from the multinomial distribution. That is the same
    as drawing documents one by one, and cheap because outcomes take few values. nan with fewer than two documents.

    Raises:
        ValueError: a column holds nan, or lengths differ.
    """
    table = without_nan(*columns)
    n = table.shape[1]
    if n < 2:
        return np.full((draws, len(table)), np.nan)
    kinds, counts = np.unique(table, axis=1, return_counts=True)  # [n_columns, n_kinds], [n_kinds]
    rng, means = np.random.default_rng(seed), np.empty((draws, len(table)))
    batch = max(1, _CELLS // len(counts))
    for start in range(0, draws, batch):
        draw_counts = rng.multinomial(n, counts / n, size=min(batch, draws - start))  # [batch, n_kinds]
        means[start : start + batch] = draw_counts @ kinds.T / n
    return means


def resampled_means(table: Array, draws: int = 2000, seed: int = 0) -> Array:
    """Means of many columns under the same resamples, [n_columns, n_documents] -> [n_columns, draws].

    The draws depend on n_documents and `seed` alone, so all rows of all results with the same two are paired: the
    bootstrap of a difference of columns is the difference of their rows. `bootstrap_means` would draw again for each
    of hundreds of columns. A mean leaves nan out and is nan in a draw without values. All is nan with fewer than two
    documents.
    """
    table = np.asarray(table, dtype=np.float64)
    k, n = table.shape
    if n < 2:
        return np.full((k, draws), np.nan)
    missing = np.isnan(table)
    incomplete = missing.any(axis=1)
    filled = np.where(missing, 0.0, table) if incomplete.any() else table
    rng, means = np.random.default_rng(seed), np.empty((k, draws))
    batch = max(1, _CELLS // n)
    for start in range(0, draws, batch):
        size = min(batch, draws - start)
        indices = rng.integers(n, size=(size, n)) + np.arange(size)[:, None] * n
        counts = np.bincount(indices.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)
        sums = filled @ counts.T
        sums[~incomplete] /= n
        if incomplete.any():
            present = (~missing[incomplete]) @ counts.T
            sums[incomplete] = np.divide(
                sums[incomplete], present, out=np.full_like(present, np.nan), where=present > 0
            )
        means[:, start : start + size] = sums
    return means


def intervals(values: Array, confidence: float = 0.95) -> tuple[Array, Array]:
    """Percentile intervals of many statistics, [n_statistics, draws] -> lows and highs, [n_statistics].

    The same numbers as `interval` row by row, with one sort.
    """
    values = np.sort(values, axis=1)  # nan goes last
    draws = values.shape[1]
    defined = draws - np.isnan(values).sum(axis=1)
    enough = (defined >= 2) & (defined >= (1 - UNDEFINED) * draws)
    bounds = []
    for share in ((1 - confidence) / 2, (1 + confidence) / 2):
        rank = share * np.maximum(defined - 1, 0)
        below = np.floor(rank).astype(int)
        above = np.minimum(below + 1, np.maximum(defined - 1, 0))
        lower, upper = (np.take_along_axis(values, index[:, None], axis=1)[:, 0] for index in (below, above))
        bounds.append(np.where(enough, lower + (upper - lower) * (rank - below), np.nan))
    return bounds[0], bounds[1]


def interval(values: Array, confidence: float = 0.95) -> Interval:
    """Percentile interval and standard error of bootstrap values, [draws]; nan by the rule of `paired_bootstrap`."""
    defined = values[~np.isnan(values)]
    if len(defined) < 2 or len(defined) < (1 - UNDEFINED) * len(values):
        return Interval(math.nan, math.nan, math.nan)
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high), float(defined.std(ddof=1)))


def without_nan(*columns: Column) -> Array:
    """The columns as one array, [n_columns, n_documents].

    Raises:
        ValueError: one holds nan, or lengths differ.
    """
    table = aligned(*columns)
    if missing := int(np.isnan(table).any(axis=0).sum()):
        raise ValueError(f"{missing} of {table.shape[1]} documents hold nan; leave them out with bootstrap.complete")
    return table
