"""A trained checkpoint against its base: did training change the classifier too?

docs/metrics.md, "8. Checkpoint drift panel". Labels are the parsed verbalizers on unmasked text, [n_documents]; None
is an answer that could not be read.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from operator import eq

from faithfulness_metrics.flips import UNKNOWN


def agreement(trained: Sequence[str | None], base: Sequence[str | None]) -> float:
    """Share of documents with ŷ_T = ŷ_0, in [0, 1]. nan without documents.

    An unread answer agrees with nothing, not even with another unread one. A checkpoint therefore agrees with itself
    on 1 - `unparsed_rate` of the documents.

    Raises:
        ValueError: the lengths differ.
    """
    if len(trained) != len(base):
        raise ValueError(f"{len(trained)} labels of the checkpoint but {len(base)} of its base")
    both_unread = list(zip(trained, base, strict=True)).count((None, None))
    return (sum(map(eq, trained, base)) - both_unread) / len(base) if base else math.nan


def label_entropy(labels: Sequence[str | None]) -> float:
    """-Σ_l p_l ln p_l over the labels that were read, in nats: [0, ln of the number of labels].

    0 is a constant classifier, ln 2 two labels equally often. nan when no label was read. Unread answers are left out;
    see `unparsed_rate`.
    """
    counts = Counter(labels)
    del counts[None]
    total = counts.total()
    return sum(n / total * math.log(total / n) for n in counts.values()) if total else math.nan


def unknown_rate(labels: Sequence[str | None]) -> float:
    """Share of all documents answered with "unknown", in [0, 1]. nan without documents."""
    return labels.count(UNKNOWN) / len(labels) if labels else math.nan


def unparsed_rate(labels: Sequence[str | None]) -> float:
    """Share of all documents whose answer could not be read, in [0, 1]. nan without documents."""
    return labels.count(None) / len(labels) if labels else math.nan
