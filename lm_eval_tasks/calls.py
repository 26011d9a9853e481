"""The two kinds of calls to a model, and the answer. Imports neither lm-eval nor torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from faithful_se.transcript import AnswerRecord, Message

Messages = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Classify:
    """Ask for a label.

    Attributes:
        messages: (role, content) pairs.
        labels: the admissible answers.
        ranked: rank the labels by log-likelihood instead of reading generated text.
    """

    messages: Messages
    labels: tuple[str, ...]
    ranked: bool = False


@dataclass(frozen=True)
class Generate:
    """Ask for free text.

    Attributes:
        messages: (role, content) pairs.
        settings: the generation settings as JSON, in lm-eval's terms (``max_gen_toks``, …).
    """

    messages: Messages
    settings: str = "{}"


Call = Classify | Generate


@dataclass(frozen=True)
class Answer:
    """The model's answer to a call.

    Attributes:
        text: the text as generated; the label itself where labels were ranked.
        label: the parsed label of a classification; None when the answer could not be read.
        logprobs: log-probability of each label given the prompt, in nats, where labels were ranked.
        problem: why there is no answer, in a few words (the prompt exceeds the context).
    """

    text: str
    label: str | None = None
    logprobs: Mapping[str, float] | None = None
    problem: str = ""


def as_chat(messages: Messages) -> list[Message]:
    """The messages in the form that chat templates take."""
    return [{"role": role, "content": content} for role, content in messages]


def answer_record(answer: Answer) -> AnswerRecord:
    """An answer as it stands in a transcript."""
    logprobs = dict(answer.logprobs) if answer.logprobs else None
    return {"answer": answer.text, "label": answer.label, "logprobs": logprobs}
