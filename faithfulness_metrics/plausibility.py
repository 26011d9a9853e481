"""Overlap of the named words with the words that a person marked. docs/metrics.md, "10. Plausibility".

Plausible is not faithful (Agarwal et al. 2024), so these values are plotted against faithfulness, never mixed into it.
Words are compared as keys (`words.key_of`), each once, because an explanation names words, not positions. DeYoung et
al. 2020 (ERASER, arXiv 1911.03429) count token positions instead.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence


def token_f1(named: Collection[str], rationale: Collection[str]) -> float:
    """2 |W ∩ H| / (|W| + |H|): harmonic mean of precision and recall, in [0, 1].

    nan when the rationale is empty, 0 when nothing is named. Both hold keys of words.
    """
    named, rationale = set(named), set(rationale)
    return 2 * len(named & rationale) / (len(named) + len(rationale)) if rationale else math.nan


def iou(named: Collection[str], rationale: Collection[str]) -> float:
    """|W ∩ H| / |W ∪ H|: intersection over union, in [0, 1], never above `token_f1`.

    nan when the rationale is empty, 0 when nothing is named. Both hold keys of words.
    """
    named, rationale = set(named), set(rationale)
    return len(named & rationale) / len(named | rationale) if rationale else math.nan


def edits_inside(edits: Sequence[int], rationale: Collection[int]) -> float:
    """Share of the edits of a counterfactual that lie inside the rationale (ESMP), in [0, 1].

    Both hold positions; several edits at one position count each. nan without an edit, or when the rationale is empty.
    """
    return sum(edit in set(rationale) for edit in edits) / len(edits) if edits and rationale else math.nan
