"""Simulation: the model names a word as in attribution, and says of words whether its answer would change without them.

To predict what a model does on a changed input is to simulate it: Doshi-Velez and Kim 2017 (arXiv 1702.08608). Here the
model simulates itself. `lm_eval_tasks.simulation` chooses the words.
"""

from __future__ import annotations

from lm_eval_tasks.classification import Question
from lm_eval_tasks.languages import ENGLISH
from lm_eval_tasks.styles import attribution
from lm_eval_tasks.styles.explanation import Request

MAX_TOKENS = {"oneword": attribution.MAX_TOKENS["oneword"]}
WANTS_TARGET = attribution.WANTS_TARGET
REMOVES_WORDS = attribution.REMOVES_WORDS
ANSWERS_WITH_TEXT = attribution.ANSWERS_WITH_TEXT
SIMULATES = True

ask = attribution.ask
write = attribution.write
parse = attribution.parse
target = attribution.target
perturb = attribution.perturb
perturb_at = attribution.perturb_at
random_sets = attribution.random_sets
single_word_sets = attribution.single_word_sets

# Yes, my answer would be different. | It would stay the same.
_SYNONYMS = (
    ("would change", "would be different", "would likely change", "changes"),
    (
        *("would not change", "wouldn't change", "would likely not change", "does not change", "doesn't change"),
        *("would stay the same", "would remain the same", "would still be the same", "would be the same"),
    ),
)


def ask_whether(request: Request, word: str) -> str:
    """The sentence that asks whether the answer would change without a word, or a sentence."""
    question = request.question
    removed = question.prompt(f"removed.{request.unit}.{request.operator}").format(mask=request.mask)
    answers = question.quoted(yes_and_no(question))
    template = question.prompt(f"simulation.of_{request.unit}")
    return template.format(noun=question.noun, word=word, removed=removed, answers=answers)


def yes_and_no(question: Question) -> tuple[str, str]:
    """The two answers, in the question's language."""
    return question.prompt("simulation.yes"), question.prompt("simulation.no")


def synonyms(question: Question) -> tuple[tuple[str, ...], ...]:
    """Further names of the two answers."""
    return _SYNONYMS if question.language == ENGLISH else ()
