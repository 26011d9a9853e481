"""Sets of documents, and how many different documents several tasks have together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from faithfulness_metrics.bootstrap import Array


@dataclass(frozen=True)
class DocumentSet:
    """The documents of a task, the same for all its checkpoints. The bootstrap draws equal sets together.

    Attributes:
        digest: of the keys. Equal digests mean equal documents.
        keys: in order; empty where no run has samples.
        n: number of documents.
    """

    digest: str
    keys: tuple[str, ...] = field(compare=False)
    n: int = field(compare=False)


def count_documents(tasks: Iterable[tuple[DocumentSet, Array | None]]) -> int:
    """Number of different documents of several tasks. A text in six tasks of one dataset counts once.

    Args:
        tasks: the documents of each task, and their values, [n_documents]. Documents with nan are not counted; without
            values all documents are.
    """
    complete_sets, counted_keys = set(), set[str]()
    for documents, values in tasks:
        missing = None if values is None else np.isnan(values)
        if missing is None or not missing.any():
            complete_sets.add(documents)
        else:
            counted_keys.update(key for key, is_nan in zip(documents.keys, missing, strict=True) if not is_nan)
    if not counted_keys:
        return _count_sets(frozenset(complete_sets))
    return len(counted_keys.union(*(documents.keys for documents in complete_sets))) + _without_keys(complete_sets)


@lru_cache(maxsize=64)  # all checkpoints of a board have the same few combinations of tasks
def _count_sets(sets: frozenset[DocumentSet]) -> int:
    return len(set[str]().union(*(documents.keys for documents in sets))) + _without_keys(sets)


def _without_keys(sets: Iterable[DocumentSet]) -> int:
    return sum(documents.n for documents in sets if not documents.keys)
