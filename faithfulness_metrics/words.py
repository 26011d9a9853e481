"""Words: what a word is, its position in a document, and how words are removed from a text.

A word is a run of letters, marks and digits. Apostrophes, hyphens and underscores *inside* a word belong to it.
So do the separators inside a number. ``don't``, ``well-made``, ``some_user``, ``3.5`` and ``9:30`` are one word each.
Punctuation, emoji, ``@`` and ``#`` are no words. Runs of scripts without blanks are parted by a dictionary:
`faithfulness_metrics.segmentation`.

Corpora in the tokens of the Penn Treebank (SST-2, TREC) write ``does n't`` and ``film 's``. Each is one word there too,
and the same word as ``doesn't`` and ``film's``. Their ``-lrb-`` and ``-rrb-`` are brackets, which are no words.

A document is a mapping from field names to texts, in order: one field (``{"text": ...}``) or two
(``{"premise": ..., "hypothesis": ...}``). A *position* is an index into the flat list of its words, first field first.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import regex

from faithfulness_metrics.segmentation import has_segmenter, is_unspaced, runs, segments

Fields = Mapping[str, str]

_RUN = r"[\p{L}\p{N}][\p{L}\p{N}\p{M}]*"
# The joiners of Hindi and Persian and the soft hyphen are not seen.
_BODY = rf"{_RUN}(?:(?:_+|['’‘\-‐‑\u200c\u200d\u00ad]|(?<=\p{{N}})[.,:](?=\p{{N}})){_RUN})*"
# Not the names of brackets: -lrb- | -RSB-
_BODY = rf"(?<![\p{{L}}\p{{N}}])(?!(?i:[lr][rcs]b-)(?:\s|$)(?<=(?:^|\s)-...-\s?)){_BODY}"
_BLANK = r"[^\S\n\r]"
# does n't | film 's | IT 'S, but not of 'D of E'
_CLITIC = (
    rf"{_BLANK}(?:n['’‘]t|['’‘](?:s|re|ve|ll|d|m)"
    rf"|(?<=\p{{Lu}}{_BLANK})(?:N['’‘]T|['’‘](?:S|RE|VE|LL|D|M)))"
    # didn 't | don ' t, but not van 't Hoff
    rf"|(?<=\b(?i:ai|are|ca|could|did|does|do|had|has|have|is|might|must|need|sha|should|was|were|wo|would)(?i:n))"
    rf"{_BLANK}['’‘]{_BLANK}?[tT]"
)
# the letter 's' | 's_x | 'd-day
_ENDS = r"(?![\p{L}\p{N}\p{M}_'’‘]|[\-‐‑][\p{L}\p{N}])"
WORD = regex.compile(rf"{_BODY}(?:(?:{_CLITIC}){_ENDS})*")

# The blanks inside a word, as `key_of` sees it.
_BEFORE_CLITIC = regex.compile(r"(?<=\w)\s(?=(?:n't|'(?:s|re|ve|ll|d|m|\s?t))(?:\s|$))|(?<=\w\s?')\s(?=t$)")

_CLITIC_OF_KEY = regex.compile(r"(?<=\w)(?:n't|'(?:s|re|ve|ll|d|m))$")
# Words that the treebank writes as two, and where it parts them.
_MERGED = {"cannot": 3, "gonna": 3, "wanna": 3, "gotta": 3, "gimme": 3, "lemme": 3}

# What is not seen is no difference either, nor is the elongation of Arabic.
_PLAIN_MARKS = str.maketrans({"’": "'", "‘": "'", "‐": "-", "‑": "-", **dict.fromkeys("\u200c\u200d\u00ad\u0640")})

# Two numbers that would be read as one word if nothing stood between them.
_NUMBERS_MEET = regex.compile(r"\p{N}[.,:]\p{N}")

# Characters of a text that is long.
LONG = 10_000

# The operator `substitute` writes these in place of a word: common nouns that speak for no label of the shipped tasks.
FILLERS = ("thing", "item", "part", "piece", "kind", "side", "point", "place")


@dataclass(frozen=True, slots=True)
class Word:
    """One occurrence of a word."""

    field: str  # name of its field
    start: int  # first character in the field's text
    end: int  # one past the last character
    text: str  # the word as written
    key: str  # the word as compared (see `key_of`)


@lru_cache(maxsize=1 << 16)
def key_of(word: str) -> str:
    """The form in which two words are compared: compatibility-normalised, case folded, typographic marks plain.

    >>> key_of("Don’t") == key_of("don't") == key_of("do n't")
    True
    """
    plain = unicodedata.normalize("NFKC", word).translate(_PLAIN_MARKS).casefold()
    return str(_BEFORE_CLITIC.sub("", plain))


def parts_of(key: str) -> list[str]:
    """The parts that a tokenizer of the Penn Treebank makes of a word, without apostrophes but in ``n't``.

    >>> parts_of("doesn't"), parts_of("film's"), parts_of("cannot"), parts_of("o'clock")
    (['does', "n't"], ['film', 's'], ['can', 'not'], ["o'clock"])
    """
    if key in _MERGED:
        return [key[: _MERGED[key]], key[_MERGED[key] :]]
    clitics, end = list[str](), len(key)
    # The longest clitic and the letter before it have four characters. To search the whole key each time is quadratic.
    while clitic := _CLITIC_OF_KEY.search(key, max(0, end - 4), end):
        clitics.append(clitic.group().lstrip("'"))
        end = clitic.start()
    return [key[:end], *reversed(clitics)]


def find_words(text: str, field: str = "text", mask: str | None = None) -> list[Word]:
    """The words of one text, in order. Occurrences of `mask` are not words.

    >>> [w.text for w in find_words("Don't @me: 3.5 [REDACTED] ok", mask="[REDACTED]")]
    ["Don't", 'me', '3.5', 'ok']
    """
    find = _find_in_long if len(text) > LONG else _find_in_short
    return list(find(text, field, mask))


def _find(text: str, field: str, mask: str | None) -> tuple[Word, ...]:
    pieces = text.split(mask) if mask else [text]
    words, offset = [], 0
    for piece in pieces:
        for start, end in _spans(piece):
            written = piece[start:end]
            words.append(Word(field, offset + start, offset + end, written, key_of(written)))
        offset += len(piece) + len(mask or "")
    return tuple(words)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each word."""
    last = 0
    if not text.isascii() and has_segmenter():
        for start, end in runs(text):
            yield from ((last + word.start(), last + word.end()) for word in WORD.finditer(text[last:start]))
            yield from (
                (start + word, start + word_end) for word, word_end in pairwise([0, *segments(text[start:end])])
            )
            last = end
    yield from ((last + word.start(), last + word.end()) for word in WORD.finditer(text[last:]))


# Every task, style and control looks at the words of the same documents. Words take fifty times the memory of their
# text, so few long texts are remembered.
_find_in_short = lru_cache(maxsize=1 << 13)(_find)
_find_in_long = lru_cache(maxsize=1 << 5)(_find)


def words_of(fields: Fields, mask: str | None = None) -> list[Word]:
    """The words of a document, [n_words], first field first."""
    return [word for name, text in fields.items() for word in find_words(text, name, mask)]


def runs_of(words: Iterable[Word]) -> list[list[Word]]:
    """The words of scripts without blanks, run by run: words between which nothing stands.

    >>> [[word.text for word in run] for run in runs_of(find_words("ok 好, 好"))]
    [['好'], ['好']]
    """
    runs: list[list[Word]] = []
    for word in words:
        if is_unspaced(word.text):
            last = runs[-1][-1] if runs else None
            if last and (last.field, last.end) == (word.field, word.start):
                runs[-1].append(word)
            else:
                runs.append([word])
    return runs


def keys_by_field(fields: Fields) -> dict[str, list[str]]:
    """The words of a document as they are compared, field by field.

    >>> keys_by_field({"premise": "Two dogs.", "hypothesis": "Dogs"})
    {'premise': ['two', 'dogs'], 'hypothesis': ['dogs']}
    """
    return {name: [word.key for word in find_words(text, name)] for name, text in fields.items()}


def occurrences(words: Iterable[Word], keys: Collection[str]) -> tuple[int, ...]:
    """Positions of all words whose key is in `keys`, in every field: naming a word means all its occurrences."""
    return tuple(i for i, word in enumerate(words) if word.key in keys)


def positions_by_key(words: Iterable[Word]) -> dict[str, list[int]]:
    """The positions of every type of word, in the order of their first occurrences.

    >>> positions_by_key(find_words("Love it, love!"))
    {'love': [0, 2], 'it': [1]}
    """
    positions: dict[str, list[int]] = {}
    for position, word in enumerate(words):
        positions.setdefault(word.key, []).append(position)
    return positions


def replace(fields: Fields, words: list[Word], replacements: Mapping[int, str | None]) -> dict[str, str]:
    """The document with the word at position i replaced by `replacements[i]`; everything else is unchanged.

    None deletes a word together with the blank before it, or else the blank after it. The blanks stay where two numbers
    would meet: ``10 no.5`` without ``no`` is ``10 .5``, not the new word ``10.5``. A word of a script without
    blanks leaves one between two others: ``iPhone很15`` without ``很`` is ``iPhone 15``.

    `words` are those of `words_of(fields)`.
    """
    # Only the replaced words are looked at: the oracle makes as many documents as there are words.
    by_field: dict[str, list[int]] = {name: [] for name in fields}
    for position in sorted(replacements):
        by_field[words[position].field].append(position)
    result = {}
    for name, text in fields.items():
        parts, last, ending = [], 0, ""  # ending: the last two characters written
        for position in by_field[name]:
            word, replacement = words[position], replacements[position]
            start, end = word.start, word.end
            if replacement is None:
                if start > last and text[start - 1].isspace():
                    start -= 1
                elif end < len(text) and text[end].isspace():
                    end += 1
                if _NUMBERS_MEET.search((ending + text[last:start])[-2:] + text[end : end + 2]):
                    start, end = word.start, word.end
            parts += [text[last:start], replacement or ""]
            if is_unspaced(word.text):
                parts[-1] = _apart((ending + text[last:start])[-1:], replacement or "", text[end : end + 1])
            ending, last = (ending + "".join(parts[-2:]))[-2:], end
        result[name] = "".join([*parts, text[last:]])
    return result


def _apart(before: str, replacement: str, after: str) -> str:
    """What stands for a word of a script without blanks, with the blanks that part it from words of other scripts.

    >>> _apart("", "thing", "5"), _apart("很", "thing", "好"), _apart("e", "", "1")
    ('thing ', 'thing', ' ')
    """
    if _meet(before + (replacement or after)[:1]):
        replacement = f" {replacement}"
    return f"{replacement} " if _meet(replacement[-1:] + after) else replacement


def _meet(characters: str) -> bool:
    """Whether two characters would be of one word, which a dictionary does not part."""
    return len(characters) == 2 and characters.isalnum() and not any(map(is_unspaced, characters))


def mask_out(fields: Fields, words: list[Word], positions: Iterable[int], mask: str) -> dict[str, str]:
    """The document with the words at `positions` replaced by `mask`."""
    return replace(fields, words, dict.fromkeys(positions, mask))


def remove(fields: Fields, words: list[Word], positions: Iterable[int], operator: str, mask: str) -> dict[str, str]:
    """The document without the words at `positions`; `words` are those of `words_of(fields)`.

    The operator is ``mask`` (write the mask), ``delete``, or ``substitute`` (write a filler noun). The word itself
    chooses the filler, so equal words get equal fillers in every task and run.

    Raises:
        ValueError: the operator is unknown.
    """
    positions = list(positions)
    if operator == "mask":
        return mask_out(fields, words, positions, mask)
    if operator == "delete":
        return replace(fields, words, dict.fromkeys(positions))
    if operator == "substitute":
        removed = {words[p].key for p in positions}
        return replace(fields, words, {p: filler_for(words[p].key, removed) for p in positions})
    raise ValueError(f"operator {operator!r} is not one of mask, delete, substitute")


def filler_for(key: str, removed: Collection[str] = ()) -> str:
    """The filler noun for a word: fixed per word, never the word itself nor another removed word."""
    choices = [filler for filler in FILLERS if filler != key and filler not in removed]
    return (choices or FILLERS)[seed_of(key) % len(choices or FILLERS)]


def seed_of(*parts: str) -> int:
    """A seed that depends on `parts` alone: the same on every machine, in every process and Python version."""
    return int.from_bytes(hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).digest()[:8], "big")


def document_hash(fields: Fields) -> str:
    """16 hex digits that identify a document by its text alone."""
    return f"{seed_of(*(f'{name}={text}' for name, text in fields.items())):016x}"
