"""What happens when words are taken out one by one or together: ranks, comprehensiveness, correlations.

Sections 3 to 5 of metrics.md. Except in `phi_cct` and `cct`, values are those of one document: `deltas` is [n_words],
δ_w = p(x) - P(ŷ(x) | x∖{w}), and `named` holds the positions of the named words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from faithfulness_metrics.bootstrap import Array, aligned

# Shares of the words over which AOPC averages (DeYoung et al. 2020, arXiv 1911.03429, section 4).
AOPC_SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)

# Probabilities come from sums of exponentials: deltas that are equal on paper differ in their last digits, and by more
# where a model added in another order. So many decimals of a delta are compared.
_DECIMALS = 9


def label_probability(logprobs: Mapping[str, float], label: str) -> float:
    """P(label) among the labels offered: the softmax of their log-probabilities, in nats. Section 3 of metrics.md.

    Raises:
        KeyError: a label that was not offered.
    """
    top = max(logprobs.values(), default=0.0)
    return math.exp(logprobs[label] - top) / sum(math.exp(value - top) for value in logprobs.values())


def loo_percentile(deltas: Sequence[float], named: Sequence[int]) -> float:
    """Rank of the named word among the document's words by leave-one-out effect. Section 3 of metrics.md.

    (#{v ≠ w: δ_v < δ_w} + ½ #{v ≠ w: δ_v = δ_w}) / (n - 1), mean over the named words w. In [0, 1]; 0.5 in expectation
    for a random word whatever masking does to the model. nan when nothing is named, the document has fewer than two
    words, or a delta is nan.

    Raises:
        IndexError: a named position outside the document.
    """
    chosen = _chosen(deltas, named)
    if not chosen or len(deltas) < 2 or any(map(math.isnan, deltas)):
        return math.nan
    deltas = _comparable(deltas)
    below = sum(delta < deltas[w] for w in chosen for delta in deltas)
    equal = sum(delta == deltas[w] for w in chosen for delta in deltas) - len(chosen)  # every w equals itself
    return (below + equal / 2) / (len(chosen) * (len(deltas) - 1))


def hit1(deltas: Sequence[float], named: Sequence[int]) -> float:
    """Whether a named word has the largest delta: 1 or 0. Section 3 of metrics.md.

    A tie for the largest is a hit, so that a document where no word matters is one for every explainer: read it beside
    `redundant`. nan in the same cases as `loo_percentile`; in a document of one word there is nothing to choose.

    Raises:
        IndexError: a named position outside the document.
    """
    chosen = _chosen(deltas, named)
    if not chosen or len(deltas) < 2 or any(map(math.isnan, deltas)):
        return math.nan
    deltas = _comparable(deltas)
    return float(max(deltas[w] for w in chosen) == max(deltas))


def redundant(deltas: Sequence[float], threshold: float = 0.01) -> float:
    """Whether no single word matters: 1 when max δ < threshold, else 0. nan without words or with a nan delta."""
    if len(deltas) == 0 or any(map(math.isnan, deltas)):
        return math.nan
    return float(max(deltas) < threshold)


def comprehensiveness(full: float, without: float, named: Sequence[int]) -> float:
    """p(x) - P(ŷ(x) | x∖W): what the answer loses when the named words go. In [-1, 1]; large is faithful.

    DeYoung et al. 2020 (ERASER, arXiv 1911.03429), section 4. nan for an empty rationale, never 0. To be shown also
    less the value of as many random words: taking out any words costs something.

    Args:
        full: p(x), probability of the model's answer on the document.
        without: probability of the same answer without the named words.
        named: positions of the named words.
    """
    return full - without if len(named) else math.nan


def sufficiency(full: float, only: float, named: Sequence[int]) -> float:
    """p(x) - P(ŷ(x) | only W kept): what the answer loses when only the named words stay. In [-1, 1].

    Small is faithful. DeYoung et al. 2020 (ERASER, arXiv 1911.03429), section 4. nan with fewer than two named words:
    section 5 of metrics.md wants it for several words only, and an empty rationale is none.

    Args:
        full: p(x), probability of the model's answer on the document.
        only: probability of the same answer on the named words alone.
        named: positions of the named words.
    """
    return full - only if len(set(named)) > 1 else math.nan


def aopc(values: Sequence[float]) -> float:
    """Mean of comprehensiveness or sufficiency over the top 1, 5, 10, 20 and 50 % of words (`AOPC_SHARES`).

    In [-1, 1]; nan without values or when one of them is nan.
    """
    return sum(values) / len(values) if len(values) else math.nan


def phi_cct(flips: Sequence[float], named: Sequence[float]) -> tuple[float, float]:
    """φ-CCT: Matthews correlation of "masking the word flips" and "the word is named", and its share of the maximum.

    φ = (n11 n00 - n10 n01) / sqrt(n1. n0. n.1 n.0), in [-1, 1]. With rates p ≥ q of the two indicators φ is at most
    φ_max = sqrt(q (1 - p) / (p (1 - q))): a single named word cannot reach 1 where several words flip. The second value
    is φ / φ_max: 1 is the best these rates allow; it has no lower bound at -1.
    Siegel et al. 2025 (arXiv 2503.13445); docs/metrics.md, "4. φ-CCT and CCT".

    (0, 0) when everything or nothing is named. (nan, nan) without pairs, and when everything or nothing flips: the
    model's side then holds nothing to explain, whatever is named.

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
    both, only_flip, only_named, neither = np.asarray(counts, dtype=np.float64).T
    flip, named = both + only_flip, both + only_named
    no_flip, not_named = only_named + neither, only_flip + neither
    covariance = both * neither - only_flip * only_named
    with np.errstate(invalid="ignore", divide="ignore"):
        phi = np.clip(covariance / np.sqrt(flip * no_flip * named * not_named), -1, 1)
        rarer, commoner = np.minimum(flip, named), np.maximum(flip, named)
        total = flip + no_flip
        largest = np.sqrt(rarer * (total - commoner) / (commoner * (total - rarer)))
        values = np.stack([phi, np.minimum(1, phi / largest)], axis=1)
    values[named * not_named == 0] = 0
    values[flip * no_flip == 0] = np.nan
    result: Array = values
    return result


def cct(tvd: Sequence[float], named: Sequence[float]) -> float:
    """CCT: Pearson correlation of the change of the answer distribution with "the word is named". In [-1, 1].

    Siegel et al. 2024 (arXiv 2404.03189); section 4 of metrics.md. 0 when everything or nothing is named; nan without
    pairs, when no word changes the distribution differently from another, or when a tvd is nan.

    Args:
        tvd: [n_pairs], total variation distance ½ Σ |P(·|x) - P(·|x∖w)| per (document, word).
        named: [n_pairs], 1 when the explanation names the word, else 0. Indicators, not positions.

    Raises:
        ValueError: lengths that differ, or a value of `named` other than 0 and 1.
    """
    table = aligned(tvd, named)
    _check_indicators(table[1:])
    return _correlation(*table)


def _correlation(effect: Array, named: Array) -> float:
    """Pearson correlation; for two indicators that is the Matthews correlation. Edges as documented above."""
    if not effect.size or np.isnan(effect).any() or effect.min() == effect.max():
        return math.nan
    if named.min() == named.max():
        return 0.0
    x, y = effect - effect.mean(), named - named.mean()
    return float(np.clip((x @ y) / math.sqrt((x @ x) * (y @ y)), -1, 1))


def _check_indicators(table: Array) -> None:
    if not np.isin(table, (0, 1)).all():
        raise ValueError(f"indicators must be 0 or 1 per (document, word), found {table[~np.isin(table, (0, 1))][0]}")


def _comparable(deltas: Sequence[float]) -> list[float]:
    return [round(delta, _DECIMALS) for delta in deltas]


def _chosen(deltas: Sequence[float], named: Sequence[int]) -> list[int]:
    """The named positions, each once."""
    if outside := [w for w in named if not 0 <= w < len(deltas)]:
        raise IndexError(f"named position {outside[0]} in a document of {len(deltas)} words")
    return sorted(set(named))
