"""The order in which the documents of a split are taken: as in the file, or balanced over the gold labels."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Hashable, Sequence
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datasets

    from lm_eval_tasks.dataset_spec import DatasetSpec


def ordered(rows: datasets.Dataset, spec: DatasetSpec, order: str, seed: int) -> datasets.Dataset:
    """The rows in the order that the options `order` and `order_seed` ask for."""
    return rows.select(balanced_order(_classes(rows, spec), seed)) if order == "balanced" else rows


def balanced_order(classes: Sequence[Hashable], seed: int) -> list[int]:
    """A permutation whose first n items have every class equally often, as long as no class is used up.

    Each class is shuffled. Then the classes take turns, in an order that is drawn, too: `--limit 10` on three classes
    has three, three and four of them. With n a multiple of the number of classes, a constant answer is right for 1/k.

    Args:
        classes: of each item, [n].
        seed: of the draw.

    Returns:
        Indices of the items, [n].

    >>> [("a", "a", "a", "b")[index] for index in balanced_order(("a", "a", "a", "b"), seed=1)]
    ['a', 'b', 'a', 'a']
    """
    draw = random.Random(seed)
    members: defaultdict[Hashable, list[int]] = defaultdict(list)
    for index, name in enumerate(classes):
        members[name].append(index)
    groups = list(members.values())
    for group in groups:
        draw.shuffle(group)
    draw.shuffle(groups)
    return [index for index in chain.from_iterable(zip_longest(*groups)) if index is not None]


def _classes(rows: datasets.Dataset, spec: DatasetSpec) -> list[Hashable]:
    """The gold label of each row; in multiple choice its place among the row's labels, which a habit can favour."""
    labels = rows[spec.label_column]
    if spec.choices is None:
        return list(labels)
    return [spec.choices.place(row, label) for row, label in zip(rows, labels, strict=True)]
