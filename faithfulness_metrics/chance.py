"""Faithfulness corrected for chance: between random words and the best possible word.

docs/metrics.md, "2. Chance-corrected faithfulness". Every column is [n_documents], the documents in one order.
`faithful` is 0 or 1, `random` is the mean over the document's random draws. `oracle` is 1 where the best single word,
or the greedy set of equal size, flips the answer.
A nan in any column makes the result nan; `bootstrap.complete` leaves such documents out and counts them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faithfulness_metrics.bootstrap import Array, Column, Interval, aligned, bootstrap_means, interval

# With less room between random and best words the ratio is mostly noise: the difference of two independent rates near
# one half on 1,000 documents has a standard error of sqrt(2 * 0.25 / 1000) = 0.022.
HEADROOM = 0.05

# 0.25 - 0.2 is 0.04999999999999999 in binary; that is a headroom of 0.05.
_ROUNDING = 1e-12


def lift(faithful: Column, random: Column) -> float:
    """F - F_rand: how much more often the named words flip the answer than as many random ones. In [-1, 1].

    0 is chance, negative is worse than random words. nan without documents.
    """
    rate, random_rate = _means(faithful, random)
    return float(rate - random_rate)


def headroom(random: Column, oracle: Column) -> float:
    """F_best - F_rand: how much a perfect explainer could gain over random words. In [-1, 1].

    Negative only where the oracle may remove fewer words than the random control. nan without documents.
    """
    best_rate, random_rate = _means(oracle, random)
    return float(best_rate - random_rate)


def ccf(faithful: Column, random: Column, oracle: Column) -> float:
    """Chance-corrected faithfulness (F - F_rand) / (F_best - F_rand), a ratio of means.

    0 is a random word, 1 the best word under the same budget, negative is worse than random. Above 1 only where the
    explanation may remove more words than the oracle. nan without documents, or with a headroom below `HEADROOM`
    (0.05): print it with `describe_ccf`, which then names the headroom.
    """
    return float(ratio_of_means(_means(faithful, random, oracle)[None])[0])


def describe_ccf(faithful: Column, random: Column, oracle: Column) -> str:
    """`ccf` as a text: a number with two decimals, or why there is none.

    >>> describe_ccf([1, 0], [0, 0], [1, 1])
    '0.50'
    >>> describe_ccf([1, 0], [0.25, 0.25], [0.25, 0.3])
    'not measurable (headroom 0.03)'
    """
    value = ccf(faithful, random, oracle)
    return not_measurable(headroom(random, oracle)) if np.isnan(value) else f"{round(value, 2) + 0.0:.2f}"


def not_measurable(room: float) -> str:
    """Why there is no `ccf`, as a text.

    >>> not_measurable(0.048)
    'not measurable (headroom 0.04)'
    """
    # A headroom of 0.048 must not be printed as the 0.05 that would have been enough.
    rounded = min(round(room, 2), HEADROOM - 0.01) + 0.0
    return f"not measurable (headroom {rounded:.2f})"


def ccf_interval(
    faithful: Column, random: Column, oracle: Column, draws: int = 2000, seed: int = 0, confidence: float = 0.95
) -> Interval:
    """Percentile interval and standard error of `ccf`: paired bootstrap, all three means recomputed per draw.

    A draw whose headroom is below `HEADROOM` has no ccf, by the same rule as the data. Up to 5 % of such draws
    (`bootstrap.UNDEFINED`) are left out. With more of them the headroom itself is uncertain, and the interval is nan.
    It is nan too where `ccf` is nan, and with fewer than two documents.
    """
    if np.isnan(ccf(faithful, random, oracle)):
        return Interval(np.nan, np.nan, np.nan)
    means = bootstrap_means([faithful, random, oracle], draws, seed)
    return interval(ratio_of_means(means), confidence)


def ccf_stderr(faithful: Column, random: Column, oracle: Column, draws: int = 2000, seed: int = 0) -> float:
    """Standard error of `ccf`; see `ccf_interval` for the draws and for when it is nan."""
    return ccf_interval(faithful, random, oracle, draws, seed).stderr


def ratio_of_means(means: Array) -> Array:
    """`ccf` from means of faithful, random and oracle: [n, 3] -> [n], nan below `HEADROOM`."""
    gain, room = means[:, 0] - means[:, 1], means[:, 2] - means[:, 1]
    ratios: Array = np.divide(gain, room, out=np.full(len(means), np.nan), where=measurable(room))
    return ratios


def measurable(room: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether the headroom, a number or an array, is at least `HEADROOM`, up to the rounding of sums.

    >>> bool(measurable(0.25 - 0.2)), bool(measurable(0.049))
    (True, False)
    """
    enough: npt.NDArray[np.bool_] = np.asarray(room) >= HEADROOM - _ROUNDING
    return enough


def _means(*columns: Column) -> Array:
    """[n_columns] means over documents, nan without documents."""
    table = aligned(*columns)
    return table.mean(axis=1) if table.size else np.full(len(table), np.nan)
