"""The request for an explanation, and the explanation after it was read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from faithfulness_metrics.units import WORD_UNIT, units_of
from faithfulness_metrics.words import Fields, Word
from lm_eval_tasks.classification import Question
from lm_eval_tasks.styles.edits import Edit

# How much an explanation may name or change: one type of word (or sentence), or any number of them.
BUDGETS = ("oneword", "multiword")


@dataclass(frozen=True)
class Request:
    """Everything that the wording of the request for an explanation depends on."""

    question: Question  # the dataset
    budget: str  # one of `BUDGETS`
    mask: str  # the mask text
    # how named words will be removed: one of `lm_eval_tasks.operators.OPERATORS`, or ``several``
    operator: str = "mask"
    target: str = ""  # the label that the perturbed document must reach; "" in styles without one
    unit: str = WORD_UNIT  # what is named or changed: ``word`` or ``sentence``
    template: int = 1  # the wording

    def prompt(self, style: str) -> str:
        """The template of the request in the question's language, for a shipped style."""
        return self.question.prompt(f"{style}.{self.unit}.{self.budget}", self.template)

    def units(self, fields: Fields) -> list[Word]:
        """What of a document can be named: its words or its sentences."""
        return units_of(fields, self.unit, self.question.language)


@dataclass(frozen=True)
class Explanation:
    """A parsed explanation of one document."""

    valid: bool  # whether it could be read and obeys the format of its style and budget
    reason: str = ""  # why it is not valid, in a few words; "" where it is
    words: tuple[str, ...] = ()  # the words named, removed or changed, as written in the document, each type once
    positions: tuple[int, ...] = ()  # their positions in the document (see `faithfulness_metrics.words`)
    # the model's own edited document, even where the edit is not valid; None in styles that remove words
    edited: Fields | None = None
    edits: tuple[Edit, ...] = ()  # its changes, word by word


def invalid(reason: str) -> Explanation:
    """An explanation that is not valid, for this reason."""
    return Explanation(valid=False, reason=reason)


def types_of(words: Sequence[Word], positions: Iterable[int]) -> dict[str, str]:
    """The types of words at some positions: key -> text as first written, in the order of the document."""
    types: dict[str, str] = {}
    for position in sorted(positions):
        types.setdefault(words[position].key, words[position].text)
    return types
