"""Human rationales: which words of a document a person marked. One reader for each way in which rows tell it.

A dataset's YAML names its reader (`rationale`). What people mark is what convinces them, not what a model uses: it
enters plausibility (metrics.md, section 10) and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from faithful_se.errors import UsageError
from faithfulness_metrics.words import Word

# A row and the words of its document -> positions of the marked words; None where nobody marked any.
Reader = Callable[[Mapping[str, Any], list[Word]], tuple[int, ...] | None]


def token_indices(row: Mapping[str, Any], words: list[Word]) -> tuple[int, ...] | None:
    """e-SNLI: the column `<field>_rationale` holds the indices of the marked tokens, counted between blanks.

    A token that holds several words ("and/or") marks them all, one without a word ("-") none.

    Raises:
        UsageError: an index beyond the last token: marks and text are not of one row.
    """
    positions = []
    for field in dict.fromkeys(word.field for word in words):
        marked = row.get(f"{field}_rationale") or []
        tokens = [token.span() for token in re.finditer(r"\S+", str(row[field]))]
        if any(not 0 <= index < len(tokens) for index in marked):
            raise UsageError(
                f"{field}_rationale {list(marked)} does not fit the {len(tokens)} tokens of {row[field]!r}"
            )
        spans = [tokens[index] for index in marked]
        positions += [
            position
            for position, word in enumerate(words)
            if word.field == field and any(start <= word.start < end for start, end in spans)
        ]
    return tuple(positions) or None


def selected_text(row: Mapping[str, Any], words: list[Word]) -> tuple[int, ...] | None:
    """Tweet Sentiment Extraction: the column `selected_text` is a passage of `text`.

    None for neutral tweets: there the annotators selected the whole tweet, since nothing in it carries a sentiment.
    """
    return None if row["label"] == _NEUTRAL else _passage(row, "text", "selected_text", words)


def extractive_explanation(row: Mapping[str, Any], words: list[Word]) -> tuple[int, ...] | None:
    """CoS-E: the column `extractive_explanation` is a passage of `question`."""
    return _passage(row, "question", "extractive_explanation", words)


_NEUTRAL = 1


def _passage(row: Mapping[str, Any], field: str, column: str, words: list[Word]) -> tuple[int, ...] | None:
    """Positions of the words of a passage; None where there is none or the text does not hold it.

    A passage is looked for between words first ("good" in "goodness, so good"), then anywhere. A word belongs to it
    when half of the word does: annotators' selections, and what was done to blanks later, are off by a few characters.
    """
    text, passage = str(row[field]), (row.get(column) or "").strip()
    if not passage:
        return None
    escaped = re.escape(passage)
    found = re.search(rf"(?<!\w){escaped}(?!\w)", text) or re.search(escaped, text)
    if not found:
        return None
    start, end = found.span()
    shared = ((position, word, min(end, word.end) - max(start, word.start)) for position, word in enumerate(words))
    return tuple(position for position, word, common in shared if 2 * common >= word.end - word.start) or None


READERS: dict[str, Reader] = {
    "token_indices": token_indices,
    "selected_text": selected_text,
    "extractive_explanation": extractive_explanation,
}
