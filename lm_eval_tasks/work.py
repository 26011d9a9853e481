"""What is asked of a model: counted, timed, and estimated for all texts from a few of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Protocol

from lm_eval_tasks.calls import Answer, Call
from lm_eval_tasks.document import Document
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.scheduler import run
from lm_eval_tasks.spec import TaskSpec

# Words of a prompt beside those of the text: they weigh a text's work by its length.
PROMPT_WORDS = 60

# Measurements that take fewer seconds say little: they are made again with more texts.
LEAST_SECONDS = 10.0


@dataclass
class Work:
    """What was asked of a model, and how long that took."""

    calls: float = 0.0
    tokens: float = 0.0  # of the prompts
    seconds: float = 0.0
    written: float = 0.0  # tokens of the answers

    def times(self, factor: float) -> Work:
        """So many times this work."""
        return Work(*(factor * value for value in astuple(self)))

    def plus(self, other: Work) -> Work:
        """Both together."""
        return Work(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def all_tokens(self) -> float:
        """Tokens read and written."""
        return self.tokens + self.written


class Measured(Protocol):
    """A model whose work is counted."""

    @property
    def work(self) -> Work:
        """Everything so far."""

    def respond(self, calls: Sequence[Call]) -> list[Answer]:
        """Answer calls."""


class Meter:
    """Answers calls with a function, and counts and times them.

    Args:
        answer: answers calls.
        count: tokens of the prompts of calls, and of their answers.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Call]], list[Answer]],
        count: Callable[[Sequence[Call], Sequence[Answer]], tuple[int, int]],
    ) -> None:
        self.answer, self.count, self.work = answer, count, Work()

    def respond(self, calls: Sequence[Call]) -> list[Answer]:
        """Answer calls."""
        started = time.monotonic()
        answers = self.answer(calls)
        seconds = time.monotonic() - started
        self.work = self.work.plus(Work(len(calls), 0, seconds))
        tokens, written = self.count(calls, answers)
        self.work = self.work.plus(Work(0, tokens, 0, written))
        return answers


def spread(documents: Sequence[Document], count: int) -> list[Document]:
    """So many documents, at equal distances in the order of their lengths."""
    ordered, count = sorted(documents, key=lambda document: len(document.words)), min(count, len(documents))
    return [ordered[int((number + 0.5) / count * len(ordered))] for number in range(count)]


def weight(documents: Sequence[Document], calls_per_word: bool) -> float:
    """How much work documents are, in words that the model reads: their prompts, once or once a word."""
    lengths = [len(document.words) for document in documents]
    return sum((PROMPT_WORDS + length) * (4 + (length if calls_per_word else 0)) for length in lengths)


def evaluation_work(
    specs: Sequence[TaskSpec],
    documents: Sequence[Document],
    count: int,
    model: Measured,
    again: Callable[[bool], bool] = bool,
) -> Work:
    """The work of all tasks of a dataset, estimated from so many of its documents.

    Args:
        specs: the tasks, which share calls.
        documents: all documents.
        count: how many of them are asked about.
        model: answers.
        again: see `scheduler.run`.
    """
    oracle = "oracle" in specs[0].options.controls
    chosen = spread(documents, count)
    before = model.work
    run([self_explain(spec, document) for spec in specs for document in chosen], model.respond, again=again)
    scale = weight(documents, oracle) / max(1.0, weight(chosen, oracle))
    return model.work.plus(before.times(-1)).times(scale)


def plan_table(works: Mapping[str, tuple[int, Work]], note: str) -> Iterator[str]:
    """A plan in Markdown, line by line.

    Args:
        works: dataset -> its texts, and the work on all of them.
        note: what the estimate is from.
    """
    yield "| dataset | texts | calls | tokens asked | tokens written | minutes |"
    yield "|---|--:|--:|--:|--:|--:|"
    total, total_texts = Work(), 0
    for name, (texts, work) in works.items():
        yield _plan_row(name, texts, work)
        total, total_texts = total.plus(work), total_texts + texts
    if len(works) > 1:
        yield _plan_row("all", total_texts, total)
    yield f"\nAn estimate from {note}."
    if not total.tokens:
        yield "Tokens are not counted: the model has no tokenizer here."
    yield "Nothing was written. Without --plan, the same command does the work."


def _plan_row(name: str, texts: int, work: Work) -> str:
    numbers = (texts, work.calls, work.tokens, work.written)
    return f"| {name} | {' | '.join(f'{number:,.0f}' for number in numbers)} | {work.seconds / 60:.1f} |"
