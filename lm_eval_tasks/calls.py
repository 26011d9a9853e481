"""The two kinds of calls to a model, and the answer. Imports neither lm-eval nor torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from faithful_se.transcript import AnswerRecord, Message

Messages = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Classify:
    """Ask for a label."""

    messages: Messages  # (role, content) pairs
    labels: tuple[str, ...]  # the admissible answers
    ranked: bool = False  # rank the labels by log-likelihood instead of reading generated text


@dataclass(frozen=True)
class Generate:
    """Ask for free text."""

    messages: Messages  # (role, content) pairs
    settings: str = "{}"  # the generation settings as JSON, in lm-eval's terms (``max_gen_toks``, …)
    # Room for the answer where the settings give none: tokens, beside those of what the answer repeats and adds.
    room: int = 256
    repeats: str = ""  # the text that a rewriting repeats
    adds: str = ""  # the masks or new words that it may hold


Call = Classify | Generate


@dataclass(frozen=True)
class Answer:
    """The model's answer to a call."""

    text: str  # the text as generated; the label itself where labels were ranked
    label: str | None = None  # the parsed label of a classification; None when the answer could not be read
    # log-probability of each label given the prompt, in nats, where labels were ranked
    logprobs: Mapping[str, float] | None = None
    problem: str = ""  # why there is no answer, in a few words (the prompt exceeds the context)


def as_chat(messages: Messages) -> list[Message]:
    """The messages in the form that chat templates take."""
    return [{"role": role, "content": content} for role, content in messages]


def answer_record(answer: Answer) -> AnswerRecord:
    """An answer as it stands in a transcript."""
    logprobs = dict(answer.logprobs) if answer.logprobs else None
    return {"answer": answer.text, "label": answer.label, "logprobs": logprobs}
