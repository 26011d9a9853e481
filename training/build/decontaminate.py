"""Decontamination: no text of the evaluation, and no near-duplicate of one, becomes a training text."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from faithfulness_metrics.words import Fields, find_words
from lm_eval_tasks.document import Document

SAME, SHARES, NEAR = "in the evaluation", "shares a field with the evaluation", "nearly in the evaluation"

# Texts do not share a field of this length by chance. SNLI has three hypotheses for each premise (14 words on average),
# so a training text with a premise of the evaluation gives half of a test text away. Shorter hypotheses ("A man is
# sleeping.") recur everywhere.
SHARED_WORDS = 6

# Two texts are near-duplicates from this similarity on: the Jaccard index of their trigrams of words. Examples are a
# tweet sent twice with another mention, and a wire report with another dateline.
NGRAM, SIMILARITY = 3, 0.7


class EvaluationTexts:
    """The texts of an evaluation."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._hashes: set[str] = set()
        self._long_fields: set[tuple[str, ...]] = set()
        self._sizes: list[int] = []
        self._documents_with: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for document in documents:
            self._hashes.add(document.hash)
            self._long_fields.update(keys for keys in _field_keys(document.fields) if len(keys) >= SHARED_WORDS)
            ngrams = _ngrams(document.fields)
            for ngram in ngrams:
                self._documents_with[ngram].append(len(self._sizes))
            self._sizes.append(len(ngrams))

    def __len__(self) -> int:
        return len(self._sizes)

    def reason(self, document: Document) -> str:
        """Why a text must not be trained on; empty if it may be."""
        if document.hash in self._hashes:
            return SAME
        if len(document.fields) > 1 and any(keys in self._long_fields for keys in _field_keys(document.fields)):
            return SHARES
        ngrams = _ngrams(document.fields)
        shared = Counter(index for ngram in ngrams for index in self._documents_with.get(ngram, ()))
        near = any(n >= SIMILARITY * (len(ngrams) + self._sizes[index] - n) for index, n in shared.items())
        return NEAR if near else ""


def _field_keys(fields: Fields) -> list[tuple[str, ...]]:
    return [tuple(word.key for word in find_words(text, name)) for name, text in fields.items()]


def _ngrams(fields: Fields) -> set[tuple[str, ...]]:
    """All runs of three words in a field; a shorter field counts as one run."""
    return {
        keys[start : start + NGRAM]
        for keys in _field_keys(fields)
        for start in range(max(1, len(keys) - NGRAM + 1))
        if keys
    }
