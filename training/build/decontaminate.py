"""No text of the evaluation, and none that nearly is one, becomes a training text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from faithfulness_metrics.words import Fields, find_words
from lm_eval_tasks.document import Document

SAME, SHARES, NEAR = "in the evaluation", "shares a field with the evaluation", "nearly in the evaluation"

# A field this long is not shared by chance: SNLI asks three hypotheses about each premise (14 words on average), and a
# premise learnt is a text half known. Shorter hypotheses ("A man is sleeping.") recur everywhere.
SHARED_WORDS = 6
# Three words in a row, and the share of them (Jaccard) from which two texts are variants of one: a tweet sent twice
# with another mention, a wire report with another dateline.
RUN, ALIKE = 3, 0.7


class Held:
    """The texts of an evaluation.

    Args:
        documents: all of them.
    """

    def __init__(self, documents: Iterable[Document]) -> None:
        self._hashes: set[str] = set()
        self._fields: set[tuple[str, ...]] = set()
        self._sizes: list[int] = []
        self._places: dict[tuple[str, ...], list[int]] = {}
        for document in documents:
            self._hashes.add(document.hash)
            self._fields.update(key for key in _keys(document.fields) if len(key) >= SHARED_WORDS)
            runs = _runs(document.fields)
            for run in runs:
                self._places.setdefault(run, []).append(len(self._sizes))
            self._sizes.append(len(runs))

    def __len__(self) -> int:
        return len(self._sizes)

    def reason(self, document: Document) -> str:
        """Why a text cannot be trained on; empty when it can."""
        if document.hash in self._hashes:
            return SAME
        if len(document.fields) > 1 and any(key in self._fields for key in _keys(document.fields)):
            return SHARES
        runs = _runs(document.fields)
        shared = Counter(place for run in runs for place in self._places.get(run, ()))
        near = any(n >= ALIKE * (len(runs) + self._sizes[place] - n) for place, n in shared.items())
        return NEAR if near else ""


def _keys(fields: Fields) -> list[tuple[str, ...]]:
    return [tuple(word.key for word in find_words(text, name)) for name, text in fields.items()]


def _runs(fields: Fields) -> set[tuple[str, ...]]:
    return {key[i : i + RUN] for key in _keys(fields) for i in range(max(1, len(key) - RUN + 1)) if key}
