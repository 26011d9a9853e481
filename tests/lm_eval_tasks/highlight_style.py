"""A style that is not shipped, in one file: the model copies the text and highlights the words that keep its answer.

It removes words like attribution and wants a target like a counterfactual, which no shipped style combines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from faithfulness_metrics.words import Fields, key_of, occurrences, words_of
from lm_eval_tasks.document import Document
from lm_eval_tasks.styles import word_removal
from lm_eval_tasks.styles.explanation import Explanation, Request, invalid, types_of

REQUEST = (
    'Copy the {noun} above and write {amount} in "<<" and ">>" without which your answer would become "{target}". '
    "Answer only with the copy.{format_hint}"
)
AMOUNT = {"oneword": "the one word", "multiword": "the words"}

MAX_TOKENS = {"oneword": 32, "multiword": 32}
WANTS_TARGET = True
REMOVES_WORDS = True
ANSWERS_WITH_TEXT = True
SIMULATES = False

perturb = word_removal.perturb
perturb_at = word_removal.perturb_at
random_sets = word_removal.random_sets
single_word_sets = word_removal.single_word_sets


def ask(request: Request) -> str:
    question = request.question
    return REQUEST.format(
        noun=question.noun,
        amount=AMOUNT[request.budget],
        target=request.target,
        format_hint=question.format_hint(),
    )


def write(fields: Fields, words: Sequence[str], request: Request, new_word: str = "") -> str:
    spans = words_of(fields)
    copy = dict(fields)
    for position in reversed(occurrences(spans, {key_of(word) for word in words})):
        word = spans[position]
        copy[word.field] = f"{copy[word.field][: word.start]}<<{word.text}>>{copy[word.field][word.end :]}"
    return request.question.show(copy) if len(fields) > 1 else next(iter(copy.values()))


def parse(answer: str, fields: Fields, request: Request) -> Explanation:
    words = words_of(fields)
    keys = {key_of(word) for word in re.findall(r"<<(.+?)>>", answer)}
    positions = occurrences(words, keys)
    if not positions:
        return invalid("no word highlighted")
    return Explanation(True, words=tuple(types_of(words, positions).values()), positions=positions)


def target(document: Document, labels: Sequence[str], predicted: str) -> str:
    return next(label for label in labels if label != predicted)
