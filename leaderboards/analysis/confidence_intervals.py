"""Estimates with their confidence intervals, from one value per document and its bootstrap resamples.

Rates of 0 and 1 get Wilson's interval. Everything else gets the percentile interval of the bootstrap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from faithfulness_metrics import chance, flips, statistics
from faithfulness_metrics.bootstrap import Array, complete, intervals
from leaderboards.board import Estimate, Settings
from leaderboards.lm_eval_files.option_defaults import OPERATORS

CCF_PARTS = ("faithful", "faithful_random", "faithful_oracle")

# Differences: never rates, even where all values happen to be 0 or 1.
_SIGNED = (
    *("lift", "lift_given_valid", "headroom", "comprehensiveness", "comprehensiveness_lift"),
    *("sufficiency", "sufficiency_lift", "aopc"),
    *("rate_drop", "rate_lift", "rate_headroom", "headroom_crossfit"),
    *(f"lift_{operator}" for operator in OPERATORS),
)

# Resamples of equal values are all equal. An interval [+.00, +.00] for 0 of 60 does not mean certainty.
NO_SPREAD = "the same in every document: the interval has no width"

# The mean of 300 values 1/18 is 0.05555555555555557, but means of their resamples are up to 1e-16 smaller. Resampled
# means are also stored in 32 bits, with a relative error of 6e-8.
_ROUNDING = 1e-6


def metric_estimate(name: str, values: Array, low: float, high: float, settings: Settings) -> Estimate:
    """The mean of a metric, with Wilson's interval if it is a rate of 0 and 1, else with the bootstrap's.

    Args:
        name: of the metric.
        values: one per document, [n_documents]. Undefined ones (nan) are left out, and the note says so.
        low, high: bounds from the bootstrap.
    """
    defined = values[~np.isnan(values)]
    n = len(defined)
    if not n:
        return undefined_estimate("not defined for any document")
    note = f"defined for {n} of {len(values)} documents" if n < len(values) else ""
    if name not in _SIGNED and ((defined == 0) | (defined == 1)).all():
        low, high = statistics.wilson(float(defined.sum()), n, settings.confidence)
    elif n > 1 and (defined == defined[0]).all():
        return constant_estimate(float(defined[0]), n, note)
    return make_estimate(float(defined.mean()), float(low), float(high), n, note)


def ccf_estimate(values: Mapping[str, Array], draws: Mapping[str, Array], settings: Settings) -> Estimate:
    """Chance-corrected faithfulness over the documents that have all of `CCF_PARTS`.

    Source: docs/metrics.md, "2. Chance-corrected faithfulness".

    Args:
        values: `CCF_PARTS` -> one value per document, [n_documents].
        draws: `CCF_PARTS` -> resampled means, [n_draws]. If values are missing, new resamples are drawn.
    """
    (faithful, random, oracle), _ = complete(*(values[name].tolist() for name in CCF_PARTS))
    n = len(faithful)
    if not n:
        return undefined_estimate("not defined for any document")
    value = chance.ccf(faithful, random, oracle)
    if math.isnan(value):
        return undefined_estimate(chance.not_measurable(chance.headroom(random, oracle)), n)
    if n < len(values["faithful"]):
        bounds = chance.ccf_interval(faithful, random, oracle, settings.draws, settings.seed, settings.confidence)
        return bootstrap_estimate(value, bounds.low, bounds.high, n)
    ratios = chance.ratio_of_means(np.stack([draws[name] for name in CCF_PARTS], axis=1))
    (low,), (high,) = intervals(ratios[None], settings.confidence)
    return bootstrap_estimate(value, float(low), float(high), n)


def given_valid_estimate(faithful: Array, valid: Array, settings: Settings) -> Estimate:
    """`faithful` over the documents whose explanation is `valid`, from one value of each per document."""
    (defined_faithful, defined_valid), _ = complete(faithful.tolist(), valid.tolist())
    mean, n = flips.faithful_given_valid(defined_faithful, defined_valid)
    if not n:
        return undefined_estimate("no valid explanation")
    low, high = statistics.wilson(mean * n, n, settings.confidence)
    return make_estimate(mean, low, high, n)


def rate_estimate(value_counts: Sequence[tuple[float, int]], settings: Settings) -> Estimate:
    """A rate with Wilson's interval, from (value, number of documents that have it)."""
    n = sum(count for _, count in value_counts)
    if not n:
        return undefined_estimate("no document that this rule counts")
    total = sum(value * count for value, count in value_counts)
    low, high = statistics.wilson(total, n, settings.confidence)
    return make_estimate(total / n, low, high, n)


def bootstrap_estimate(value: float, low: float, high: float, n: int, note: str = "") -> Estimate:
    """An estimate with bounds from a bootstrap. If all resamples agree up to rounding, the interval has no width."""
    if n > 1 and high - low <= _ROUNDING:
        return constant_estimate(value, n, note)
    return make_estimate(value, low, high, n, note)


def constant_estimate(value: float, n: int, note: str = "") -> Estimate:
    """A value that every document has. Its interval has no width, and the note says what that means."""
    return make_estimate(value, value, value, n, join_notes(note, NO_SPREAD))


def undefined_estimate(note: str, n: int = 0) -> Estimate:
    """An estimate without a number; the note says why."""
    return Estimate(None, None, None, n, note)


def make_estimate(value: float, low: float, high: float, n: int, note: str = "") -> Estimate:
    """An estimate in which nan becomes None, and rounding leaves no bound on the wrong side of the value."""
    if not math.isnan(value) and math.isnan(low):
        note = note or ("one document has no interval" if n < 2 else "no interval")
    slack = _ROUNDING * max(1.0, abs(value))
    if 0 < low - value <= slack:
        low = value
    if 0 < value - high <= slack:
        high = value
    return Estimate(none_if_nan(value), none_if_nan(low), none_if_nan(high), n, note)


def none_if_nan(value: float) -> float | None:
    """None for nan, else the number."""
    return None if math.isnan(value) else float(value)


def join_notes(*notes: str) -> str:
    """The notes that are not empty, joined by "; "."""
    return "; ".join(filter(None, notes))
