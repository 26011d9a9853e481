"""What is asked of a model about one document, and what it answers. No lm-eval, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from faithfulness_metrics.words import Fields, Word, document_hash, words_of
from lm_eval_tasks.classification import Question
from lm_eval_tasks.options import Options
from lm_eval_tasks.styles import STYLES
from lm_eval_tasks.styles.explanation import FRESH, Request

Messages = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Classify:
    """Ask for a label.

    Attributes:
        messages: (role, content) pairs.
        labels: the admissible answers.
        ranked: rank the labels by log-likelihood instead of reading what is generated.
    """

    messages: Messages
    labels: tuple[str, ...]
    ranked: bool = False


@dataclass(frozen=True)
class Generate:
    """Ask for free text. `settings` are the generation settings as JSON, in the host's terms (``max_gen_toks``, …)."""

    messages: Messages
    settings: str = "{}"


Call = Classify | Generate


@dataclass(frozen=True)
class Answer:
    """What the model said to a call.

    Attributes:
        text: the text as generated; the label itself where labels were ranked.
        label: the parsed label of a classification; None when it could not be parsed.
        logprobs: log-probability of each label given the prompt, in nats, where labels were ranked.
        problem: why no answer could be had, in a few words (the prompt exceeds the context).
    """

    text: str
    label: str | None = None
    logprobs: Mapping[str, float] | None = None
    problem: str = ""


@dataclass(frozen=True)
class TaskSpec:
    """What is asked in one task: one dataset, one style, one budget, one set of options.

    `system` opens every conversation, where given; `generation` are the settings of explanations, as JSON;
    `rationales` says whether people marked words in documents of this dataset.
    """

    question: Question
    style: str
    budget: str
    options: Options = field(default_factory=Options)
    system: str | None = None
    generation: str = "{}"
    rationales: bool = False

    def of(self, document: Document) -> TaskSpec:
        """What is asked about one document: the task itself, or with the document's own labels."""
        return replace(self, question=replace(self.question, labels=document.labels)) if document.labels else self

    def request(self, target: str = "") -> Request:
        """What the request for an explanation depends on."""
        return Request(self.question, self.budget, self.options.mask, self.options.operator, target)

    def classify(self, fields: Fields, question: Question | None = None) -> Classify:
        """The classification of a document, in a conversation of its own."""
        question, options = question or self.question, self.options
        mask = options.mask if options.operator == "mask" else None
        prompt = question.classify(fields, mask, options.unknown)
        ranked = options.classifier == "loglikelihood"
        return Classify((*self._opening(), ("user", prompt)), question.choices(options.unknown), ranked)

    def explain(self, fields: Fields, prediction: Answer, target: str = "") -> Generate:
        """The request for an explanation, after the answer (`context=same`) or in a new conversation (`fresh`)."""
        ask = STYLES[self.style].ask(self.request(target))
        if self.options.context == "same":
            said = ("assistant", prediction.text.strip())
            return Generate((*self.classify(fields).messages, said, ("user", ask)), self.generation)
        prompt = FRESH.format(
            text=self.question.show(fields), noun=self.question.noun, label=prediction.label, request=ask
        )
        return Generate((*self._opening(), ("user", prompt)), self.generation)

    def _opening(self) -> Messages:
        return (("system", self.system),) if self.system else ()


@dataclass(frozen=True)
class Document:
    """A text to classify.

    Attributes:
        fields: the text.
        gold: its label in the dataset; it enters accuracy and the `madsen` rule only.
        labels: its own labels where they differ from document to document (multiple choice); else empty.
        rationale: positions of the words that people marked; None where nobody did. It enters plausibility only.
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


def as_chat(messages: Messages) -> list[dict[str, str]]:
    """The messages as chat templates want them."""
    return [{"role": role, "content": content} for role, content in messages]


def told(answer: Answer) -> dict[str, Any]:
    """An answer as a transcript keeps it."""
    logprobs = dict(answer.logprobs) if answer.logprobs else None
    return {"answer": answer.text, "label": answer.label, "logprobs": logprobs}
