"""The classification of a document: its question and its prompt. Answers are read by `lm_eval_tasks.label_reading`.

Every sentence that a model reads is written once: the dataset's question in its YAML, all others in the file of its
language (`lm_eval_tasks/languages/`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from faithful_se.errors import UsageError
from faithfulness_metrics.counterfactual import label_leak
from faithfulness_metrics.edited_words import edited_keys
from faithfulness_metrics.flips import UNKNOWN
from faithfulness_metrics.units import WORD_UNIT
from faithfulness_metrics.words import Fields, words_of
from lm_eval_tasks.choices import LETTERS, WORD_LETTERS, adds_word_letter, names_of_choices, without_letter
from lm_eval_tasks.document import Document
from lm_eval_tasks.label_reading import parse_label
from lm_eval_tasks.languages import ENGLISH, answers_of, any_phrase, prompts_of, wordings_of

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
    words_of: str = ""  # of multiple choice, whose words count: a key of `options.CHOICES`; "" for other questions
    answer_with: str = (
        "letter"  # of multiple choice: the labels are its letters, or the texts of the choices (``text``)
    )
    # of a question about one document with choices: (field, title) of all that is shown, counted or not
    layout: tuple[tuple[str, str], ...] = ()
    letters: tuple[str, ...] = ()  # those of its choices, which are names of fields too

    def prompt(self, key: str, template: int = 1) -> str:
        """The template of a sentence, by its key in `lm_eval_tasks/languages/en.yaml`, in one of its wordings."""
        if template > 1:
            return wordings_of(self.language)[key][template - 2]
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
        columns = self.layout or zip(self.fields, self.titles, strict=True)
        return "\n".join(self.line(title, fields[name]) for name, title in columns)

    @property
    def prompt_fields(self) -> tuple[str, ...]:
        """The fields of all that is shown, in the order of the prompt."""
        return tuple(name for name, _ in self.layout) or self.fields

    def document_of(self, texts: Fields) -> Document:
        """The document that shows these texts, one for each of `prompt_fields`."""
        context = {name: text for name, text in texts.items() if name not in self.fields}
        labels = tuple(texts[letter] for letter in self.letters) if self.answer_with == "text" else self.letters
        return Document({name: texts[name] for name in self.fields}, labels=labels, context=context)

    def line(self, title: str, text: str = "{text}") -> str:
        """The line of a field; by default with ``{text}`` where its text stands."""
        key = "choice" if title in self.letters else "title"
        return self.prompt(key).format(title=title, text=text)

    def as_answer(self, fields: Fields) -> str:
        """A document as the answer to a request for an edited one: `show`, without the title of a single field."""
        return replace(self, layout=()).show(fields) if len(self.fields) > 1 else fields[self.fields[0]]

    def format_hint(self) -> str:
        """For datasets of several fields: the sentence that says how to write a whole document as an answer."""
        if len(self.fields) == 1:
            return ""
        line, separator = self.prompt("format_hint.title"), self.prompt("format_hint.separator")
        titles = [
            line.format(title=title, lower_title=title.lower()) for title in self.titles if title not in self.letters
        ]
        choices = [self.prompt("format_hint.choices")] if set(self.letters) & set(self.titles) else []
        return self.prompt("format_hint").format(titles=separator.join([*titles, *choices]))

    def classify(self, fields: Fields, mask: str | None, unknown: bool, unit: str = WORD_UNIT) -> str:
        """The classification prompt, the user's turn.

        `mask` is announced, and that it stands for a `unit`; None where the run never shows one.
        """
        note = self.prompt(f"mask_note.{unit}").format(noun=self.noun, mask=mask) if mask else ""
        return self.prompt("classify").format(
            question=self.question,
            mask_note=note,
            labels=self.offered(unknown),
            text=self.show(fields),
        )

    def classify_nothing(self, mask: str | None, unknown: bool, unit: str = WORD_UNIT) -> str:
        """The classification prompt without a text: what it alone makes a model answer (`prior=domain`)."""
        nothing = dict.fromkeys((*self.fields, *dict(self.layout)), "")
        return self.classify(nothing, mask, unknown, unit).removesuffix(self.show(nothing)).rstrip()

    def explain_fresh(self, fields: Fields, label: str, request: str) -> str:
        """The prompt that asks for an explanation of the answer `label` in a conversation of its own."""
        return self.prompt("fresh").format(text=self.show(fields), noun=self.noun, label=label, request=request)

    def with_labels(self, labels: Sequence[str]) -> Question:
        """The question with other labels, or with its own in another order. A label keeps its synonyms."""
        names = dict(zip(self.labels, self.synonyms, strict=False))
        synonyms = tuple(names.get(label, ()) for label in labels)
        return replace(self, labels=tuple(labels), synonyms=synonyms if any(synonyms) else ())

    def about(self, document: Document) -> Question:
        """The question about one document: with its own labels, and its choices, where it has some."""
        if not document.labels:
            return self
        texts, letters = document.prompt_fields, LETTERS[: len(document.labels)]
        if not self.words_of or not texts.keys() >= set(letters):
            return self.with_labels(document.labels)
        question = self.with_choices(len(letters))
        names = names_of_choices([texts[letter] for letter in letters], letters)
        if self.answer_with == "text":
            names = tuple((letter, *of_text) for letter, of_text in zip(letters, names, strict=True))
        labels = [texts[letter] for letter in letters] if self.answer_with == "text" else letters
        by_label = dict(zip(labels, names, strict=True))
        synonyms = tuple(by_label.get(label, ()) for label in document.labels)
        return replace(question, labels=document.labels, synonyms=synonyms)

    def with_choices(self, count: int) -> Question:
        """A question of multiple choice about documents with so many choices, without their texts."""
        letters = LETTERS[:count]
        if letters == self.letters:
            return self
        of_question = tuple(zip(self.fields, self.titles, strict=True))
        of_choices = tuple((letter, letter) for letter in letters)
        counted = {"question": of_question, "choices": of_choices, "both": of_question + of_choices}[self.words_of]
        fields, titles = zip(*counted, strict=True)
        noun = self.prompt(f"choices.noun.{self.words_of}").format(noun=self.noun)
        return replace(
            self,
            noun=noun,
            fields=fields,
            titles=titles,
            labels=letters,
            layout=of_question + of_choices,
            letters=letters,
        )

    def pastes_label(self, original: Fields, edited: Fields) -> bool:
        """Whether an edit adds a label, or a word of a choice. `faithfulness_metrics.counterfactual.label_leak`."""
        names = [without_letter(name) for names in self.synonyms for name in names] if self.letters else []
        labels = [name for name in (*self.labels, *names) if name not in self.letters or name not in WORD_LETTERS]
        before = [word.key for word in words_of(original)]
        after = [key for keys in edited_keys(edited, original).values() for key in keys]
        return bool(label_leak(before, after, (*labels, UNKNOWN))) or adds_word_letter(original, edited, self.letters)

    def offered(self, unknown: bool) -> str:
        """The labels a model may answer with, as alternatives in a prompt."""
        labels = self.choices(unknown)
        if not self.letters or self.answer_with == "letter":
            return self.quoted(labels)
        others = [self.prompt("label").format(label=label) for label in labels[len(self.labels) :]]
        return self._joined([self.prompt("choices.text"), *others])

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
        return self._joined([self.prompt("label").format(label=label) for label in labels])

    def _joined(self, alternatives: Sequence[str]) -> str:
        *earlier, last = alternatives
        others = self.prompt("label.separator").join(earlier)
        return others + self.prompt("label.last_separator") + last if others else last
