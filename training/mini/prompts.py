"""Every sentence the mini model can be asked with, made by the objects the evaluation asks with.

Nothing is copied: questions come from the datasets' YAML, requests from the styles. A sentence that changes there
changes here, in the tokenizer (one token per sentence), in the training conversations, and in the cache key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import product

from lm_eval_tasks.classification import Question
from lm_eval_tasks.data import DatasetSpec, dataset_spec
from lm_eval_tasks.styles import BUDGETS, STYLES
from lm_eval_tasks.styles.explanation import Request

# Folder names of the shipped data, and the dataset folder that holds each one's question.
DATASETS = {"sentiment140": "sentiment140", "ag_news": "agnews", "snli": "snli", "trec": "trec", "sms_spam": "sms_spam"}
MASKS = ("[REDACTED]", "[MASK]", "___")


@lru_cache(maxsize=16)
def spec_of(task: str) -> DatasetSpec:
    """The declaration of a dataset, by the name of its data folder."""
    return dataset_spec(DATASETS[task])


def question_of(task: str) -> Question:
    """The question of a dataset, by the name of its data folder."""
    return spec_of(task).question


def requests_of(question: Question) -> Iterator[tuple[str, Request]]:
    """Every (style, request) the options of a task can lead to."""
    # The order of the requests is that of the tokens' ids: another order trains another model.
    styles = list(reversed(STYLES))
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
    found: dict[str, None] = {}
    for task in DATASETS:
        question = question_of(task)
        blank = dict.fromkeys(question.fields, "")
        prompts = [question.classify(blank, mask, unknown) for mask in (None, *MASKS) for unknown in (False, True)]
        asked = [STYLES[style].ask(request) for style, request in requests_of(question)]
        prompts += asked
        prompts += [question.explain_fresh(blank, label, asked[0]) for label in question.labels]
        for prompt in prompts:
            for sentence in re.split(r"(?<=[.?])\s+|\n+", prompt):
                # Titles ("Tweet:") are words of the text block, not sentences.
                if " " in sentence.strip():
                    found[sentence.strip()] = None
    return list(found)
