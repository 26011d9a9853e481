"""Attribute documents: from texts to rows, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from faithful_se.errors import UsageError
from faithfulness_metrics.words import mask_out
from lm_eval_tasks.document import Document
from lm_eval_tasks.spec import TaskSpec
from training.attribution.engine.batching import TokenBudget, out_of_memory
from training.attribution.engine.document_batch import Chunk
from training.attribution.engine.forward import Forward
from training.attribution.engine.memory import tokens_that_fit
from training.attribution.engine.verify_forward import check, supported
from training.attribution.methods import GRADIENTS, SUBSETS, UNMASKED
from training.attribution.methods.occlusion import features_of
from training.attribution.options import AttributionOptions
from training.attribution.prompt.label_tree import read_labels
from training.attribution.prompt.renderer import Renderer
from training.attribution.prompt.token_alignment import Prompt
from training.attribution.rows import Row, bare, rows_of
from training.models.loading import fingerprint

# Tokens at once: far fewer than most devices can hold, and halved where even that is too much.
DEFAULT_BUDGET = {"cpu": 2048, "cuda": 16384}

TOO_LONG = "the text is longer than the model's context"
NO_WORDS = "no words in the text"
CHANGED = "the chat template changes the text"

# A token that parts of several words share comes apart where one of them is masked: tokens on top of a count of masks.
COMES_APART = 16


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
        tree = read_labels(self.renderer, self.options.whole_answer)
        with supported(model):
            self.forward = Forward(model, tree, self.renderer.prefix)
        tokens = token_budget or DEFAULT_BUDGET.get(self.forward.device.type, DEFAULT_BUDGET["cuda"])
        # Chunks keep keys and values, gradients keep activations: each has its own number, halved on its own.
        self.chunks, self.budget, self.gradients = TokenBudget(tokens), TokenBudget(tokens), TokenBudget(tokens)
        told = {**self.options.as_dict(), "mask": spec.options.mask, "unknown": spec.options.unknown}
        self.told = {
            "dataset": spec.question.dataset,
            "options": {**told, "system": spec.system} if spec.system else told,
            "model": identity or fingerprint(model),
        }
        self._adapts, self._checked = not token_budget, set[int]()

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
        prompts = self._prompts(documents)
        fitting: dict[int, list[int]] = {}
        for place, document in enumerate(documents):
            prompt = prompts.get(place)
            longest = self._longest(prompt) if prompt else 0
            if problem := self._problem(document, prompt, longest):
                yield place, bare(document, numbers[place], self.told, problem)
            elif prompt:
                fitting.setdefault(self._shared(prompt, longest), []).append(place)
        for shared, places in fitting.items():

            def work(batch: list[int], shared: int = shared) -> list[Row]:
                chunk = self._chunk([prompts[place] for place in batch], shared)
                return rows_of(chunk, [numbers[place] for place in batch], self.told)

            try:
                if shared not in self._checked:
                    self._prepare([prompts[place] for place in places], shared)
                for done, rows in self.chunks.batches(places, lambda place: len(prompts[place].ids), work):
                    for at, row in zip(done, rows, strict=True):
                        yield places[at], row
            except Exception as error:
                if not out_of_memory(error):
                    raise
                told = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise UsageError(
                    f"out of memory: {told}. Use a smaller model, --dtype bfloat16 or a larger device"
                ) from error

    def _prompts(self, documents: Sequence[Document]) -> dict[int, Prompt]:
        """Place -> prompt, of the documents that have words and that the chat template leaves alone."""
        names = self.renderer.spec.question.fields
        for document in documents:
            if tuple(document.fields) != names:
                raise UsageError(
                    f"text {document.hash}: its fields are {', '.join(document.fields)}; "
                    f"the question {self.told['dataset']} asks about {', '.join(names)}, in this order"
                )
        places = [place for place, document in enumerate(documents) if document.words]
        prompts = self.renderer.encode([documents[place] for place in places])
        return {place: prompt for place, prompt in zip(places, prompts, strict=True) if prompt}

    def _prepare(self, prompts: Sequence[Prompt], shared: int) -> None:
        """Once for prompts of a kind: the model against itself, and how much of it the machine can hold."""
        ordered = sorted(prompts, key=lambda prompt: len(prompt.ids))
        with supported(self.forward.model):
            check(self.forward, self._chunk([ordered[0], ordered[-1]], shared))
        if self._adapts and self.options.method in GRADIENTS:
            fit, extra = tokens_that_fit(self.forward, ordered[-1].ids, shared)
            if fit < self.gradients.tokens:
                self.gradients.tokens, self.gradients.extra = fit, extra
        self._checked.add(shared)

    def _chunk(self, prompts: Sequence[Prompt], shared: int) -> Chunk:
        return Chunk(self.forward, self.renderer, prompts, self.options, self.budget, self.gradients, shared)

    def _longest(self, prompt: Prompt) -> int:
        """Tokens of the longest prompt that is asked about a document."""
        own, options, limits = len(prompt.ids), self.options, self.forward.limits
        if options.method in UNMASKED and not options.check_flips:
            return own
        most = self.renderer.longest_variant(prompt) + COMES_APART
        if options.method in SUBSETS or (limits.fits(most) and limits.shares(most)):
            return most
        # Near a limit the variants themselves are looked at: one word at a time is masked, not all of them.
        wanted = {*features_of(prompt, True), *features_of(prompt, options.pool)}
        mask, document = self.renderer.spec.options.mask, prompt.document
        texts = [mask_out(document.fields, document.words, positions, mask) for positions in wanted]
        return max(own, *map(len, self.renderer.variants(prompt, texts)))

    def _shared(self, prompt: Prompt, longest: int) -> int:
        """How many tokens of the shared prefix a prompt and its variants can stand on: all or none."""
        prefix = self.forward.prefix_ids
        behind = prompt.ids[: len(prefix)] == prefix and len(prompt.ids) > len(prefix)
        return len(prefix) if behind and self.forward.limits.shares(longest) else 0

    def _problem(self, document: Document, prompt: Prompt | None, longest: int) -> str:
        if not document.words:
            return NO_WORDS
        if prompt is None:
            return CHANGED
        return "" if self.forward.limits.fits(longest) else TOO_LONG
