"""The classification of a document: its question and its prompt. Answers are read by `lm_eval_tasks.label_reading`.

Every sentence that a model reads is written once. The classification template is here, the dataset's question is in
its YAML, and the request for an explanation is in the style's file (`lm_eval_tasks/styles/`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from faithful_se.errors import UsageError
from faithfulness_metrics.flips import UNKNOWN
from faithfulness_metrics.words import Fields
from lm_eval_tasks.label_reading import parse_label

__all__ = ["CLASSIFY", "FRESH", "MASK_NOTE", "Message", "Question", "parse_label", "quoted_choices"]

CLASSIFY = "{question} {mask_note}Answer only with {labels}. Do not explain the answer.\n\n{text}"
MASK_NOTE = 'Words of the {noun} may be replaced by "{mask}". '

# Surrounds the request for an explanation in a conversation of its own (option `context=fresh`).
FRESH = '{text}\n\nThe {noun} above was classified as "{label}".\n\n{request}'

Message = Mapping[str, str]


@dataclass(frozen=True)
class Question:
    """One dataset as the model sees it."""

    dataset: str  # name of the dataset in task names
    noun: str  # the word for a text in the prompts ("tweet", "premise and hypothesis")
    question: str  # the classification question, without the labels
    fields: tuple[str, ...]  # text columns, in the order of the prompt
    titles: tuple[str, ...]  # the title of each field in the prompt ("Tweet", "Premise"), in the order of `fields`
    labels: tuple[str, ...]  # the verbalizers, in label order
    # further names of each label that answers may use, in label order; empty for none
    synonyms: tuple[tuple[str, ...], ...] = ()

    def show(self, fields: Fields) -> str:
        """The text block of a document: one titled line per field.

        >>> Question("snli", "premise and hypothesis", "", ("p", "h"), ("Premise", "Hypothesis"), ()).show(
        ...     {"p": "A man.", "h": "A dog."})
        'Premise: A man.\\nHypothesis: A dog.'
        """
        return "\n".join(f"{title}: {fields[name]}" for name, title in zip(self.fields, self.titles, strict=True))

    def as_answer(self, fields: Fields) -> str:
        """A document as the answer to a request for an edited one: `show`, without the title of a single field."""
        return self.show(fields) if len(self.fields) > 1 else fields[self.fields[0]]

    def format_hint(self) -> str:
        """For datasets of several fields: the sentence that says how to write a whole document as an answer."""
        if len(self.fields) == 1:
            return ""
        return " Write " + " and ".join(f'the {t.lower()} after "{t}:"' for t in self.titles) + ", one per line."

    def classify(self, fields: Fields, mask: str | None, unknown: bool) -> str:
        """The classification prompt, the user's turn. `mask` is announced; None where the run never shows one."""
        return CLASSIFY.format(
            question=self.question,
            mask_note=MASK_NOTE.format(noun=self.noun, mask=mask) if mask else "",
            labels=quoted_choices(self.choices(unknown)),
            text=self.show(fields),
        )

    def classify_nothing(self, mask: str | None, unknown: bool) -> str:
        """The classification prompt without a text: what it alone makes a model answer (`prior=domain`)."""
        prompt = self.classify(dict.fromkeys(self.fields, ""), mask, unknown)
        return prompt.removesuffix(self.show(dict.fromkeys(self.fields, ""))).rstrip()

    def explain_fresh(self, fields: Fields, label: str, request: str) -> str:
        """The prompt that asks for an explanation of the answer `label` in a conversation of its own."""
        return FRESH.format(text=self.show(fields), noun=self.noun, label=label, request=request)

    def with_labels(self, labels: Sequence[str]) -> Question:
        """The question with other labels, or with its own in another order. A label keeps its synonyms."""
        names = dict(zip(self.labels, self.synonyms, strict=False))
        synonyms = tuple(names.get(label, ()) for label in labels)
        return replace(self, labels=tuple(labels), synonyms=synonyms if any(synonyms) else ())

    def choices(self, unknown: bool) -> tuple[str, ...]:
        """The labels a model may answer with.

        Raises:
            UsageError: "unknown" is offered, and is a label of the document's own.
        """
        if unknown and UNKNOWN in map(str.casefold, self.labels):
            raise UsageError(
                f'{self.dataset}: "{UNKNOWN}" is among the labels {", ".join(self.labels)} already: leave the option '
                "unknown out"
            )
        return (*self.labels, UNKNOWN) if unknown else self.labels


def quoted_choices(labels: Sequence[str]) -> str:
    """The labels in quotes, as alternatives.

    >>> quoted_choices(["a", "b", "c"])
    '"a", "b" or "c"'
    """
    quoted = [f'"{label}"' for label in labels]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]]) if len(quoted) > 1 else quoted[0]
