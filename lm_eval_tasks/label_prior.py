"""The prior of each label, which `classifier=calibrated` subtracts: docs/protocol.md, "Calibrated labels and examples".

A small model can rank one label first whatever the text is. Its log-probabilities still move with the text. What the
label gets on average, or without any text, is subtracted.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Sequence
from dataclasses import replace
from itertools import islice

from faithful_se.errors import UsageError
from lm_eval_tasks.calls import Answer, Call, Classify
from lm_eval_tasks.dataset_spec import DatasetSpec
from lm_eval_tasks.document import Document
from lm_eval_tasks.other_split import draw_documents
from lm_eval_tasks.spec import TaskSpec

# Inputs without content (Zhao et al. 2021, arXiv 2102.09690, section 5): `prior=contextual` is their mean.
CONTENT_FREE = ("N/A", "", "[MASK]")

REMEDY = "take prior=contextual, which needs no texts"


def with_prior(spec: TaskSpec, document: Document) -> Generator[Sequence[Call], Sequence[Answer], TaskSpec]:
    """The task with the prior of a document's labels; unchanged where it has one, or needs none.

    All documents of a task ask the same questions here, unless they have labels of their own.

    Raises:
        UsageError: no text for the prior fits into the context, or a log-probability is not finite.
    """
    if not spec.calibrated or spec.prior:
        return spec
    calls = prior_calls(spec, document)
    answers = yield calls
    return replace(spec, prior=mean_logprobs(calls, answers))


def prior_calls(spec: TaskSpec, document: Document) -> tuple[Classify, ...]:
    """What a model is asked for the prior of the labels of a document; its text is in none of the questions."""
    if spec.options.prior == "texts":
        # Letters of the same number of choices: the others' prompts offer other labels.
        return tuple(call for call in spec.prior_calls if set(call.labels) == set(spec.labels_of(document)))
    if spec.options.prior == "domain":
        return (spec.classify_nothing(document),)
    return tuple(spec.classify(_without_content(spec, document, text)) for text in CONTENT_FREE)


def _without_content(spec: TaskSpec, document: Document, text: str) -> Document:
    """A document of one text without content in every field; of its choices too, where letters are the labels."""
    empty = document.with_fields(dict.fromkeys(document.fields, text))
    letters = spec.question.words_of and spec.question.answer_with == "letter"
    return replace(empty, context=dict.fromkeys(document.context, text)) if letters else empty


def mean_logprobs(calls: Sequence[Classify], answers: Sequence[Answer]) -> dict[str, float]:
    """Mean log-probability of each label, in nats, over the answers that there are.

    The mean is one of log-probabilities, not of probabilities: a constant on one label then cancels exactly.

    Raises:
        UsageError: there is no answer, or one that is not finite.
    """
    rankings = [answer.logprobs for answer in answers if answer.logprobs]
    if not rankings:
        problem = next((answer.problem for answer in answers if answer.problem), "there are no texts")
        raise UsageError(f"classifier=calibrated: no prior could be measured: {problem}: {REMEDY}, or fewer examples")
    prior = {label: math.fsum(row[label] for row in rankings) / len(rankings) for label in calls[0].labels}
    for label, value in prior.items():
        if not math.isfinite(value):
            raise UsageError(
                f"classifier=calibrated: the log-probability of {label!r} is {value}, not a finite number: "
                "take classifier=generate"
            )
    return prior


def prior_documents(dataset: DatasetSpec, data: str, count: int, without: Iterable[str] = ()) -> tuple[Document, ...]:
    """The texts of `prior=texts`: a seeded draw from another split than the evaluation's, the same in every run.

    Args:
        dataset: whose texts.
        data: ``hub``, ``mini`` or a folder.
        count: how many, at most.
        without: hashes of texts to leave out, besides those of the evaluation: the examples in the prompt.

    Raises:
        UsageError: texts with labels of their own, no other split, or no text in it that is not in the evaluation.
    """
    name = dataset.question.dataset
    if dataset.choices and dataset.question.answer_with == "text":
        raise UsageError(f"{name}: each text has labels of its own, so prior=texts has no mean: {REMEDY}")
    documents = tuple(islice(draw_documents(dataset, data, "prior", without, REMEDY), count))
    if not documents:
        raise UsageError(f"{name}: every text of the other split is in the evaluation too: {REMEDY}")
    return documents
