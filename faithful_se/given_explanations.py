"""Explanations that are there already, judged on a model in place of its own: `evaluate(…, explanations=…)`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from faithful_se.errors import UsageError
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import DIRECT
from lm_eval_tasks.sources import TaskOfSource, open_source
from lm_eval_tasks.sources.source import OtherExplanation, Source
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES

# Where explanations are: see `evaluate`.
Explanations = str | Path | Sequence[str]


class GivenSource:
    """One explanation of each text, as a model would write it.

    Args:
        spec: what the explanations are of.
        texts: hash of a text -> its explanation.
    """

    name, digest = "given", ""

    def __init__(self, spec: TaskSpec, texts: dict[str, str]) -> None:
        self.spec, self.texts = spec, texts

    def explain(self, document: Document, prediction: str, target: str) -> OtherExplanation:
        """The explanation, read as the model's own."""
        text = self.texts[document.hash]
        request = self.spec.request(document, target)
        return OtherExplanation(STYLES[self.spec.style].parse(text, document.fields, request), text, target)

    def check(self, documents: Sequence[Document]) -> None:
        """Every text has an explanation: `with_explanations` has seen to it."""


def with_explanations(
    caller: str, spec: TaskSpec, documents: Sequence[Document], explanations: Explanations | None
) -> TaskSpec:
    """The task with explanations of another; as it is without any.

    Raises:
        UsageError: they do not fit the texts or the task, or the model is asked to reason.
    """
    if explanations is None:
        return spec
    if spec.options.elicit != DIRECT:
        raise UsageError(f"{caller}: elicit={spec.options.elicit!r} asks the model to reason: leave explanations out")
    if isinstance(explanations, str | Path):
        source = _at(caller, spec, documents, explanations)
    else:
        source = GivenSource(spec, _by_hash(caller, documents, explanations))
    return replace(spec, source=source, options=replace(spec.options, explanations=source.name)) if source else spec


def _at(caller: str, spec: TaskSpec, documents: Sequence[Document], path: str | Path) -> Source | None:
    """What a path leads to, or people's words; None for the model itself."""
    dataset, style, budget = spec.question.dataset, spec.style, spec.budget
    name = f"faithful_se_{dataset}_{style}_{budget}"
    try:
        source = open_source(str(path), TaskOfSource(name, dataset, style, budget, spec.options.unit, spec.rationales))
        if source:
            source.check([spec.in_units(document) for document in documents])
    except UsageError as error:
        raise UsageError(f"{caller}: {error}") from error
    return source


def _by_hash(caller: str, documents: Sequence[Document], explanations: Sequence[str]) -> dict[str, str]:
    if len(explanations) != len(documents) or not all(isinstance(text, str) for text in explanations):
        raise UsageError(
            f"{caller}: explanations=…: give a string for each of the {len(documents)} texts, a path, or 'rationales'"
        )
    texts: dict[str, str] = {}
    for number, (document, text) in enumerate(zip(documents, explanations, strict=True)):
        if texts.setdefault(document.hash, text) != text:
            raise UsageError(f"{caller}: text {number} stands twice with two explanations: take judge_batch for them")
    return texts
