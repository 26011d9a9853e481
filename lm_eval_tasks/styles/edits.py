"""The edits of a counterfactual, by word or sentence: between two documents, and made again at other positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from faithfulness_metrics.edited_words import edited_words
from faithfulness_metrics.segmentation import is_unspaced
from faithfulness_metrics.units import WORD_UNIT, unit_key
from faithfulness_metrics.words import Fields, Word, find_words, replace, words_of


@dataclass(frozen=True)
class Edit:
    """One changed word, or sentence, of a counterfactual."""

    position: int  # of the changed word in the original; for an added word, of the word beside it
    # ``replace``, ``delete``, ``before`` (added before the position) or ``after`` (added after the last word of a
    # field)
    kind: str
    text: str = ""  # the new word; "" for a deletion


def edits_between(fields: Fields, document: Fields) -> tuple[Edit, ...]:
    """The word-level edits from one document to another: a shortest script (Levenshtein) for each field."""
    edits, first, count = list[Edit](), 0, len(words_of(fields))
    for name, new_words in edited_words(document, fields).items():
        words = find_words(fields[name], name)
        for step in Levenshtein.editops([w.key for w in words], [w.key for w in new_words]):
            position, kind = first + step.src_pos, step.tag
            new_word = "" if kind == "delete" else new_words[step.dest_pos].text
            if kind == "insert":
                # After the last word of its own field. A field without words has only the words of its neighbours.
                at_end = step.src_pos == len(words) and (bool(words) or position == count)
                kind, position = ("after", max(position - 1, 0)) if at_end else ("before", position)
            edits.append(Edit(position, kind, new_word))
        first += len(words)
    return tuple(edits)


def one_change(words: Sequence[Word], edits: Sequence[Edit], unit: str = WORD_UNIT) -> bool:
    """One unit replaced, added or deleted, or the same replacement or deletion of several occurrences of one unit."""
    if len(edits) == 1:
        return True
    if any(edit.kind in ("before", "after") for edit in edits):
        return False
    return len({(edit.kind, words[edit.position].key, unit_key(edit.text, unit)) for edit in edits}) == 1


def move_edits(
    fields: Fields, edits: Sequence[Edit], positions: Sequence[int], units: list[Word] | None = None
) -> dict[str, str]:
    """The same edits made at other positions: the right *what* at another *where*.

    Edits at one position stay together. "do not love" for "love" adds two words before one position, and both move.
    `edits` are in the order of their k positions. The edits of the i-th one move to `positions[i]`, [k] or fewer.
    `units` are what the positions count: the words by default.
    """
    words = words_of(fields) if units is None else units
    by_position: dict[int, list[Edit]] = {}
    for edit in edits:
        by_position.setdefault(edit.position, []).append(edit)
    replacements: dict[int, str | None] = {}
    for position, group in zip(positions, by_position.values(), strict=False):
        texts = {kind: [edit.text for edit in group if edit.kind == kind] for kind in ("before", "replace", "after")}
        only_adds = all(edit.kind in ("before", "after") for edit in group)
        middle = [words[position].text] if only_adds else texts["replace"]
        new_words = [*texts["before"], *middle, *texts["after"]]
        blank = "" if all(map(is_unspaced, new_words)) else " "
        replacements[position] = blank.join(new_words) or None  # None: deleted
    return replace(fields, words, replacements)
