"""Aligns the words of a text with the tokens of its prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faithfulness_metrics.words import positions_by_key
from lm_eval_tasks.document import Document


@dataclass(frozen=True, slots=True)
class Prompt:
    """One document as the model reads it."""

    document: Document
    ids: list[int]  # of the whole prompt, [n_tokens]; the answer is read at the last one
    # For each word of `document.units` the indices of its tokens. A token that covers parts of two words is in both.
    spans: list[tuple[int, ...]]
    types: dict[str, tuple[int, ...]]  # the distinct words: key -> positions of its occurrences


def align_words(
    document: Document, starts: Mapping[str, int], ids: list[int], offsets: Sequence[tuple[int, int]]
) -> Prompt:
    """Find the tokens of each word.

    Args:
        document, ids: the text, and the token ids of its prompt.
        starts: where each field begins in the prompt, characters.
        offsets: characters of the prompt that each token covers, [n_tokens].
    """
    spans, first = [], 0
    for word in document.units:
        begin, end = starts[word.field] + word.start, starts[word.field] + word.end
        while offsets[first][1] <= begin:  # words come in the order of the text, and so do tokens
            first += 1
        token, span = first, []
        while token < len(ids) and offsets[token][0] < end:
            if offsets[token][1] > max(begin, offsets[token][0]):
                span.append(token)
            token += 1
        spans.append(tuple(span))
    types = {key: tuple(positions) for key, positions in positions_by_key(document.units).items()}
    return Prompt(document, ids, spans, types)
