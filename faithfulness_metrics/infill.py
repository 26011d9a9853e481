"""Words of other texts in the place of removed ones: what the operator `infill` writes.

A mask, a gap or a filler noun is nothing that the texts of a dataset hold. A word from the same place of another text
of the dataset is. docs/metrics.md, "14. Operators".
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType

from faithfulness_metrics.words import Fields, Word, find_words, key_of, seed_of

# Draws of another text until one has a word that was not removed.
DRAWS = 64


@dataclass(frozen=True, eq=False)
class OtherTexts:
    """Other texts of a dataset, as their words.

    Attributes:
        words: field -> of each text that has words in it, these words as written.
    """

    words: Mapping[str, Sequence[Sequence[str]]]

    @classmethod
    def of(cls, texts: Iterable[Fields]) -> OtherTexts:
        """The words of some documents."""
        words: dict[str, list[tuple[str, ...]]] = {}
        for fields in texts:
            for name, text in fields.items():
                if of_field := tuple(word.text for word in find_words(text, name)):
                    words.setdefault(name, []).append(of_field)
        return cls(words)

    def of_field(self, name: str) -> Sequence[Sequence[str]]:
        """The texts of a field; of every field where none has it."""
        return self.words.get(name) or list(chain.from_iterable(self.words.values()))


def infill(
    words: list[Word],
    positions: Iterable[int],
    others: OtherTexts,
    seed: int,
    proposals: Mapping[str, str] = MappingProxyType({}),
) -> dict[int, str | None]:
    """What `faithfulness_metrics.words.replace` writes at `positions`: words of other texts, at like places.

    The i-th of n words of a field has the place (i - ½) / n. A text is drawn, and its word at that place of the same
    field is taken, unless it is one of the removed words. Equal words get equal ones, by the place of the first. The
    draw depends on the seed and the word alone, so each set of words that holds it writes the same in its place.

    Args:
        words: of the document.
        positions: of the removed words.
        others: the texts that words are taken from.
        seed: of the document (`seed_of`).
        proposals: key of a word -> the word to write instead, unless it is one of the removed words.

    Returns:
        Position -> word; None (deleted) where no other text has a word that was not removed.
    """
    positions = sorted(set(positions))
    removed = {words[position].key for position in positions}
    sizes, index, places = Counter(word.field for word in words), Counter[str](), dict[str, tuple[str, float]]()
    for word in words:
        places.setdefault(word.key, (word.field, (index[word.field] + 0.5) / sizes[word.field]))
        index[word.field] += 1
    new: dict[str, str | None] = {
        key: word for key, word in proposals.items() if key in removed and key_of(word) not in removed
    }
    new |= {key: _word_at(*places[key], others, removed, seed_of(str(seed), key)) for key in removed - new.keys()}
    return {position: new[words[position].key] for position in positions}


def _word_at(field: str, place: float, others: OtherTexts, removed: set[str], seed: int) -> str | None:
    texts, draw = others.of_field(field), random.Random(seed)
    for _ in range(DRAWS if texts else 0):
        text = draw.choice(texts)
        word = text[int(place * len(text))]
        if key_of(word) not in removed:
            return word
    return None
