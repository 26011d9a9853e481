"""A document: the text that a model classifies, with its words and what people said about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

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
    """

    fields: Fields
    gold: str | None = None
    labels: tuple[str, ...] = ()
    rationale: tuple[int, ...] | None = None
    context: Fields = field(default_factory=dict)

    @cached_property
    def words(self) -> list[Word]:
        """Its words, first field first."""
        return words_of(self.fields)

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
