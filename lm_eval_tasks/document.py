"""A document: the text that a model classifies, with its words and what people said about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

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
    """

    fields: Fields
    gold: str | None = None
    labels: tuple[str, ...] = ()
    rationale: tuple[int, ...] | None = None
    unit: str = "word"
    language: str = "en"
    context: Fields = field(default_factory=dict)

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
        """16 hex digits of its text, choices included."""
        return document_hash(self.shown)

    @property
    def shown(self) -> Fields:
        """All that the prompt shows of it: its text and its context, the question before the choices."""
        if not self.context:
            return self.fields
        shown = {**self.context, **self.fields}
        return {name: shown[name] for name in sorted(shown, key=lambda name: name in LETTERS)}

    def with_fields(self, fields: Fields) -> Document:
        """The same question asked about another text: a perturbed or edited version."""
        return replace(self, fields=fields, rationale=None)
