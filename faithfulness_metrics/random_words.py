"""The random words that a named word is compared with: docs/metrics.md, "2. Chance-corrected faithfulness"."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable

from faithfulness_metrics.words import Word


def random_positions(words: list[Word], named: Iterable[int], draws: int, seed: int, size: int = 1) -> list[list[int]]:
    """Random sets of as many positions as are named, for the chance control.

    A draw takes as many positions as are named, field by field,
    from the *other* positions of that field. Where too few others are left, it takes from all positions of the field:
    an explanation that names everything then competes with everything. Each draw has one seeded order of positions.
    Two explanations of one document therefore share their draws wherever they can, which saves model calls.

    Args:
        words, draws, seed: the document's words, the number of sets, and a seed of the document (`seed_of`).
        named: positions that the explanation removes; empty when it is not valid.
        size: how many positions to draw, from any field, when nothing is named.

    Returns:
        `draws` sorted lists of positions; empty lists when the document has no words.
    """
    named = set(named)
    sets = []
    for draw in range(draws):
        order = list(range(len(words)))
        random.Random(seed + draw).shuffle(order)
        if not named:
            sets.append(sorted(order[:size]))
            continue
        positions: list[int] = []
        for field, count in Counter(words[p].field for p in sorted(named)).items():
            candidates = [p for p in order if words[p].field == field]
            others = [p for p in candidates if p not in named]
            positions += (others if len(others) >= count else candidates)[:count]
        sets.append(sorted(positions))
    return sets
