"""Units: what an explanation names, and what is masked as one: words, or sentences.

A unit is a span of a text with a key, whatever its kind. So positions, masks, random sets and the oracle are the same
for both. Units with equal keys are one type: naming one means all its occurrences.
"""

from __future__ import annotations

from faithfulness_metrics.sentences import find_sentences
from faithfulness_metrics.words import Fields, Word, find_words, key_of, words_of

WORD_UNIT, SENTENCE_UNIT = "word", "sentence"
UNITS = (WORD_UNIT, SENTENCE_UNIT)


def units_of(fields: Fields, unit: str = WORD_UNIT, language: str = "en") -> list[Word]:
    """The words or sentences of a document, [n_units], first field first.

    Args:
        fields: the document.
        unit: one of `UNITS`.
        language: an ISO code, for the abbreviations of sentences.
    """
    if unit == WORD_UNIT:
        return words_of(fields)
    return [span for name, text in fields.items() for span in find_sentences(text, name, language)]


def unit_key(text: str, unit: str = WORD_UNIT) -> str:
    """The key of a text that is one unit.

    >>> unit_key("Don’t"), unit_key("I won't - pay!", "sentence")
    ("don't", "i won't pay")
    """
    return key_of(text) if unit == WORD_UNIT else " ".join(word.key for word in find_words(text))


def size_of(span: Word) -> int:
    """How many words a unit has.

    >>> [size_of(span) for span in units_of({"text": "Do n't pay. Why?"}, "sentence")]
    [2, 1]
    """
    return span.key.count(" ") + 1
