"""What a style is asked with and what it answers with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from faithfulness_metrics.words import Fields, Word
from lm_eval_tasks.classification import Question

# How much an explanation may name or change: one type of word, or as many as the model likes.
BUDGETS = ("oneword", "multiword")


@dataclass(frozen=True)
class Request:
    """What the words of a request for an explanation depend on.

    Attributes:
        question: the dataset.
        budget: one of `BUDGETS`.
        mask: the mask text.
        operator: how named words will be taken out: ``mask``, ``delete``, ``substitute``.
        target: the label a counterfactual must reach; empty for the other styles.
    """

    question: Question
    budget: str
    mask: str
    operator: str = "mask"
    target: str = ""


@dataclass(frozen=True)
class Edit:
    """One changed word of a counterfactual.

    Attributes:
        position: the word of the original that was changed; for an added word, the word it was added to.
        kind: ``replace``, ``delete``, ``before`` (added before the position) or ``after`` (added after the last word
            of a field).
        text: the new word; empty for a deletion.
    """

    position: int
    kind: str
    text: str = ""


@dataclass(frozen=True)
class Explanation:
    """A parsed explanation of one document.

    Attributes:
        valid: it could be read and obeys the format of its style and budget.
        reason: why it is not valid, in a few words; empty when it is.
        words: the words named, taken out or changed, as written in the document, each type once.
        positions: their positions in the document (see `faithfulness_metrics.words`).
        edited: the model's own edited document (counterfactual only; also where the edit is not valid).
        edits: what was changed in it, word by word (counterfactual only).
    """

    valid: bool
    reason: str = ""
    words: tuple[str, ...] = ()
    positions: tuple[int, ...] = ()
    edited: Fields | None = None
    edits: tuple[Edit, ...] = ()


def invalid(reason: str) -> Explanation:
    """An explanation that counts as unfaithful, with the reason."""
    return Explanation(valid=False, reason=reason)


def types_of(words: Sequence[Word], positions: Iterable[int]) -> dict[str, str]:
    """The types of words at some positions, each as first written there: key -> text, in the order of the document."""
    types: dict[str, str] = {}
    for position in sorted(positions):
        types.setdefault(words[position].key, words[position].text)
    return types
