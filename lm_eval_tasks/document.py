"""A document: the text that a model classifies, with its words and what people said about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from faithfulness_metrics.units import units_of
from faithfulness_metrics.words import Fields, Word, document_hash, words_of


@dataclass(frozen=True)
class Document:
    """A text to classify.

    Attributes:
        fields: the text, field -> text.
        gold: its label in the dataset. Only accuracy and the `madsen` rule use it.
        labels: its own labels where they differ from document to document (multiple choice); else empty.
        rationale: positions of the words that people marked; None where nobody did. Only plausibility uses it.
        unit: what explanations name: ``word`` or ``sentence``.
        language: of the text, an ISO code.
    """

    fields: Fields
    gold: str | None = None
    labels: tuple[str, ...] = ()
    rationale: tuple[int, ...] | None = None
    unit: str = "word"
    language: str = "en"

    @cached_property
    def words(self) -> list[Word]:
        """Its words, first field first."""
        return words_of(self.fields)

    @cached_property
    def units(self) -> list[Word]:
        """What explanations name: its words or its sentences, first field first."""
        return units_of(self.fields, self.unit, self.language)

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
        """16 hex digits of its text."""
        return document_hash(self.fields)

    def with_fields(self, fields: Fields) -> Document:
        """The same question asked about another text: a perturbed or edited version."""
        return replace(self, fields=fields, rationale=None)
