"""What a style is: the names that a module in this folder must hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from faithfulness_metrics.words import Fields
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import Options
from lm_eval_tasks.styles.explanation import Explanation, Request


class Style(Protocol):
    """An explanation style. A module is one: its constants and functions have these names.

    Styles whose explanation is a set of words to remove take most of it from `lm_eval_tasks.styles.word_removal`.

    Attributes:
        MAX_TOKENS: budget -> most tokens of an answer: the explanation and what models write around it. The
            document's tokens come on top where the answer holds it. A style has the budgets that are named here.
        WANTS_TARGET: whether the request names a label that the perturbed document must reach.
        REMOVES_WORDS: whether the perturbed document is the document without the named words, rather than an edited
            one. Metrics of removed words (leave-one-out, share of masked words) and metrics of edits (edit distance,
            pasted labels) each make sense for one kind. The greedy oracle searches among removals only.
        ANSWERS_WITH_TEXT: whether the answer holds the whole document, rewritten.
        SIMULATES: whether the model is also asked of words whether its answer would change without them. Its
            explanation is then that of another style, so that boards leave it out of means over tasks.
    """

    MAX_TOKENS: dict[str, int]
    WANTS_TARGET: bool
    REMOVES_WORDS: bool
    ANSWERS_WITH_TEXT: bool
    SIMULATES: bool

    def ask(self, request: Request) -> str:
        """The sentence that asks for the explanation."""

    def write(self, fields: Fields, words: Sequence[str], request: Request, new_word: str = "") -> str:
        """The answer of an explainer who names `words`. Styles that edit put `new_word` in their place."""

    def parse(self, answer: str, fields: Fields, request: Request) -> Explanation:
        """Read the explanation in an answer."""

    def target(self, document: Document, labels: Sequence[str], predicted: str) -> str:
        """The label that the perturbed document must reach, another than `predicted`; "" in styles without one."""

    def perturb(self, document: Document, explanation: Explanation, options: Options) -> dict[str, str]:
        """The document that a valid explanation leads to: x'."""

    def perturb_at(
        self, document: Document, explanation: Explanation, positions: Sequence[int], options: Options
    ) -> dict[str, str]:
        """The document perturbed at other positions, the way the explanation perturbs it."""

    def random_sets(self, document: Document, explanation: Explanation, options: Options) -> list[list[int]]:
        """Positions of the chance control, `options.draws` sets of them; empty where there is nothing to compare."""

    def single_word_sets(self, document: Document, explanation: Explanation) -> list[list[int]]:
        """Positions of the oracle: each set is what one word would perturb; empty where there is no such search."""
