"""Several sampled answers to one prompt: their majority, their rates, and two halves of them.

docs/metrics.md, "16. Sampled answers". A word that is chosen and scored by the same answers looks better than it is. So
the even answers choose, and the odd ones score: cross-fitting (Chernozhukov et al. 2018, arXiv 1608.00060).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

# Labels of the answers in the order in which they were drawn; None for one that could not be read.
Labels = Sequence[str | None]


def majority(labels: Labels) -> str | None:
    """The most frequent label; of equally frequent ones the one that was drawn first.

    >>> majority(["a", "b", "b"]), majority(["b", "a", "a", "b"])
    ('b', 'b')
    """
    return Counter(labels).most_common(1)[0][0]


def rate(labels: Labels, label: str | None) -> float:
    """Share of the answers that give a label.

    >>> rate(["a", "b", "b", None], "b")
    0.5
    """
    return labels.count(label) / len(labels)


def choosing(labels: Labels) -> Labels:
    """The answers that choose: the even ones, counted from 0."""
    return labels[0::2]


def deciding(labels: Labels) -> Labels:
    """The answers that score: the odd ones."""
    return labels[1::2]
