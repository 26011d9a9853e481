"""The classification of a document: its question and its prompt. Answers are read by `lm_eval_tasks.label_reading`.

Every sentence that a model reads is written once: the dataset's question in its YAML, all others in the file of its
language (`lm_eval_tasks/languages/`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from faithful_se.errors import UsageError
from faithfulness_metrics.flips import UNKNOWN
from faithfulness_metrics.words import Fields
from lm_eval_tasks.label_reading import parse_label
from lm_eval_tasks.languages import ENGLISH, answers_of, any_phrase, prompts_of

__all__ = ["Message", "Question", "parse_label"]

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
    language: str = ENGLISH  # of the prompts: a file of `lm_eval_tasks/languages/`
    prompts: tuple[tuple[str, str], ...] = ()  # (key, template) pairs of the dataset's own, instead of the language's
    answers: tuple[tuple[str, tuple[str, ...]], ...] = ()  # (key, phrases) of the dataset's own, beside the language's

    def prompt(self, key: str) -> str:
        """The template of a sentence, by its key in `lm_eval_tasks/languages/en.yaml`."""
        return dict(self.prompts).get(key) or prompts_of(self.language)[key]

    def pattern(self, key: str) -> re.Pattern[str]:
        """Matches any of `phrases(key)`."""
        return any_phrase(self.phrases(key))

    def phrases(self, key: str) -> tuple[str, ...]:
        """What answers in the question's language say, by a key of `lm_eval_tasks.languages.ANSWERS`."""
        return (*answers_of(self.language).get(key, ()), *dict(self.answers).get(key, ()))

    def show(self, fields: Fields) -> str:
        """The text block of a document: one titled line per field.

        >>> Question("snli", "premise and hypothesis", "", ("p", "h"), ("Premise", "Hypothesis"), ()).show(
        ...     {"p": "A man.", "h": "A dog."})
        'Premise: A man.\\nHypothesis: A dog.'
        """
        line, columns = self.prompt("title"), zip(self.titles, self.fields, strict=True)
        return "\n".join(line.format(title=title, text=fields[name]) for title, name in columns)

    def as_answer(self, fields: Fields) -> str:
        """A document as the answer to a request for an edited one: `show`, without the title of a single field."""
        return self.show(fields) if len(self.fields) > 1 else fields[self.fields[0]]

    def format_hint(self) -> str:
        """For datasets of several fields: the sentence that says how to write a whole document as an answer."""
        if len(self.fields) == 1:
            return ""
        line, separator = self.prompt("format_hint.title"), self.prompt("format_hint.separator")
        titles = separator.join(line.format(title=title, lower_title=title.lower()) for title in self.titles)
        return self.prompt("format_hint").format(titles=titles)

    def classify(self, fields: Fields, mask: str | None, unknown: bool) -> str:
        """The classification prompt, the user's turn. `mask` is announced; None where the run never shows one."""
        note = self.prompt("mask_note.word").format(noun=self.noun, mask=mask) if mask else ""
        return self.prompt("classify").format(
            question=self.question,
            mask_note=note,
            labels=self.quoted(self.choices(unknown)),
            text=self.show(fields),
        )

    def classify_nothing(self, mask: str | None, unknown: bool) -> str:
        """The classification prompt without a text: what it alone makes a model answer (`prior=domain`)."""
        prompt = self.classify(dict.fromkeys(self.fields, ""), mask, unknown)
        return prompt.removesuffix(self.show(dict.fromkeys(self.fields, ""))).rstrip()

    def explain_fresh(self, fields: Fields, label: str, request: str) -> str:
        """The prompt that asks for an explanation of the answer `label` in a conversation of its own."""
        return self.prompt("fresh").format(text=self.show(fields), noun=self.noun, label=label, request=request)

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

    def quoted(self, labels: Sequence[str]) -> str:
        """Labels as alternatives in a prompt.

        >>> Question("", "", "", (), (), ()).quoted(["a", "b", "c"])
        '"a", "b" or "c"'
        """
        *quoted, last = [self.prompt("label").format(label=label) for label in labels]
        others = self.prompt("label.separator").join(quoted)
        return others + self.prompt("label.last_separator") + last if others else last
