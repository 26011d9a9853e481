"""The random words or sentences that named ones are compared with.

docs/metrics.md, "2. Chance-corrected faithfulness".
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from faithfulness_metrics.units import size_of
from faithfulness_metrics.words import Word

# Orders of the other sentences that are drawn for one random set: the one nearest in size counts.
ORDERS = 32


def random_positions(words: list[Word], named: Iterable[int], draws: int, seed: int, size: int = 1) -> list[list[int]]:
    """Random sets of as many positions as are named, for the chance control.

    A draw takes as many positions as are named, field by field,
    from the *other* positions of that field. Where too few others are left, it takes from all positions of the field:
    an explanation that names everything then competes with everything. A field of one word has no other to compare
    with, so it competes with the other fields. Each draw has one seeded order of positions.
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
        order = _order(len(words), seed + draw)
        if not named:
            sets.append(sorted(order[:size]))
            continue
        positions: list[int] = []
        for field, count in Counter(words[p].field for p in sorted(named)).items():
            of_field = [p for p in order if words[p].field == field]
            candidates = [p for p in (order if _one_type(words, of_field) else of_field) if p not in positions]
            others = [p for p in candidates if p not in named]
            positions += (others if len(others) >= count else candidates)[:count]
        sets.append(sorted(positions))
    return sets


@lru_cache(maxsize=1024)  # explanations of one text draw from the same orders
def _order(count: int, seed: int) -> tuple[int, ...]:
    """A seeded order of positions."""
    order = list(range(count))
    random.Random(seed).shuffle(order)
    return tuple(order)


def _one_type(words: list[Word], positions: Iterable[int]) -> bool:
    """Whether the words at these positions are all the same."""
    return len({words[position].key for position in positions}) == 1


def random_sentences(
    sentences: list[Word], named: Iterable[int], draws: int, seed: int, *, same_number: bool = False
) -> list[list[int]]:
    """Random sets of sentences, as many words together as the named ones have, for the chance control.

    Long sentences hold more of what matters. Against a random sentence of any length, who names the longest would have
    a lift. So each draw, field by field, takes the first sentences of a seeded order of the *other* ones. It takes at
    least as many as are named, and more while that brings their words nearer to those of the named ones. Of `ORDERS`
    such sets, the nearest counts. Where the others have fewer words than the named ones, it draws from all sentences of
    the field. A field of one sentence competes with the other fields. The named set itself is drawn only where it is
    the whole field of several sentences, or the whole document.

    Args:
        sentences, draws, seed: the document's sentences, the number of sets, and a seed of the document (`seed_of`).
        named: positions that the explanation removes or edits; empty when it is not valid: one sentence is drawn then.
        same_number: as many sentences as are named, and no more: for edits, which are moved one by one.

    Returns:
        `draws` sorted lists of positions; empty lists when the document has no sentences.
    """
    named = sorted(set(named))
    if not named:
        return random_positions(sentences, (), draws, seed)
    if len(named) == len(sentences):
        return [named] * draws
    by_field = {sentences[position].field: list[int]() for position in named}
    for position in named:
        by_field[sentences[position].field].append(position)
    sets = []
    for draw in range(draws):
        order, positions = random.Random(seed + draw), list[int]()
        for field, own in by_field.items():
            every = [position for position, sentence in enumerate(sentences) if sentence.field == field]
            if _one_type(sentences, every):
                every = [position for position in range(len(sentences)) if position not in positions]
            others = [position for position in every if position not in named]
            positions += _nearest_set(sentences, every, others, own, order, same_number)
        sets.append(sorted(positions))
    return sets


def _nearest_set(
    sentences: list[Word],
    every: list[int],
    others: list[int],
    own: list[int],
    order: random.Random,
    same_number: bool,
) -> list[int]:
    """Of `ORDERS` random sets of one field, the one nearest in words to the positions `own`.

    `every` and `others` are the positions that may be drawn, with and without the named ones.
    """
    size = sum(size_of(sentences[position]) for position in own)
    if len(others) < len(own) or sum(size_of(sentences[position]) for position in others) < size:
        others = every
    nearest, distance = own, math.inf
    for _ in range(ORDERS):
        order.shuffle(others)
        chosen, words = others[: len(own)], sum(size_of(sentences[position]) for position in others[: len(own)])
        for position in () if same_number else others[len(own) :]:
            more = words + size_of(sentences[position])
            gain = abs(words - size) - abs(more - size)
            if gain < 0 or (gain == 0 and order.random() < 0.5):
                break
            chosen, words = [*chosen, position], more
        if abs(words - size) < distance and (set(chosen) != set(own) or len(own) == len(every)):
            nearest, distance = chosen, abs(words - size)
    return nearest
