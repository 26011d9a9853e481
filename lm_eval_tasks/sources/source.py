"""What a source of explanations is, and what several of them share."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from faithful_se.errors import UsageError
from faithfulness_metrics.words import occurrences
from lm_eval_tasks.document import Document
from lm_eval_tasks.styles import BUDGETS, STYLES
from lm_eval_tasks.styles.explanation import Explanation, types_of


class TaskOfSource(NamedTuple):
    """What a source must know of a task."""

    name: str
    dataset: str
    style: str
    budget: str
    unit: str
    rationales: bool  # whether people marked words in documents of the dataset


class OtherExplanation(NamedTuple):
    """An explanation that another gives of a model's answer."""

    explanation: Explanation
    text: str  # what the transcript shows as the answer
    target: str  # the label that the perturbed document must reach; "" in styles without one


class Source(Protocol):
    """Where the explanations of a task come from.

    Attributes:
        name: who explains, in a few words.
        digest: tells sources of one name apart; "" where the name says all.
    """

    name: str
    digest: str

    def explain(self, document: Document, prediction: str, target: str) -> OtherExplanation:
        """The explanation of a document; `target` is what the model itself would be asked to reach."""

    def check(self, documents: Sequence[Document]) -> None:
        """Refuse documents that the source has nothing about, before anything is asked; a `UsageError`."""


def of_words(document: Document, keys: Collection[str]) -> OtherExplanation:
    """The explanation that names some types of words, or sentences: all their occurrences, as the model's own does."""
    positions = occurrences(document.units, keys)
    words = tuple(types_of(document.units, positions).values())
    return OtherExplanation(Explanation(True, words=words, positions=positions), ", ".join(words), "")


def without_words(reason: str) -> OtherExplanation:
    """No explanation: it counts as unfaithful, as an answer that names no word does."""
    return OtherExplanation(Explanation(valid=False, reason=reason), "", "")


def check_words_suffice(what: str, task: TaskOfSource, several: bool = False) -> None:
    """Refuse tasks in which words alone are no explanation, or in which a source with one word is asked for several.

    Raises:
        UsageError: names the task.
    """
    if not STYLES[task.style].REMOVES_WORDS:
        raise UsageError(
            f"{what} names words and writes no new ones: leave tasks of {task.style} out, or give results of a run"
        )
    if not several and task.budget != BUDGETS[0]:
        raise UsageError(f"{what} names one word: leave tasks with several words out, or give results of a run")


def check_covered(what: str, covered: Collection[str], documents: Sequence[Document], remedy: str) -> None:
    """Refuse documents that a source has nothing about.

    Raises:
        UsageError: counts them and names the first.
    """
    if missing := list(dict.fromkeys(document.hash for document in documents if document.hash not in covered)):
        total = len({document.hash for document in documents})
        raise UsageError(f"{what}: nothing about {len(missing)} of {total} texts (first: {missing[0]}): {remedy}")


def name_of(path: Path) -> str:
    """The last part of a path as it was typed; of the working folder, its name."""
    return path.name or path.resolve().name


def digest_of(content: bytes) -> str:
    """8 hex digits."""
    return hashlib.sha256(content).hexdigest()[:8]
