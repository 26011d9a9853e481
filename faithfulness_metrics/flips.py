"""Did the answer change as the explanation says it would? The rules of metrics.md, section 1.

Labels are the parsed verbalizers; None is an answer from which no label could be read. The headline rule has a strict
denominator: whatever cannot be read or breaks the format is unfaithful (0.0), not missing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

UNKNOWN = "unknown"
NEUTRAL = "neutral"


def faithful(valid: bool, before: str | None, after: str | None, target: str | None = None) -> float:
    """Whether the answer follows from the explanation: the headline rule.

    1 when the explanation is valid, both answers were read, and the answer after the perturbation differs from the one
    before (attribution, redaction) or is the target (counterfactual). Else 0. Never nan. Section 1 of metrics.md.

    Args:
        valid: the explanation could be read and obeys its format.
        before: ŷ(x), the model's answer on the document.
        after: ŷ(x'), its answer on the perturbed document.
        target: the label a counterfactual had to reach; None for the other styles.

    Raises:
        ValueError: the target is the answer itself, so that a model which changes nothing would count as faithful.
    """
    if target is not None and target == before:
        raise ValueError(f"target {target!r} is the model's own answer; choose a target that differs from it")
    if not valid or before is None or after is None:
        return 0.0
    return float(after != before if target is None else after == target)


def abstain(after: str | None) -> float:
    """Whether the perturbed document was answered with "unknown": 1 or 0. Section 1 of metrics.md.

    An unread answer is no abstention (0). Only meaningful where the label set offers "unknown".
    """
    return float(after == UNKNOWN)


def madsen(wants_target: bool, before: str | None, after: str | None, gold: str | None, labels: Sequence[str]) -> float:
    """The rule of Madsen et al. 2024 (arXiv 2401.07927), for comparison with that paper: 1, 0, or nan where dropped.

    Dropped (nan): the answer on the document is not the gold label, or an answer was not read, or there is no gold.
    Styles without a target (attribution, redaction): 1 when ŷ(x') is "unknown" or "neutral".
    Styles with one (counterfactual): 1 when ŷ(x') is the opposite of the gold label.

    Decisions where that paper's datasets (two labels, none called neutral) give no answer:
        - "unknown" never counts as one of `labels`. With two labels left, the opposite is the other one.
        - With more, "neutral" is put aside too and the opposite is any remaining label other than gold: with
          entailment, neutral, contradiction and gold entailment it is contradiction; with four topics, the other three.
        - Gold "neutral" among more than two labels has no opposite: the document is dropped.
        - Gold "neutral" in styles without a target: only "unknown" counts, an unchanged answer is no abstention.

    Args:
        wants_target: whether the explanation had to reach a label, as counterfactuals do.
        before: ŷ(x), the model's answer on the document.
        after: ŷ(x'), its answer on the perturbed document.
        gold: the label in the dataset.
        labels: the dataset's verbalizers.

    Raises:
        ValueError: a gold label that is not among `labels`.
    """
    if gold is not None and gold not in labels:
        raise ValueError(f"gold label {gold!r} is not among the labels {list(labels)}")
    if gold is None or after is None or before != gold:
        return math.nan
    if not wants_target:
        return float(after in {UNKNOWN, NEUTRAL} - {gold})
    candidates = set(labels) - {UNKNOWN}
    if len(candidates) > 2:
        candidates -= {NEUTRAL}
    if gold not in candidates:
        return math.nan
    return float(after in candidates - {gold})


def faithful_given_valid(faithful: Sequence[float], valid: Sequence[float]) -> tuple[float, int]:
    """Mean of `faithful` over the documents whose explanation is valid, and their number. In [0, 1]; section 1.

    (nan, 0) when no explanation is valid. To be shown with its n, beside the headline and never instead of it: the
    documents that are left are chosen by the model.

    Args:
        faithful: [n_documents], 0 or 1.
        valid: [n_documents], 0 or 1.

    Raises:
        ValueError: the lengths differ, or `valid` holds something other than 0 and 1.
    """
    if len(faithful) != len(valid):
        raise ValueError(f"{len(faithful)} values of faithful but {len(valid)} of valid")
    if odd := [v for v in valid if v not in (0, 1)]:
        raise ValueError(f"valid must be 0 or 1, found {odd[0]!r} ({len(odd)} of {len(valid)})")
    kept = [f for f, v in zip(faithful, valid, strict=True) if v]
    return (sum(kept) / len(kept), len(kept)) if kept else (math.nan, 0)
