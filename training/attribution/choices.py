"""Attributes texts of multiple choice, whose prompts differ in their number of choices: one attributor for each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from faithful_se.errors import UsageError
from lm_eval_tasks.document import Document
from training.attribution.attributor import Attributor
from training.attribution.inputs import Source
from training.runs.artefacts import AttributionRow

# Prompts of this number of choices are what a digest of the prompt is made of, whatever texts were read.
USUAL = 4


class ChoicesAttributor:
    """An attributor of texts with choices of their own.

    Args:
        counts: the numbers of choices of the texts.
        arguments, keywords: see `Attributor`; the question of the task is the dataset's.
    """

    prior: Mapping[str, float] | None = None

    def __init__(self, counts: Sequence[int], model: Any, tokenizer: Any, spec: Any, *arguments: Any, **keywords: Any):
        if not spec.question.words_of:
            raise UsageError(f"{spec.question.dataset}: each text has labels of its own, and no letters")

        def of_count(count: int) -> Attributor:
            of_texts = replace(spec, question=spec.question.with_choices(count))
            return Attributor(model, tokenizer, of_texts, *arguments, **keywords)

        self._by_count = {count: of_count(count) for count in sorted({USUAL, *counts})}
        self.renderer, self.forward = self._by_count[USUAL].renderer, self._by_count[USUAL].forward
        self.options = self._by_count[USUAL].options

    def use_prior(self, prior: Mapping[str, float] | None = None) -> None:
        """None: letters are not calibrated."""

    def stream(
        self, documents: Sequence[Document], indices: Sequence[int] | None = None
    ) -> Iterator[tuple[int, AttributionRow]]:
        """(position in `documents`, row) as they are done. `Attributor.stream`."""
        numbers = range(len(documents)) if indices is None else indices
        positions_by_count: defaultdict[int, list[int]] = defaultdict(list)
        for position, document in enumerate(documents):
            positions_by_count[len(document.labels)].append(position)
        for count, positions in positions_by_count.items():
            texts = [documents[position] for position in positions]
            for place, row in self._by_count[count].stream(texts, [numbers[position] for position in positions]):
                yield positions[place], row


AnyAttributor = Attributor | ChoicesAttributor


def attributor_of(model: Any, tokenizer: Any, source: Source, *arguments: Any, **keywords: Any) -> AnyAttributor:
    """The attributor of a dataset's texts; see `Attributor`."""
    if source.spec.question.words_of:
        counts = [len(document.labels) for document in source.documents]
        return ChoicesAttributor(counts, model, tokenizer, source.spec, *arguments, **keywords)
    return Attributor(model, tokenizer, source.spec, *arguments, **keywords)
