"""Sentences: where they are in a text.

sentencex finds where a sentence ends. It knows abbreviations, quotes, numbers and the full stops of three hundred
languages. What a line break means, it does not say. Here a sentence ends

- at a blank line;
- before the next item of a list. Its mark ("1.", "-", "b)") belongs to no sentence;
- at any other line break, unless the line looks wrapped. Such a line has 60 characters or more, and ends without a
  stop. It has the width of a page, or the next line begins with a small letter.

A sentence has at least one word (`words.py`), and each word outside the marks of lists is in exactly one sentence.
What stands between two sentences without a word ("...", ":-)") belongs to the first of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import regex

from faithfulness_metrics.words import LONG, Word, find_words

# What holds the splitter: the name of the extra.
EXTRA = "sentences"

_ITEM = regex.compile(r"[^\S\n]*(?:[-*+•·‣▪◦●○■–—>➤→✓✔]|\(?\d{1,3}[.)]|\(?(?:[a-z]|[ivx]{2,4})\))[^\S\n]+")
_ENDS_WITH_STOP = regex.compile(r"[.!?…:;。！？।॥؟۔][^\w\s]*\s*$")

# Characters of a wrapped line, at least, and of the width of a page.
WRAPPED, PAGE = 60, 100


def find_sentences(text: str, field: str = "text", language: str = "en") -> list[Word]:
    """The sentences of one text, in order; a sentence's key is that of its words, with blanks between them.

    Args:
        text: the text.
        field: its name.
        language: an ISO code such as "de", for abbreviations.

    Raises:
        ModuleNotFoundError: sentencex is not installed.

    >>> [sentence.text for sentence in find_sentences("Dr. Lee paid $3.50. Why?\\n- No idea")]
    ['Dr. Lee paid $3.50.', 'Why?', 'No idea']
    """
    find = _find_in_long if len(text) > LONG else _find_in_short
    return list(find(text, field, language))


def _find(text: str, field: str, language: str) -> tuple[Word, ...]:
    words = iter(find_words(text, field))
    sentences, word = list[Word](), next(words, None)
    for start, end in _spans(text, language):
        keys = list[str]()
        while word and word.start < end:
            if word.end > start:  # else in the mark of a list
                keys.append(word.key)
                start, end = min(start, word.start), max(end, word.end)
            word = next(words, None)
        last = sentences[-1] if sentences else None
        if last and (start < last.end or not (keys or "\n" in text[last.end : start])):
            # 2019.1: the stop is inside a word. ... :-) without a word
            sentences[-1] = Word(field, last.start, end, text[last.start : end], " ".join([last.key, *keys]))
        elif keys:
            sentences.append(Word(field, start, end, text[start:end], " ".join(keys)))
    return tuple(sentences)


# As for words: every task and control looks at the sentences of the same documents.
_find_in_short = lru_cache(maxsize=1 << 13)(_find)
_find_in_long = lru_cache(maxsize=1 << 5)(_find)


def _spans(text: str, language: str) -> Iterator[tuple[int, int]]:
    """Start and end of what the splitter calls sentences, without blanks around them."""
    try:
        from sentencex import segment
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"sentences need sentencex: pip install 'faithful-se[{EXTRA}]'") from error
    for first, last in _blocks(text):
        position = first
        for piece in segment(language, text[first:last]):
            if stripped := piece.strip():
                start = position + len(piece) - len(piece.lstrip())
                yield start, start + len(stripped)
            position += len(piece)


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of the parts that no sentence goes beyond: paragraphs, items of lists, lines."""
    first, position = 0, 0
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        position += len(line)
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if not following.strip() or not line.strip() or _ITEM.match(following) or not _is_wrapped(line, following):
            mark = _ITEM.match(text, first, position)
            yield (mark.end() if mark else first), position
            first = position


def _is_wrapped(line: str, following: str) -> bool:
    """Whether a sentence goes on in the next line."""
    length = len(line.rstrip())
    if length < WRAPPED or _ENDS_WITH_STOP.search(line):
        return False
    return length <= PAGE or following.lstrip()[:1].islower()
