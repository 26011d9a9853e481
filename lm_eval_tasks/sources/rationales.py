"""`explanations=rationales`: the words that people marked, as the explanation of a model's answer."""

from __future__ import annotations

from collections.abc import Sequence

from faithful_se.errors import UsageError
from faithfulness_metrics.words import seed_of
from lm_eval_tasks.document import Document
from lm_eval_tasks.sources.source import OtherExplanation, TaskOfSource, check_words_suffice, of_words, without_words
from lm_eval_tasks.styles import BUDGETS


class RationalesSource:
    """Where several words are asked for, all that are marked; where one is, one of them, drawn by the text's hash."""

    name, digest = "people", ""

    def __init__(self, task: TaskOfSource) -> None:
        if not task.rationales:
            raise UsageError(
                f"explanations=rationales: people marked no words in {task.dataset}: give tasks of the tag "
                "faithful-se-rationales"
            )
        check_words_suffice("explanations=rationales", task, several=True)
        self.one_word = task.budget == BUDGETS[0]

    def explain(self, document: Document, prediction: str, target: str) -> OtherExplanation:
        """The marked words; not valid where nobody marked any."""
        if not document.marked:
            return without_words(f"nobody marked a {document.unit}")
        keys = list(dict.fromkeys(document.units[position].key for position in document.marked))
        if self.one_word:
            keys = [keys[seed_of(document.hash, "rationale") % len(keys)]]
        return of_words(document, keys)

    def check(self, documents: Sequence[Document]) -> None:
        """Every document may be without a rationale."""
