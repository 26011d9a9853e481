"""A number with its interval, made of one value per document and the documents' resamples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from faithfulness_metrics import chance, flips, statistics
from faithfulness_metrics.bootstrap import Array, complete, intervals
from leaderboards.board import Estimate, Settings

# Can be negative: never a rate, even where all its values happen to be 0 or 1.
_SIGNED = ("lift",)

# Resamples of equal values are all equal: [+.00, +.00] for 0 of 60 against 0 of 60 does not mean that it is certain.
NO_SPREAD = "the same in every document: the interval knows no spread"

# The mean of 300 times 1/18 is 0.05555555555555557, of their resamples 0.05555555555555546 to 0.05555555555555549; and
# resampled means are kept in 32 bits, right to 6e-8 of themselves.
_ROUNDING = 1e-6


def estimate_of(name: str, values: Array, low: float, high: float, settings: Settings) -> Estimate:
    """The mean of a metric: Wilson's interval where it is a rate of yes and no, else the bootstrap's.

    Args:
        name: metric.
        values: one per document, [n_documents]; nan where undefined, left out and said in the note.
        low, high: of the bootstrap.
        settings: of the board.
    """
    defined = values[~np.isnan(values)]
    n = len(defined)
    if not n:
        return Estimate(None, None, None, 0, "not defined for any document")
    mean = float(defined.mean())
    note = f"defined for {n} of {len(values)} documents" if n < len(values) else ""
    if name not in _SIGNED and ((defined == 0) | (defined == 1)).all():
        low, high = statistics.wilson(float(defined.sum()), n, settings.confidence)
    elif n > 1 and (defined == defined[0]).all():
        return flat(float(defined[0]), n, note)
    return made(mean, float(low), float(high), n, note)


def ccf_of(values: Mapping[str, Array], draws: Mapping[str, Array], settings: Settings) -> Estimate:
    """The chance-corrected faithfulness, metrics.md section 2, over the documents that have all three values.

    Args:
        values: faithful, faithful_random, faithful_oracle: one per document, [n_documents].
        draws: the same, resampled means, [n_draws]. Where values are missing the resamples are drawn anew.
        settings: of the board.
    """
    names = ("faithful", "faithful_random", "faithful_oracle")
    columns, _ = complete(*(values[name].tolist() for name in names))
    n = len(columns[0])
    if not n:
        return Estimate(None, None, None, 0, "not defined for any document")
    if math.isnan(value := chance.ccf(*columns)):
        return Estimate(None, None, None, n, chance.not_measurable(chance.headroom(*columns[1:])))
    if n < len(values["faithful"]):
        f, r, o = columns
        found = chance.ccf_interval(f, r, o, settings.draws, settings.seed, settings.confidence)
        low, high = found.low, found.high
    else:
        ratios = chance.ratio_of_means(np.stack([draws[name] for name in names], axis=1))
        lows, highs = intervals(ratios[None], settings.confidence)
        low, high = float(lows[0]), float(highs[0])
    return flat_or_made(value, low, high, n)


def given_valid(faithful: Array, valid: Array, settings: Settings) -> Estimate:
    """`faithful` over the documents whose explanation is valid, [n_documents] both."""
    (f, v), _ = complete(faithful.tolist(), valid.tolist())
    mean, n = flips.faithful_given_valid(f, v)
    if not n:
        return Estimate(None, None, None, 0, "no valid explanation")
    low, high = statistics.wilson(mean * n, n, settings.confidence)
    return made(mean, low, high, n)


def weighted(kinds: Sequence[tuple[float, int]], settings: Settings) -> Estimate:
    """A rate from (value, how many documents have it)."""
    n = sum(count for _, count in kinds)
    if not n:
        return Estimate(None, None, None, 0, "no document that this rule counts")
    total = sum(value * count for value, count in kinds)
    low, high = statistics.wilson(total, n, settings.confidence)
    return made(total / n, low, high, n)


def flat(value: float, n: int, note: str = "") -> Estimate:
    """The same in every document: an interval without width, and a note that says what that means."""
    return made(value, value, value, n, "; ".join(filter(None, (note, NO_SPREAD))))


def flat_or_made(value: float, low: float, high: float, n: int, note: str = "") -> Estimate:
    """From the bounds of a bootstrap: without width where all resamples agree, up to rounding."""
    return flat(value, n, note) if n > 1 and high - low <= _ROUNDING else made(value, low, high, n, note)


def made(value: float, low: float, high: float, n: int, note: str = "") -> Estimate:
    """An Estimate whose nan are None. It lies in its interval: a bound that rounding put beyond it is moved to it."""
    if not math.isnan(value) and math.isnan(low):
        note = note or ("one document has no interval" if n < 2 else "no interval")
    slack = _ROUNDING * max(1.0, abs(value))
    low, high = (value if 0 < beyond <= slack else b for b, beyond in ((low, low - value), (high, value - high)))
    return Estimate(known(value), known(low), known(high), n, note)


def known(value: float) -> float | None:
    """None for nan."""
    return None if math.isnan(value) else float(value)
