"""Draws the splits that a source does not have."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

from faithful_se.errors import UsageError
from faithfulness_metrics.words import seed_of
from lm_eval_tasks.new_tasks.settings import (
    LARGEST_TEST,
    LARGEST_VALIDATION,
    TEST_SHARE,
    VALIDATION_SHARE,
    SourceSettings,
)

Member = TypeVar("Member")


def spread(labels: Sequence[str], seed: int) -> list[int]:
    """A permutation in which every stretch has the labels in the shares that they have over all.

    The members of each label are shuffled, and stand at equal distances from each other.

    Args:
        labels: of each member, [n].
        seed: of the draw.

    Returns:
        Indices of the members, [n].

    >>> [("a", "a", "a", "a", "b", "b")[index] for index in spread("aaaabb", seed=0)]
    ['a', 'b', 'a', 'a', 'b', 'a']
    """
    members: defaultdict[str, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        members[label].append(index)
    places: list[tuple[float, str, int]] = []
    for label, indices in members.items():
        random.Random(seed_of(label, str(seed))).shuffle(indices)
        places += [((place + 0.5) / len(indices), label, index) for place, index in enumerate(indices)]
    return [index for _, _, index in sorted(places)]


def draw(
    members: Sequence[Member], labels: Sequence[str], missing: Sequence[str], settings: SourceSettings
) -> dict[str, list[Member]]:
    """The training split and those that are missing, each with the labels in their shares.

    Raises:
        UsageError: nothing would be left to train on.
    """
    if not missing:
        return {"train": list(members)}
    count = len(members)
    sizes = {
        "test": settings.test_rows or min(max(1, round(TEST_SHARE * count)), LARGEST_TEST),
        "validation": min(max(1, round(VALIDATION_SHARE * count)), LARGEST_VALIDATION)
        if settings.validation_rows is None
        else settings.validation_rows,
    }
    if sum(sizes[split] for split in missing) >= count:
        wanted = " and ".join(f"{sizes[split]} for {split}" for split in missing)
        raise UsageError(f"{settings.source}: {count} rows, of which {wanted} leave none to train on: give more rows")
    drawn, rest = {}, [members[index] for index in spread(labels, settings.seed)]
    for split in missing:
        drawn[split], rest = rest[: sizes[split]], rest[sizes[split] :]
    return {"train": rest, **{split: rows for split, rows in drawn.items() if rows}}
