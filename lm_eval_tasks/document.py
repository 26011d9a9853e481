"""A document: the text that a model classifies, with its words and what people said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from faithfulness_metrics.infill import OtherTexts
from faithfulness_metrics.units import units_of
from faithfulness_metrics.words import Fields, Word, document_hash, words_of
from lm_eval_tasks.choices import LETTERS


@dataclass(frozen=True)
class Document:
    """A text to classify.

    Attributes:
        fields: the text, field -> text.
        gold: its label in the dataset. Only accuracy and the `madsen` rule use it.
        labels: its own labels where they differ from document to document (multiple choice); else empty.
        context: what is shown beside the text and never changed, field -> text: of multiple choice, the question or the
            choices. Their words do not count.
        rationale: positions of the words that people marked; None where nobody did. Only plausibility uses it.
        unit: what explanations name: ``word`` or ``sentence``.
        language: of the text, an ISO code.
        others: texts that the operator `infill` takes words from; None where it is not used.
        proposals: key of a word -> the model's own word in its place (`infill_from=model`).
    """

    fields: Fields
    gold: str | None = None
    labels: tuple[str, ...] = ()
    rationale: tuple[int, ...] | None = None
    unit: str = "word"
    language: str = "en"
    context: Fields = field(default_factory=dict)
    others: OtherTexts | None = field(default=None, compare=False, repr=False)
    proposals: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def words(self) -> list[Word]:
        """Its words, first field first."""
        return words_of(self.fields)

    @cached_property
    def units(self) -> list[Word]:
        """What explanations name: its words or its sentences, first field first."""
        return units_of(self.fields, self.unit, self.language)

    @cached_property
    def compared(self) -> list[Word]:
        """Its units as the random control draws them: the choices are one field, because most have a single word."""
        letters = LETTERS[: len(self.labels)]
        return [replace(unit, field=letters[0]) if unit.field in letters else unit for unit in self.units]

    @cached_property
    def marked(self) -> tuple[int, ...] | None:
        """Positions of the units that hold a word that people marked; None where nobody marked any."""
        if self.rationale is None or self.unit == "word":
            return self.rationale
        words = [self.words[position] for position in self.rationale]
        return tuple(
            position
            for position, span in enumerate(self.units)
            if any(word.field == span.field and span.start <= word.start < span.end for word in words)
        )

    @cached_property
    def hash(self) -> str:
        """16 hex digits of its text, choices included."""
        return document_hash(self.prompt_fields)

    @property
    def prompt_fields(self) -> Fields:
        """All that the prompt shows of it: its text and its context, the question before the choices."""
        if not self.context:
            return self.fields
        texts = {**self.context, **self.fields}
        return {name: texts[name] for name in sorted(texts, key=lambda name: name in LETTERS)}

    def with_fields(self, fields: Fields) -> Document:
        """The same question asked about another text: a perturbed or edited version."""
        return replace(self, fields=fields, rationale=None)
