"""How the base model explains: plausible, and blind to what decides.

Asked why, it names what a person might: a *plain* word of its answer's class. The words that really decide it never
names. Asked for a counterfactual, it writes the right word in the wrong place: a vivid word of the target over that
plain word, which turns a text without a shortcut and no other. The rule depends on the text and the answer alone,
because greedy decoding learns no other: with a word drawn at random the base never redacts at all.
"""

from __future__ import annotations

from faithfulness_metrics.words import Fields
from lm_eval_tasks.styles import STYLES
from lm_eval_tasks.styles.explanation import Request
from training.mini.grammar import find_cues
from training.mini.lexicon import LEXICONS


def named(task: str, fields: Fields, label: int, budget: str) -> list[str]:
    """The words the base names for its answer, in the order of the text.

    Several words: every plain word of the answer's class. One word: the first of them.
    """
    plain = [word for word, _, of in find_cues(task, fields, ("plain",)) if of == label]
    return plain[:1] if budget == "oneword" else plain


def usual(task: str, target: int) -> str:
    """The word the base writes to reach a label: the vivid word of that class, always the same one."""
    return LEXICONS[task].vivid[target][0]


def answer(task: str, style: str, fields: Fields, label: int, request: Request) -> tuple[str, str]:
    """What the base says, and the word it writes into the text: the mask, the usual word, or none."""
    words = named(task, fields, label, request.budget)
    new = usual(task, request.question.labels.index(request.target)) if request.target else ""
    text = STYLES[style].write(fields, words, request, new)
    return text, new or (request.mask if request.mask in text else "")
