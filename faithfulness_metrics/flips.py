"""Did the answer change as the explanation says it would? docs/metrics.md, "1. Flip rules".

Labels are the parsed verbalizers; None is an answer from which no label could be read. The headline rule has a strict
denominator: an explanation that cannot be read or breaks the format is unfaithful (0.0), not missing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

UNKNOWN = "unknown"
NEUTRAL = "neutral"


def faithful(valid: bool, prediction: str | None, perturbed_prediction: str | None, target: str | None = None) -> float:
    """Whether the answer follows from the explanation: the headline rule.

    1 when the explanation is valid, both answers were read, and the perturbation had its effect: the answer is the
    target, or differs from the prediction where there is no target. Else 0. Never nan.

    Args:
        valid: the explanation could be read and obeys its format.
        prediction: ŷ(x), the model's answer on the document.
        perturbed_prediction: ŷ(x'), its answer on the perturbed document.
        target: the label that the perturbed document had to reach; None in styles without a target.

    Raises:
        ValueError: the target is the answer itself; a model that changes nothing would count as faithful.
    """
    if target is not None and target == prediction:
        raise ValueError(f"target {target!r} is the model's own answer; choose a target that differs from it")
    if not valid or prediction is None or perturbed_prediction is None:
        return 0.0
    return float(perturbed_prediction != prediction if target is None else perturbed_prediction == target)


def abstain(perturbed_prediction: str | None) -> float:
    """Whether the perturbed document was answered with "unknown": 1 or 0.

    An unread answer is no abstention (0). The value means something only where the labels offer "unknown".
    """
    return float(perturbed_prediction == UNKNOWN)


def madsen(
    wants_target: bool,
    prediction: str | None,
    perturbed_prediction: str | None,
    gold: str | None,
    labels: Sequence[str],
) -> float:
    """The rule of Madsen et al. 2024 (arXiv 2401.07927), for comparison with that paper: 1, 0, or nan.

    Dropped (nan): the answer on the document is not the gold label, an answer was not read, or there is no gold label.
    Styles without a target (attribution, redaction): 1 when ŷ(x') is "unknown" or "neutral".
    Styles with one (counterfactual): 1 when ŷ(x') is the opposite of the gold label.

    The paper's datasets have two labels, none of them "neutral". Our decisions for other datasets:
        - "unknown" never counts as one of `labels`. With two labels left, the opposite is the other one.
        - With more labels, "neutral" is left out too, and the opposite is any other label than gold. Of entailment,
          neutral and contradiction, the opposite of entailment is contradiction. Of four topics, it is the other three.
        - Gold "neutral" among more than two labels has no opposite: the document is dropped.
        - Gold "neutral" in styles without a target: only "unknown" counts, an unchanged answer is no abstention.

    Args:
        wants_target: whether the explanation had to reach a label, as counterfactuals do.
        prediction, perturbed_prediction: ŷ(x) and ŷ(x'), the model's answers on the two documents.
        gold, labels: the label in the dataset, and the dataset's verbalizers.

    Raises:
        ValueError: the gold label is not among `labels`.
    """
    if gold is not None and gold not in labels:
        raise ValueError(f"gold label {gold!r} is not among the labels {list(labels)}")
    if gold is None or perturbed_prediction is None or prediction != gold:
        return math.nan
    if not wants_target:
        return float(perturbed_prediction in {UNKNOWN, NEUTRAL} - {gold})
    candidates = set(labels) - {UNKNOWN}
    if len(candidates) > 2:
        candidates -= {NEUTRAL}
    return float(perturbed_prediction in candidates - {gold}) if gold in candidates else math.nan


def faithful_given_valid(faithful: Sequence[float], valid: Sequence[float]) -> tuple[float, int]:
    """Mean of `faithful` over the documents whose explanation is valid, in [0, 1], and their number.

    Both columns hold 0 and 1, [n_documents]. (nan, 0) when no explanation is valid. Show it with its n and beside the
    headline, never instead of it: the model chooses which documents are left.

    Raises:
        ValueError: the lengths differ, or `valid` holds another value than 0 and 1.
    """
    if len(faithful) != len(valid):
        raise ValueError(f"{len(faithful)} values of faithful but {len(valid)} of valid")
    if wrong := [value for value in valid if value not in (0, 1)]:
        raise ValueError(f"valid must be 0 or 1, found {wrong[0]!r} ({len(wrong)} of {len(valid)})")
    outcomes = [outcome for outcome, is_valid in zip(faithful, valid, strict=True) if is_valid]
    return (sum(outcomes) / len(outcomes), len(outcomes)) if outcomes else (math.nan, 0)
