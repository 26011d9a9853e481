"""The two kinds of calls to a model, and the answer. Imports neither lm-eval nor torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from faithful_se.transcript import AnswerRecord, Message
from faithfulness_metrics.erasure import calibrated
from lm_eval_tasks.thoughts import after_thinking

Messages = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Classify:
    """Ask for a label."""

    messages: Messages  # (role, content) pairs
    labels: tuple[str, ...]  # the admissible answers
    ranked: bool = False  # rank the labels by log-likelihood instead of reading generated text
    prior: tuple[float, ...] = ()  # nats to subtract from each label's log-likelihood, in label order; none by default
    thinking_tokens: int = 0  # room for a thought before the answer
    synonyms: tuple[tuple[str, ...], ...] = ()  # further names of each label in generated text, in label order
    denials: tuple[str, ...] | None = None  # what denies a label in front of it; None for English
    samples: int = 1  # how often it is asked; the answers are sampled where this is more than once
    sampling: str = "{}"  # the settings of sampled answers as JSON, in lm-eval's terms (``temperature``, …)
    draw: int = 0  # which of these answers this is


@dataclass(frozen=True)
class Generate:
    """Ask for free text."""

    messages: Messages  # (role, content) pairs
    settings: str = "{}"  # the generation settings as JSON, in lm-eval's terms (``max_gen_toks``, …)
    thinking_tokens: int = 0  # room for a thought before the answer
    # Room for the answer where the settings give none: tokens, beside those of what the answer repeats and adds.
    room: int = 256
    repeats: str = ""  # the text that a rewriting repeats
    adds: str = ""  # the masks or new words that it may hold


Call = Classify | Generate


@dataclass(frozen=True)
class Answer:
    """The model's answer to a call. Its thought is a part of the text."""

    text: str  # the text as generated; the label itself where labels were ranked
    label: str | None = None  # the parsed label of a classification; None when the answer could not be read
    # log-probability of each label given the prompt, in nats, where labels were ranked
    logprobs: Mapping[str, float] | None = None
    problem: str = ""  # why there is no answer, in a few words (the prompt exceeds the context)
    after_thought: str | None = None  # what follows the model's thought; None where nobody looked for one
    opening: str = ""  # the mark by which the prompt has opened the thought that the text begins in
    samples: tuple[str | None, ...] = ()  # labels of all answers to a call that was asked several times

    @property
    def reply(self) -> str:
        """The answer without the model's thought."""
        return after_thinking(self.text) if self.after_thought is None else self.after_thought


def ranked_answer(call: Classify, logprobs: Mapping[str, float]) -> Answer:
    """The answer to a ranked classification: the label with the highest log-probability minus its prior."""
    scores = calibrated(logprobs, dict(zip(call.labels, call.prior, strict=False)))
    best = max(scores, key=scores.__getitem__)
    return Answer(best, best, logprobs)


def as_chat(messages: Messages) -> list[Message]:
    """The messages in the form that chat templates take."""
    return [{"role": role, "content": content} for role, content in messages]


def answer_record(answer: Answer) -> AnswerRecord:
    """An answer as it stands in a transcript."""
    logprobs = dict(answer.logprobs) if answer.logprobs else None
    record: AnswerRecord = {"answer": answer.text, "label": answer.label, "logprobs": logprobs}
    return {**record, "samples": list(answer.samples)} if answer.samples else record
