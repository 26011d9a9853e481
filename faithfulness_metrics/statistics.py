"""Intervals of rates, paired tests, corrections, and the smallest difference that a run can detect.

docs/metrics.md, "Statistics". A column is [n_documents], one value per document; compared columns hold the same
documents in the same order. A nan in a column raises; see `bootstrap.complete`. statsmodels is imported where it is
called, because its import takes longer than these functions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from faithfulness_metrics.bootstrap import Column, aligned, bootstrap_means, interval, without_nan
from faithfulness_metrics.bootstrap import Interval as Interval
from faithfulness_metrics.bootstrap import paired_bootstrap as paired_bootstrap


class Difference(NamedTuple):
    """mean(a) - mean(b) over the same documents, with its paired-bootstrap interval and standard error."""

    estimate: float
    low: float
    high: float
    stderr: float


class McNemar(NamedTuple):
    """Documents where only a is 1, where only b is 1, and the exact two-sided p-value."""

    only_a: int
    only_b: int
    p: float


class NoiseFloor(NamedTuple):
    """Share of documents whose outcome differs between two runs of one model, and mean(a) - mean(b)."""

    differs: float
    difference: float


# A leaderboard needs the same few thousand intervals again and again, and statsmodels takes 50 µs for each.
@lru_cache(maxsize=1 << 16)
def wilson(successes: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a rate (Wilson 1927, JASA 22:209-212), in [0, 1]; (nan, nan) at n = 0.

    `n` is the number of documents. `successes` need not be whole, as for a mean over random draws. nan gives
    (nan, nan).

    Raises:
        ValueError: successes are outside [0, n].
    """
    if n == 0 or math.isnan(successes):
        return math.nan, math.nan
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes among {n} documents")
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(successes, n, alpha=1 - confidence, method="wilson")
    # Rounding leaves 9e-19 for 0 successes and -7e-18 for 5e-17 of them: the ends are exactly 0 and 1.
    return (max(0.0, float(low)) if successes else 0.0), (min(1.0, float(high)) if successes < n else 1.0)


def difference(a: Column, b: Column, draws: int = 2000, seed: int = 0, confidence: float = 0.95) -> Difference:
    """mean(a) - mean(b) with its paired-bootstrap interval; all nan without documents, interval nan with one.

    Raises:
        ValueError: a column holds nan, or lengths differ.
    """
    gain = np.subtract(*without_nan(a, b))
    if not gain.size:
        return Difference(math.nan, math.nan, math.nan, math.nan)
    return Difference(float(gain.mean()), *interval(bootstrap_means([gain.tolist()], draws, seed)[:, 0], confidence))


def mcnemar(a: Column, b: Column) -> McNemar:
    """Exact McNemar test on two columns of 0 and 1 (McNemar 1947, Psychometrika 12:153-157).

    p is the two-sided binomial probability of the discordant documents under one half. It is 1 when there are none, nan
    without documents.

    Raises:
        ValueError: a value is not 0 or 1, or lengths differ.
    """
    table = aligned(a, b)
    if not np.isin(table, (0, 1)).all():
        raise ValueError(f"McNemar needs outcomes of 0 and 1, found {table[~np.isin(table, (0, 1))][0]}")
    first, second = table
    only_a, only_b = int((first > second).sum()), int((second > first).sum())
    if not first.size:
        return McNemar(0, 0, math.nan)
    from statsmodels.stats.contingency_tables import mcnemar as exact

    return McNemar(only_a, only_b, float(exact([[0, only_a], [only_b, 0]], exact=True).pvalue))


def holm(pvalues: Mapping[str, float]) -> dict[str, float]:
    """p-values adjusted for their number (Holm 1979, Scand. J. Stat. 6:65-70): name -> adjusted p-value, same order.

    A nan stands for a test that was not possible: it stays nan and does not count as a test.

    Raises:
        ValueError: a p-value is outside [0, 1].
    """
    if wrong := {name: p for name, p in pvalues.items() if not (math.isnan(p) or 0 <= p <= 1)}:
        raise ValueError(f"p-values outside [0, 1]: {wrong}")
    # statsmodels' multipletests gives the same numbers (see the tests), but runs a full garbage collection every time.
    tests = sorted((name for name, p in pvalues.items() if not math.isnan(p)), key=lambda name: pvalues[name])
    adjusted, largest = dict.fromkeys(pvalues, math.nan), 0.0
    for rank, name in enumerate(tests):
        largest = max(largest, min(1.0, (len(tests) - rank) * pvalues[name]))
        adjusted[name] = largest
    return adjusted


def detectable_difference(n: int, discordant: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """Smallest |mean(a) - mean(b)| that a two-sided McNemar test of n documents finds with this power.

    Solves n = (z_test sqrt(psi) + z_power sqrt(psi - d^2))^2 / d^2 for d, where psi is the share of discordant
    documents: the normal approximation of Connor 1987 (Biometrics 43:207-211). The exact test is more conservative. At
    the returned difference its own power is .73 to .79 instead of .8 for 30 to 1,000 documents (see the tests).

    In (0, discordant], for one test without correction. nan when nothing can be detected: no documents, no discordant
    documents, or so few that even all on one side are not significant.

    Args:
        n, discordant: number of documents, and the share whose outcomes differ, in [0, 1]; nan gives nan.
        power, alpha: at least 0.5, and the level of the test.

    Raises:
        ValueError: an argument is outside its range.
    """
    if discordant < 0 or discordant > 1 or not 0.5 <= power < 1 or not 0 < alpha < 1:
        raise ValueError(f"{discordant=} must be in [0, 1], {power=} in [0.5, 1), {alpha=} in (0, 1)")
    # The larger root; psi is a common factor. Below 4 documents even psi = 1 has no root (n < z_test^2 - z_power^2).
    z_test, z_power = NormalDist().inv_cdf(1 - alpha / 2), NormalDist().inv_cdf(power)
    inside = n + z_power**2 - z_test**2
    if n == 0 or discordant == 0 or inside < 0:
        return math.nan
    smallest = math.sqrt(discordant) * (z_test * math.sqrt(n) + z_power * math.sqrt(inside)) / (n + z_power**2)
    # m discordant documents on one side have an exact p of 2 / 2^m: 5 of them are never below .05.
    reachable = 2 * 0.5 ** (n * discordant) < alpha
    return smallest if smallest <= discordant and reachable else math.nan


def noise_floor(a: Column, b: Column) -> NoiseFloor:
    """How much two runs of the same model on the same documents differ: smaller differences elsewhere mean nothing.

    Both nan without documents. In [0, 1] and [-1, 1] for outcomes of 0 and 1.

    Raises:
        ValueError: a column holds nan, or lengths differ.
    """
    first, second = without_nan(a, b)
    if not first.size:
        return NoiseFloor(math.nan, math.nan)
    return NoiseFloor(float((first != second).mean()), float(first.mean() - second.mean()))
