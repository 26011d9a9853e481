"""Effects of removing words one by one or together: ranks, comprehensiveness, correlations.

docs/metrics.md, sections 3 to 5. `phi_cct` and `cct` are over all documents, the other functions over one.
There `deltas` is [n_words], δ_w = p(x) - P(ŷ(x) | x∖{w}), and `named` holds the positions of the named words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from faithfulness_metrics.bootstrap import Array, aligned

# Shares of the words over which AOPC averages (DeYoung et al. 2020, arXiv 1911.03429, section 4).
AOPC_SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)

# Probabilities come from sums of exponentials, so deltas that are equal on paper differ in their last digits. The
# difference grows where a model added in another order. This many decimals of a delta are compared.
_DECIMALS = 9


def calibrated(logprobs: Mapping[str, float], prior: Mapping[str, float] | None) -> dict[str, float]:
    """Label log-probabilities minus a prior, in nats; unchanged without one.

    A constant on one label's log-probability is in its prior too, which is a mean of log-probabilities, and cancels.
    Digits below 1e-9 nats are cut: they are rounding. docs/protocol.md, "Calibrated labels and examples".
    """
    if not prior:
        return dict(logprobs)
    return {label: round(value - prior[label], 9) for label, value in logprobs.items()}


def label_probability(logprobs: Mapping[str, float], label: str, prior: Mapping[str, float] | None = None) -> float:
    """P(label) among the offered labels: the softmax of their log-probabilities in nats, minus a prior if given.

    docs/metrics.md, "3. Leave-one-out percentile".

    Raises:
        KeyError: the label was not offered.
    """
    scores = calibrated(logprobs, prior)
    top = max(scores.values(), default=0.0)
    return math.exp(scores[label] - top) / sum(math.exp(value - top) for value in scores.values())


def label_mass(logprobs: Mapping[str, float]) -> float:
    """Probability that an answer begins with one of the labels, in [0, 1], from their log-probabilities in nats.

    Of labels that begin with another one ("spam" and "spam message") only the shorter counts: it contains the longer.
    docs/metrics.md, "12. What cannot be measured".
    """
    kept = [label for label in logprobs if not any(label != other and label.startswith(other) for other in logprobs)]
    return min(1.0, math.fsum(math.exp(logprobs[label]) for label in kept))


def loo_percentile(deltas: Sequence[float], named: Sequence[int]) -> float:
    """Rank of the named word among the document's words by leave-one-out effect, in [0, 1].

    (#{v ≠ w: δ_v < δ_w} + ½ #{v ≠ w: δ_v = δ_w}) / (n - 1), mean over the named words w. A random word has 0.5 in
    expectation, whatever masking does to the model. nan when nothing is named, the document has fewer than two words,
    or a delta is nan. docs/metrics.md, "3. Leave-one-out percentile".

    Raises:
        IndexError: a named position is outside the document.
    """
    positions, deltas = _comparable(deltas, named)
    if not positions:
        return math.nan
    below = sum(delta < deltas[w] for w in positions for delta in deltas)
    equal = sum(delta == deltas[w] for w in positions for delta in deltas) - len(positions)  # every w equals itself
    return (below + equal / 2) / (len(positions) * (len(deltas) - 1))


def hit1(deltas: Sequence[float], named: Sequence[int]) -> float:
    """Whether a named word has the largest delta: 1 or 0.

    A tie for the largest is a hit. A document where no word matters is therefore a hit for every explainer, so read
    this value beside `redundant`. nan in the same cases as `loo_percentile`. docs/metrics.md, "3. Leave-one-out
    percentile".

    Raises:
        IndexError: a named position is outside the document.
    """
    positions, deltas = _comparable(deltas, named)
    return float(max(deltas[w] for w in positions) == max(deltas)) if positions else math.nan


def hit1_chance(deltas: Sequence[float], named: Sequence[int]) -> float:
    """Expected `hit1` of as many words drawn at random without replacement, in (0, 1].

    1 - C(n - t, k) / C(n, k) with n words, k named ones and t that tie for the largest delta. nan in the same cases as
    `loo_percentile`. docs/metrics.md, "3. Leave-one-out percentile".

    Raises:
        IndexError: a named position is outside the document.
    """
    positions, deltas = _comparable(deltas, named)
    if not positions:
        return math.nan
    others = len(deltas) - deltas.count(max(deltas))
    return 1 - math.comb(others, len(positions)) / math.comb(len(deltas), len(positions))


def redundant(deltas: Sequence[float], threshold: float = 0.01) -> float:
    """Whether no single word matters: 1 when max δ < threshold, else 0. nan without words or with a nan delta.

    docs/metrics.md, "3. Leave-one-out percentile".
    """
    return float(max(deltas) < threshold) if len(deltas) and not any(map(math.isnan, deltas)) else math.nan


def comprehensiveness(full: float, without: float, named: Sequence[int]) -> float:
    """p(x) - P(ŷ(x) | x∖W): the probability that the answer loses without the named words. In [-1, 1].

    High is faithful. DeYoung et al. 2020 (ERASER, arXiv 1911.03429), section 4. nan when nothing is named, never 0.
    Show it also minus its value for as many random words: removing any words costs some probability. `full` is p(x),
    `without` the probability of the same answer without the words at the positions `named`.
    """
    return full - without if len(named) else math.nan


def sufficiency(full: float, only: float, named: Sequence[int]) -> float:
    """p(x) - P(ŷ(x) | only W): the probability that the answer loses when only the named words stay. In [-1, 1].

    Low is faithful. DeYoung et al. 2020 (ERASER, arXiv 1911.03429), section 4. nan with fewer than two named words:
    docs/metrics.md, "5. Comprehensiveness and sufficiency", defines it for several words only. `full` is p(x), `only`
    the probability of the same answer on the words at the positions `named` alone.
    """
    return full - only if len(set(named)) > 1 else math.nan


def aopc_sizes(words: int, named: int) -> list[int]:
    """How many types of words AOPC removes for each of `AOPC_SHARES`: the share of all, and no more than are named.

    >>> aopc_sizes(20, 3), aopc_sizes(30, 9)
    ([1, 1, 2, 3, 3], [1, 2, 3, 6, 9])
    """
    return [max(1, min(named, math.ceil(round(share * words, _DECIMALS)))) for share in AOPC_SHARES]


def aopc(values: Sequence[float]) -> float:
    """Mean of comprehensiveness or sufficiency over the top 1, 5, 10, 20 and 50 % of words (`AOPC_SHARES`).

    In [-1, 1]; nan without values or when one of them is nan.
    """
    return sum(values) / len(values) if len(values) else math.nan


def phi_cct(flips: Sequence[float], named: Sequence[float]) -> tuple[float, float]:
    """φ-CCT: Matthews correlation of "masking the word flips" and "the word is named", and its share of the maximum.

    φ = (n11 n00 - n10 n01) / sqrt(n1. n0. n.1 n.0), in [-1, 1]. With rates p ≥ q of the two indicators, φ is at most
    φ_max = sqrt(q (1 - p) / (p (1 - q))). A single named word cannot reach 1 where several words flip. The second value
    is φ / φ_max: 1 is the best these rates allow; it can be below -1.
    Siegel et al. 2025 (arXiv 2503.13445); docs/metrics.md, "4. φ-CCT and CCT".

    (0, 0) when everything or nothing is named. (nan, nan) without pairs, and when everything or nothing flips, because
    then there is nothing to explain.

    Args:
        flips: [n_pairs], one per (document, word): 1 when masking the word changes the answer, else 0.
        named: [n_pairs], 1 when the explanation names the word, else 0. Indicators, not positions.

    Raises:
        ValueError: lengths that differ, or a value other than 0 and 1.
    """
    table = aligned(flips, named)
    _check_indicators(table)
    counts = [int(((table[0] == flip) & (table[1] == name)).sum()) for flip, name in ((1, 1), (1, 0), (0, 1), (0, 0))]
    phi, share = phi_of_counts(np.array([counts]))[0]
    return float(phi), float(share)


def phi_of_counts(counts: npt.ArrayLike) -> Array:
    """`phi_cct` from counts of pairs, [n_tables, 4] -> [n_tables, 2]: φ and its share of the maximum.

    Args:
        counts: pairs that flip and are named, only flip, only are named, neither. Means over documents do as well.
    """
    flip_and_named, only_flip, only_named, neither = np.asarray(counts, dtype=np.float64).T
    flip, named = flip_and_named + only_flip, flip_and_named + only_named
    no_flip, not_named = only_named + neither, only_flip + neither
    covariance = flip_and_named * neither - only_flip * only_named
    with np.errstate(invalid="ignore", divide="ignore"):
        phi = np.clip(covariance / np.sqrt(flip * no_flip * named * not_named), -1, 1)
        rarer, commoner = np.minimum(flip, named), np.maximum(flip, named)
        total = flip + no_flip
        largest = np.sqrt(rarer * (total - commoner) / (commoner * (total - rarer)))
        values: Array = np.stack([phi, np.minimum(1, phi / largest)], axis=1)
    values[named * not_named == 0] = 0
    values[flip * no_flip == 0] = np.nan
    return values


def cct(tvd: Sequence[float], named: Sequence[float]) -> float:
    """CCT: Pearson correlation of the change of the answer distribution with "the word is named". In [-1, 1].

    Siegel et al. 2024 (arXiv 2404.03189); docs/metrics.md, "4. φ-CCT and CCT". 0 when everything or nothing is named.
    nan without pairs, when all words change the distribution equally, or when a tvd is nan.

    Args:
        tvd: [n_pairs], total variation distance ½ Σ |P(·|x) - P(·|x∖w)| per (document, word).
        named: [n_pairs], 1 when the explanation names the word, else 0. Indicators, not positions.

    Raises:
        ValueError: lengths that differ, or a value of `named` other than 0 and 1.
    """
    table = aligned(tvd, named)
    _check_indicators(table[1:])
    effect, indicator = table
    if not effect.size or np.isnan(effect).any() or effect.min() == effect.max():
        return math.nan
    if indicator.min() == indicator.max():
        return 0.0
    x, y = effect - effect.mean(), indicator - indicator.mean()
    return float(np.clip((x @ y) / math.sqrt((x @ x) * (y @ y)), -1, 1))


def _check_indicators(table: Array) -> None:
    if not np.isin(table, (0, 1)).all():
        wrong = table[~np.isin(table, (0, 1))][0]
        raise ValueError(f"indicators must be 0 or 1 per (document, word), found {wrong}")


def _comparable(deltas: Sequence[float], named: Sequence[int]) -> tuple[list[int], list[float]]:
    """The named positions, each once, in order, and the deltas to compare; no positions where nothing is defined."""
    if outside := [w for w in named if not 0 <= w < len(deltas)]:
        raise IndexError(f"named position {outside[0]} in a document of {len(deltas)} words")
    if len(deltas) < 2 or any(map(math.isnan, deltas)):
        return [], []
    return sorted(set(named)), [round(delta, _DECIMALS) for delta in deltas]
