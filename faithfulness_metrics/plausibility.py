"""Overlap of the named words with the words a person marked. Section 10 of metrics.md.

Plausible is not faithful (Agarwal et al. 2024): these values are plotted against faithfulness, never mixed into it.
Words are compared as keys (`words.key_of`), each once, whatever their number of occurrences: an explanation names
words, not places. That differs from DeYoung et al. 2020 (ERASER, arXiv 1911.03429), who count token positions.
"""

from __future__ import annotations

import math
from collections.abc import Collection


def token_f1(named: Collection[str], rationale: Collection[str]) -> float:
    """2 |W ∩ H| / (|W| + |H|): harmonic mean of precision and recall, in [0, 1].

    nan when the rationale is empty: there is nothing to agree with. 0 when nothing is named.

    Args:
        named: keys of the words the explanation names.
        rationale: keys of the words the person marked.
    """
    w, h = set(named), set(rationale)
    return 2 * len(w & h) / (len(w) + len(h)) if h else math.nan


def iou(named: Collection[str], rationale: Collection[str]) -> float:
    """|W ∩ H| / |W ∪ H|: intersection over union, in [0, 1], never above `token_f1`.

    nan when the rationale is empty. 0 when nothing is named.

    Args:
        named: keys of the words the explanation names.
        rationale: keys of the words the person marked.
    """
    w, h = set(named), set(rationale)
    return len(w & h) / len(w | h) if h else math.nan
