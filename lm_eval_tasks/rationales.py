"""Human rationales: which words of a document a person marked. There is one reader for each format of a dataset.

A dataset's YAML names its reader (`rationale`). People mark what convinces them, which need not be what a model uses.
Rationales therefore enter plausibility and nothing else: docs/metrics.md, "10. Plausibility".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from faithful_se.errors import UsageError
from faithfulness_metrics.words import Word

# A row and the words of its document -> positions of the marked words; None where nobody marked any.
Reader = Callable[[Mapping[str, Any], list[Word]], tuple[int, ...] | None]

# The label of Tweet Sentiment Extraction whose rows have no rationale.
NEUTRAL = 1


def token_indices(row: Mapping[str, Any], words: list[Word]) -> tuple[int, ...] | None:
    """e-SNLI: the column `<field>_rationale` holds the indices of the marked tokens, which blanks separate.

    A token with several words ("and/or") marks them all, a token without words ("-") none. Each of two tokens that are
    one word ("does", "n't") marks it.

    Raises:
        UsageError: an index beyond the last token, so that marks and text cannot belong together.
    """
    positions = []
    for field in dict.fromkeys(word.field for word in words):
        indices = row.get(f"{field}_rationale") or []
        tokens = [token.span() for token in re.finditer(r"\S+", str(row[field]))]
        if any(not 0 <= index < len(tokens) for index in indices):
            raise UsageError(
                f"{field}_rationale {list(indices)} does not fit the {len(tokens)} tokens of {row[field]!r}"
            )
        spans = [tokens[index] for index in indices]
        positions += [
            position
            for position, word in enumerate(words)
            if word.field == field and any(start < word.end and word.start < end for start, end in spans)
        ]
    return tuple(positions) or None


def selected_text(row: Mapping[str, Any], words: list[Word]) -> tuple[int, ...] | None:
    """Tweet Sentiment Extraction: the column `selected_text` is a passage of `text`.

    None for neutral tweets: no word in them carries a sentiment, and the annotators selected the whole tweet.
    """
    return None if row["label"] == NEUTRAL else _passage_positions(row, "text", "selected_text", words)


def extractive_explanation(row: Mapping[str, Any], words: list[Word]) -> tuple[int, ...] | None:
    """CoS-E: the column `extractive_explanation` is a passage of `question`."""
    return _passage_positions(row, "question", "extractive_explanation", words)


def _passage_positions(row: Mapping[str, Any], field: str, column: str, words: list[Word]) -> tuple[int, ...] | None:
    """Positions of the words of a passage; None if there is no passage, or the text does not hold it.

    The search tries whole words first ("good" in "goodness, so good"), then any place. At least half of a word must be
    in the passage: annotators' selections, and later changes to blanks, are off by a few characters. Of a word that the
    text writes as two ("does n't") half of either is enough.
    """
    text, passage = str(row[field]), (row.get(column) or "").strip()
    if not passage:
        return None
    pattern = re.escape(passage)
    match = re.search(rf"(?<!\w){pattern}(?!\w)", text) or re.search(pattern, text)
    if not match:
        return None
    start, end = match.span()
    return tuple(position for position, word in enumerate(words) if _is_half_in(word, start, end)) or None


def _is_half_in(word: Word, start: int, end: int) -> bool:
    spans = [(word.start + part.start(), word.start + part.end()) for part in re.finditer(r"\S+", word.text)]
    return any(2 * (min(end, last) - max(start, first)) >= last - first for first, last in spans)


READERS: dict[str, Reader] = {
    "token_indices": token_indices,
    "selected_text": selected_text,
    "extractive_explanation": extractive_explanation,
}
