"""A document: the text that a model classifies, with its words and what people said about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from faithfulness_metrics.words import Fields, Word, document_hash, words_of


@dataclass(frozen=True)
class Document:
    """A text to classify.

    Attributes:
        fields: the text, field -> text.
        gold: its label in the dataset. Only accuracy and the `madsen` rule use it.
        labels: its own labels where they differ from document to document (multiple choice); else empty.
        rationale: positions of the words that people marked; None where nobody did. Only plausibility uses it.
    """

    fields: Fields
    gold: str | None = None
    labels: tuple[str, ...] = ()
    rationale: tuple[int, ...] | None = None

    @cached_property
    def words(self) -> list[Word]:
        """Its words, first field first."""
        return words_of(self.fields)

    @cached_property
    def hash(self) -> str:
        """16 hex digits of its text."""
        return document_hash(self.fields)

    def with_fields(self, fields: Fields) -> Document:
        """The same question asked about another text: a perturbed or edited version."""
        return replace(self, fields=fields, rationale=None)
