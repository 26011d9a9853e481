"""Aligns the words of a text with the tokens of its prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faithfulness_metrics.words import positions_by_key
from lm_eval_tasks.document import Document


@dataclass(frozen=True, slots=True)
class Prompt:
    """One document as the model reads it.

    Attributes:
        document: the text.
        ids: token ids of the whole prompt, [n_tokens]; the answer is read at the last one.
        spans: for each word of `document.words` the indices of its tokens in `ids`. A token that covers parts of two
            words is in both.
        types: the distinct words: key -> positions of its occurrences.
    """

    document: Document
    ids: list[int]
    spans: list[tuple[int, ...]]
    types: dict[str, list[int]]


def align_words(
    document: Document, starts: Mapping[str, int], ids: list[int], offsets: Sequence[tuple[int, int]]
) -> Prompt:
    """Find the tokens of each word.

    Args:
        document: the text.
        starts: where each field begins in the prompt, characters.
        ids: token ids of the prompt, [n_tokens].
        offsets: characters of the prompt that each token covers, [n_tokens].
    """
    spans, first = [], 0
    for word in document.words:
        begin, end = starts[word.field] + word.start, starts[word.field] + word.end
        while offsets[first][1] <= begin:  # words come in the order of the text, and so do tokens
            first += 1
        token, span = first, []
        while token < len(ids) and offsets[token][0] < end:
            if offsets[token][1] > max(begin, offsets[token][0]):
                span.append(token)
            token += 1
        spans.append(tuple(span))
    return Prompt(document, ids, spans, positions_by_key(document.words))
