"""A model whose calls are counted and timed by kind."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from lm_eval_tasks.calls import Answer, Call, Classify, Generate, as_chat
from lm_eval_tasks.work import Work
from training.build.backend import responder_of


class Measuring:
    """Answers calls with a model, and counts and times them by kind."""

    def __init__(self, model: Any, tokenizer: Any, batch_size: int) -> None:
        self.respond_with, self.tokenizer = responder_of(model, tokenizer, batch_size), tokenizer
        self.classify, self.generate = Work(), Work()
        self.rows: list[dict[str, Any]] = []  # in the form that `sft` trains on

    @property
    def work(self) -> Work:
        """Everything so far."""
        return self.classify.plus(self.generate)

    def respond(self, calls: Sequence[Call]) -> list[Answer]:
        """Answer calls."""
        answers: dict[int, Answer] = {}
        for kind, work in ((Classify, self.classify), (Generate, self.generate)):
            part = {number: call for number, call in enumerate(calls) if isinstance(call, kind)}
            if part:
                started = time.monotonic()
                answers |= zip(part, self.respond_with(list(part.values())), strict=True)
                work.seconds += time.monotonic() - started
                work.calls += len(part)
                work.tokens += sum(map(self._tokens, part.values()))
                work.written += sum(len(self.tokenizer(self._answer(call))["input_ids"]) for call in part.values())
        for number, call in enumerate(calls):
            self._keep_row(call, answers[number])
        return [answers[number] for number in range(len(calls))]

    def _tokens(self, call: Call) -> int:
        text = self.tokenizer.apply_chat_template(as_chat(call.messages), tokenize=False, add_generation_prompt=True)
        return len(self.tokenizer(text)["input_ids"])

    def _answer(self, call: Call) -> str:
        return call.labels[0] if isinstance(call, Classify) else call.repeats or "word"

    def _keep_row(self, call: Call, answer: Answer) -> None:
        content = (isinstance(call, Classify) and answer.label) or self._answer(call)
        completion = [{"role": "assistant", "content": content}]
        self.rows.append({"prompt": as_chat(call.messages), "completion": completion})

    def training_rows(self, count: int) -> Iterator[dict[str, Any]]:
        """Rows like those of a build: three explanations, then a classification."""
        explained = [row for row in self.rows if len(row["prompt"]) > 1]
        classified = [row for row in self.rows if len(row["prompt"]) == 1]
        for number in range(count):
            source = (classified if number % 4 == 3 else explained) or self.rows
            yield source[number % len(source)]
