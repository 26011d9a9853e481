"""Attribute documents: from texts to rows, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from lm_eval_tasks.calls import Document, TaskSpec
from lm_eval_tasks.errors import UsageError
from training.attribution.budget import TokenBudget
from training.attribution.check import check
from training.attribution.chunk import Chunk, shared_length
from training.attribution.forward import Forward
from training.attribution.labels import read_labels
from training.attribution.loading import fingerprint
from training.attribution.memory import tokens_that_fit
from training.attribution.methods import GRADIENTS
from training.attribution.options import AttributionOptions
from training.attribution.prompts import Prompt, Renderer
from training.attribution.records import Row, bare, rows_of

# Tokens at once: far fewer than most devices can hold, and halved where even that is too much.
DEFAULT_BUDGET = {"cpu": 2048, "cuda": 16384}

TOO_LONG = "the text is longer than the model's context"
NO_WORDS = "no words in the text"


class Attributor:
    """One model, one question, one way to score words.

    Args:
        model: a Hugging Face causal model; its parameters are frozen.
        tokenizer: its tokenizer, fast and with a chat template.
        spec: what is asked; the evaluation's own object, with its options (mask, unknown).
        options: how words are scored.
        token_budget: tokens that go through the model at once, padding included; 0 takes what suits the device, for
            gradients at most what fits its free memory. Halved whenever memory runs out.
        identity: what rows give as the model; its fingerprint by default.
        today: the day that a chat template with a date in it writes; today by default.

    Raises:
        UsageError: no chat template, no character offsets, labels that cannot be told apart.

    Example:
        >>> attributor = Attributor(model, tokenizer, spec, AttributionOptions("ig", steps=32))  # doctest: +SKIP
        >>> attributor.rows([Document({"text": "What a lovely day"})])[0]["top"]["text"]  # doctest: +SKIP
        'lovely'
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        spec: TaskSpec,
        options: AttributionOptions | None = None,
        *,
        token_budget: int = 0,
        identity: str = "",
        today: date | None = None,
    ) -> None:
        if spec.options.operator != "mask":
            raise UsageError(
                f"operator {spec.options.operator}: attributions mask words; operator=mask is the only one"
            )
        self.options = options or AttributionOptions()
        self.renderer = Renderer(spec, tokenizer, today)
        self.forward = Forward(model, read_labels(self.renderer, self.options.whole_answer), self.renderer.prefix)
        tokens = token_budget or DEFAULT_BUDGET.get(self.forward.device.type, DEFAULT_BUDGET["cuda"])
        # Chunks keep keys and values, gradients keep activations: each has its own number, halved on its own.
        self.chunks, self.budget, self.gradients = TokenBudget(tokens), TokenBudget(tokens), TokenBudget(tokens)
        told = {**self.options.as_dict(), "mask": spec.options.mask, "unknown": spec.options.unknown}
        self.told = {
            "dataset": spec.question.dataset,
            "options": {**told, "system": spec.system} if spec.system else told,
            "model": identity or fingerprint(model),
        }
        self._adapts, self._checked = not token_budget, False

    def rows(self, documents: Sequence[Document], indices: Sequence[int] | None = None) -> list[Row]:
        """A row for each document, in order; `indices` are their numbers in the dataset."""
        found: dict[int, Row] = {}
        for place, row in self.stream(documents, indices):
            found[place] = row
        return [found[place] for place in range(len(documents))]

    def stream(self, documents: Sequence[Document], indices: Sequence[int] | None = None) -> Iterator[tuple[int, Row]]:
        """(place in `documents`, row) as they are done, the longest texts first.

        Raises:
            UsageError: numbers that are not finite, or a single text that does not fit into memory. Names the text.
        """
        numbers = range(len(documents)) if indices is None else indices
        prompts = self.renderer.encode(documents)
        fitting: dict[bool, list[int]] = {}
        for place, prompt in enumerate(prompts):
            if problem := self._problem(prompt):
                yield place, bare(prompt.document, numbers[place], self.told, problem)
            else:
                fitting.setdefault(bool(shared_length(self.forward, self.renderer, prompt)), []).append(place)
        for places in fitting.values():
            if not self._checked:
                self._prepare(prompts[places[0]])

            def work(batch: list[int]) -> list[Row]:
                chosen = [prompts[place] for place in batch]
                chunk = Chunk(self.forward, self.renderer, chosen, self.options, self.budget, self.gradients)
                return rows_of(chunk, [numbers[place] for place in batch], self.told)

            try:
                for done, rows in self.chunks.batches(places, lambda place: len(prompts[place].ids), work):
                    for at, row in zip(done, rows, strict=True):
                        yield places[at], row
            except MemoryError as error:
                raise UsageError(
                    f"out of memory: {error}. Use a smaller model, --dtype bfloat16 or a larger device"
                ) from error

    def _prepare(self, prompt: Prompt) -> None:
        """Once: the model against itself, and how much of it the machine can hold."""
        check(self.forward, prompt.ids)
        if self._adapts and self.options.method in GRADIENTS:
            shared = shared_length(self.forward, self.renderer, prompt)
            self.gradients.tokens = min(self.gradients.tokens, tokens_that_fit(self.forward, prompt.ids, shared))
        self._checked = True

    def _problem(self, prompt: Prompt) -> str:
        if not prompt.spans:
            return NO_WORDS
        return "" if self.forward.limits.fits(self.renderer.longest_variant(prompt)) else TOO_LONG
