"""Words: the one place that says what a word is, where words stand, and how they are taken out of a text.

A word is a run of letters, marks and digits. Apostrophes, hyphens and underscores *inside* a word belong to it
(``don't``, ``well-made``, ``some_user``), so do the separators inside a number (``3.5``, ``1,000``, ``9:30``).
Everything else (punctuation, emoji, ``@``, ``#``) is not a word. Languages written without blanks give one word per
run of characters: this module is meant for text whose words are separated.

A document is a mapping from field names to texts, in order: one field (``{"text": ...}``) or two
(``{"premise": ..., "hypothesis": ...}``). A *position* is an index into the flat list of its words, first field first.
"""

from __future__ import annotations

import hashlib
import random
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import regex

Fields = Mapping[str, str]

_RUN = r"[\p{L}\p{N}][\p{L}\p{N}\p{M}]*"
WORD = regex.compile(rf"{_RUN}(?:(?:_+|['’‘\-‐‑]|(?<=\p{{N}})[.,:](?=\p{{N}})){_RUN})*")

_SAME = str.maketrans({"’": "'", "‘": "'", "‐": "-", "‑": "-"})

# Two numbers that would be read as one word if nothing stood between them.
_NUMBERS_MEET = regex.compile(r"\p{N}[.,:]\p{N}")

# What the operator `substitute` writes in place of a word: common nouns that lean to no label of the tasks here.
FILLERS = ("thing", "item", "part", "piece", "kind", "side", "point", "place")


@dataclass(frozen=True, slots=True)
class Word:
    """One occurrence of a word.

    Attributes:
        field: name of the field it stands in.
        start: first character in the field's text.
        end: one past the last character.
        text: the word as written.
        key: the word as compared (see `key_of`).
    """

    field: str
    start: int
    end: int
    text: str
    key: str


@lru_cache(maxsize=1 << 16)
def key_of(word: str) -> str:
    """The form in which two words are compared: compatibility-normalised, case folded, typographic marks plain.

    >>> key_of("Don’t") == key_of("don't")
    True
    """
    return unicodedata.normalize("NFKC", word).translate(_SAME).casefold()


def find_words(text: str, field: str = "text", mask: str | None = None) -> list[Word]:
    """The words of one text, in order. Occurrences of `mask` are not words.

    >>> [w.text for w in find_words("Don't @me: 3.5 [REDACTED] ok", mask="[REDACTED]")]
    ["Don't", 'me', '3.5', 'ok']
    """
    return list(_find(text, field, mask))


# One document is looked at by every task, style and control that it takes part in.
@lru_cache(maxsize=1 << 13)
def _find(text: str, field: str, mask: str | None) -> tuple[Word, ...]:
    pieces = text.split(mask) if mask else [text]
    words, offset = [], 0
    for piece in pieces:
        for match in WORD.finditer(piece):
            start, end = match.span()
            words.append(Word(field, offset + start, offset + end, match.group(), key_of(match.group())))
        offset += len(piece) + len(mask or "")
    return tuple(words)


def words_of(fields: Fields, mask: str | None = None) -> list[Word]:
    """The words of a document, [n_words], first field first."""
    return [word for name, text in fields.items() for word in find_words(text, name, mask)]


def keys_by_field(fields: Fields) -> dict[str, list[str]]:
    """The words of a document as they are compared, field by field.

    >>> keys_by_field({"premise": "Two dogs.", "hypothesis": "Dogs"})
    {'premise': ['two', 'dogs'], 'hypothesis': ['dogs']}
    """
    return {name: [word.key for word in find_words(text, name)] for name, text in fields.items()}


def occurrences(words: Iterable[Word], keys: Collection[str]) -> tuple[int, ...]:
    """Positions of every word whose key is in `keys`: naming a word means all its occurrences, in every field."""
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


def replace(fields: Fields, words: list[Word], new: Mapping[int, str | None]) -> dict[str, str]:
    """The document with the word at position i replaced by `new[i]`; everything else stays as it is.

    Args:
        fields: the document.
        words: its words, from `words_of(fields)`.
        new: replacement per position; None deletes the word together with the blank before it (else after it), unless
            two numbers would meet: ``10 no.5`` without ``no`` is ``10 .5``, not the new word ``10.5``.
    """
    result = {}
    for name, text in fields.items():
        parts, last, kept = [], 0, ""  # kept: the last two characters written
        for position, word in enumerate(words):
            if word.field != name or position not in new:
                continue
            start, end, written = word.start, word.end, new[position]
            if written is None:
                if start > last and text[start - 1].isspace():
                    start -= 1
                elif end < len(text) and text[end].isspace():
                    end += 1
                if _NUMBERS_MEET.search((kept + text[last:start])[-2:] + text[end : end + 2]):
                    start, end = word.start, word.end
            parts += [text[last:start], written or ""]
            kept, last = (kept + "".join(parts[-2:]))[-2:], end
        result[name] = "".join([*parts, text[last:]])
    return result


def mask_out(fields: Fields, words: list[Word], positions: Iterable[int], mask: str) -> dict[str, str]:
    """The document with the words at `positions` replaced by `mask`."""
    return replace(fields, words, dict.fromkeys(positions, mask))


def restore(fields: Fields, words: list[Word], positions: Iterable[int], mask: str) -> dict[str, str]:
    """Undo `mask_out`: the exact original document from the masked one, the original's words and the positions."""
    taken = sorted(set(positions))
    result = {}
    for name, text in fields.items():
        shift, parts, last = 0, [], 0
        for word in (words[p] for p in taken if words[p].field == name):
            start = word.start + shift
            parts += [text[last:start], word.text]
            last = start + len(mask)
            shift += len(mask) - (word.end - word.start)
        result[name] = "".join([*parts, text[last:]])
    return result


def remove(fields: Fields, words: list[Word], positions: Iterable[int], operator: str, mask: str) -> dict[str, str]:
    """Take words out of a document by the operator of the run.

    Args:
        operator: ``mask`` (write the mask), ``delete``, or ``substitute`` (write a filler noun, chosen by the word
            itself, so that equal words get equal fillers in every task and run).

    Raises:
        ValueError: unknown operator.
    """
    positions = list(positions)
    if operator == "mask":
        return mask_out(fields, words, positions, mask)
    if operator == "delete":
        return replace(fields, words, dict.fromkeys(positions))
    if operator == "substitute":
        gone = {words[p].key for p in positions}
        return replace(fields, words, {p: filler_for(words[p].key, gone) for p in positions})
    raise ValueError(f"operator {operator!r} is not one of mask, delete, substitute")


def filler_for(key: str, gone: Collection[str] = ()) -> str:
    """The filler noun that stands in for a word: fixed per word, never the word itself nor another word that goes."""
    choices = [filler for filler in FILLERS if filler != key and filler not in gone]
    return (choices or FILLERS)[seed_of(key) % len(choices or FILLERS)]


def seed_of(*parts: str) -> int:
    """A seed that depends only on `parts`: the same on every machine, in every process, in every Python."""
    return int.from_bytes(hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).digest()[:8], "big")


def document_hash(fields: Fields) -> str:
    """16 hex digits that identify a document by its text alone."""
    return f"{seed_of(*(f'{name}={text}' for name, text in fields.items())):016x}"


def random_positions(words: list[Word], named: Iterable[int], draws: int, seed: int, size: int = 1) -> list[list[int]]:
    """Random sets of positions of the same size as the named ones, for the chance control (metrics.md, section 2).

    A draw takes as many positions as are named, field by field, from the *other* positions of that field. Where too
    few others are left, it takes from all positions of the field: an explanation that names everything then competes
    with everything. Positions come from one seeded order per field and draw, so two explanations of one document that
    name different words share their draws wherever they can, and the model is asked once.

    Args:
        words: the document's words.
        named: positions the explanation took out; empty when it was invalid.
        draws: how many sets.
        seed: from the document, see `seed_of`.
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
        chosen: list[int] = []
        for field in dict.fromkeys(words[p].field for p in sorted(named)):
            inside = [p for p in order if words[p].field == field]
            wanted = sum(words[p].field == field for p in named)
            others = [p for p in inside if p not in named]
            chosen += (others if len(others) >= wanted else inside)[:wanted]
        sets.append(sorted(chosen))
    return sets
