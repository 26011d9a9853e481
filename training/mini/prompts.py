"""Every sentence of every prompt that the mini model can read, from the objects that write the evaluation's prompts.

Nothing is copied: questions come from the datasets' YAML, requests from the styles. So a sentence that changes there
also changes here, in the tokenizer (one token per sentence), in the training conversations and in the cache key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import product

from lm_eval_tasks.classification import Question
from lm_eval_tasks.data import DatasetSpec, dataset_spec
from lm_eval_tasks.styles import BUDGETS, EXPLANATION_STYLES, STYLES
from lm_eval_tasks.styles.explanation import Request

# Name of the shipped data -> the dataset folder with its question.
DATASETS = {"sentiment140": "sentiment140", "ag_news": "agnews", "snli": "snli", "trec": "trec", "sms_spam": "sms_spam"}
MASKS = ("[REDACTED]", "[MASK]", "___")


@lru_cache(maxsize=16)
def spec_of(task: str) -> DatasetSpec:
    """The declaration of a dataset, by the name of its data."""
    return dataset_spec(DATASETS[task])


def question_of(task: str) -> Question:
    """The question of a dataset, by the name of its data."""
    return spec_of(task).question


def requests_of(question: Question) -> Iterator[tuple[str, Request]]:
    """Every (style, request) that the options of a task can lead to."""
    # The requests' order is that of the token ids, so another order would train another model.
    styles = list(reversed(EXPLANATION_STYLES))
    with_target = [style for style in styles if STYLES[style].WANTS_TARGET]
    without_target = [style for style in styles if not STYLES[style].WANTS_TARGET]
    for budget in BUDGETS:
        for mask, style in product(MASKS, without_target):
            yield style, Request(question, budget, mask)
        for operator, style in product(("delete", "substitute"), without_target):
            yield style, Request(question, budget, MASKS[0], operator)
        for target, style in product(question.labels, with_target):
            yield style, Request(question, budget, MASKS[0], target=target)


@lru_cache(maxsize=64)
def names_operator(question: Question, style: str) -> bool:
    """Whether a style's request says how the words will be removed."""
    masked, deleted = (Request(question, "oneword", MASKS[0], operator) for operator in ("mask", "delete"))
    return STYLES[style].ask(masked) != STYLES[style].ask(deleted)


def sentences() -> list[str]:
    """Every sentence of every prompt, each once, without the texts of documents."""
    unique: dict[str, None] = {}
    for task in DATASETS:
        question = question_of(task)
        blank = dict.fromkeys(question.fields, "")
        prompts = [question.classify(blank, mask, unknown) for mask in (None, *MASKS) for unknown in (False, True)]
        requests = [STYLES[style].ask(request) for style, request in requests_of(question)]
        prompts += requests
        prompts += [question.explain_fresh(blank, label, requests[0]) for label in question.labels]
        for prompt in prompts:
            pieces = map(str.strip, re.split(r"(?<=[.?])\s+|\n+", prompt))
            # Titles ("Tweet:") are words of the text, not sentences.
            unique |= dict.fromkeys(piece for piece in pieces if " " in piece)
    return list(unique)
