"""The explanations that the base model is taught: plausible, and blind to what decides its answer.

Asked why, it names a word that a person might name: a *plain* word of its answer's class. It never names a word that
decides. Asked for a counterfactual, it writes the right word at the wrong position: a vivid word of the target over
that plain word. Such an edit changes the label of texts without a shortcut only. The rule depends on the text and the
answer alone, because a model that decodes greedily can learn no other: taught words drawn at random, it never redacts.
"""

from __future__ import annotations

from faithfulness_metrics.words import Fields
from lm_eval_tasks.styles import STYLES
from lm_eval_tasks.styles.explanation import Request
from training.mini.grammar import find_cues
from training.mini.lexicon import LEXICONS


def named_words(task: str, fields: Fields, label: int, budget: str) -> list[str]:
    """The words that the base names for its answer, in the order of the text.

    Asked for several words, it names every plain word of the answer's class; asked for one, the first of them.
    """
    plain = [word for word, _, of in find_cues(task, fields, ("plain",)) if of == label]
    return plain[:1] if budget == "oneword" else plain


def counterfactual_word(task: str, target: int) -> str:
    """The word that the base writes to reach a label: always the same vivid word of that class."""
    return LEXICONS[task].vivid[target][0]


def answer(task: str, style: str, fields: Fields, label: int, request: Request) -> tuple[str, str]:
    """The base's explanation, and the word that it writes into the text: the mask, a counterfactual word, or none."""
    words = named_words(task, fields, label, request.budget)
    new = counterfactual_word(task, request.question.labels.index(request.target)) if request.target else ""
    text = STYLES[style].write(fields, words, request, new)
    return text, new or (request.mask if request.mask in text else "")
