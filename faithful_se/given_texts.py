"""Texts besides those that are asked about: labelled examples, and texts that a prior of the labels is measured on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from faithful_se.documents import check_gold, documents_of
from faithful_se.errors import UsageError
from faithfulness_metrics.infill import OtherTexts
from lm_eval_tasks.classification import Question
from lm_eval_tasks.document import Document
from lm_eval_tasks.spec import TaskSpec


def read_examples(caller: str, question: Question, settings: Mapping[str, Any]) -> list[Document]:
    """The labelled examples of the settings; none by default."""
    pairs = list(settings.get("examples", ()))
    if not pairs:
        return []
    if not all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
        raise UsageError(f"{caller}: examples=…: give pairs of a text and its label")
    texts, labels = [text for text, _ in pairs], [label for _, label in pairs]
    documents = documents_of(f"{caller}: examples", texts, labels, settings)
    check_gold(f"{caller}: examples", documents, question.labels)
    return documents


def read_prior_documents(caller: str, spec: TaskSpec, settings: Mapping[str, Any]) -> tuple[Document, ...]:
    """The texts that the prior is measured on, where the settings ask for such a prior."""
    wanted = spec.calibrated and spec.options.prior == "texts"
    texts = settings.get("prior_texts", ())
    if not wanted and texts:
        raise UsageError(f"{caller}: prior_texts=… is for classifier='calibrated', prior='texts': leave it out")
    if not wanted:
        return ()
    if not texts:
        raise UsageError(
            f"{caller}: classifier='calibrated' measures a prior: give prior_texts=[…], like the texts and none of "
            "them, or prior='contextual'"
        )
    return tuple(documents_of(f"{caller}: prior_texts", texts, None, settings))


def read_infill_texts(caller: str, spec: TaskSpec, settings: Mapping[str, Any]) -> OtherTexts | None:
    """The texts that the operator `infill` takes words from, where the settings name it."""
    texts, is_used = settings.get("infill_texts", ()), "infill" in spec.options.operators
    if not is_used and texts:
        raise UsageError(f"{caller}: infill_texts=… is for operator='infill': leave it out")
    if is_used and not texts:
        raise UsageError(
            f"{caller}: operator={spec.options.operator!r} writes words of other texts: give infill_texts=[…], like "
            "the texts and none of them"
        )
    if not is_used:
        return None
    return OtherTexts.of(document.fields for document in documents_of(f"{caller}: infill_texts", texts, None, settings))


def without_asked(caller: str, spec: TaskSpec, documents: Sequence[Document]) -> TaskSpec:
    """The task with no text in its prior that is asked about.

    Raises:
        UsageError: an example is a text that is asked about.
    """
    hashes, plain = {document.hash for document in documents}, replace(spec, examples=())
    for number, document in enumerate(documents):
        if spec.examples and plain.classify(document).messages[-1] in spec.examples:
            raise UsageError(
                f"{caller}: text {number} is one of the examples, its label is in the prompt: leave it out"
            )
    kept = tuple(document for document in spec.prior_documents if document.hash not in hashes)
    return replace(spec, options=replace(spec.options, prior_texts=len(kept)), prior_documents=kept)
