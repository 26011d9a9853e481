"""Attributes documents in memory: from texts to rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from faithful_se.errors import UsageError, is_out_of_memory
from faithfulness_metrics.units import WORD_UNIT
from faithfulness_metrics.words import mask_out
from lm_eval_tasks.document import Document
from lm_eval_tasks.forward_pass.batching import TokenBudget, default_tokens
from lm_eval_tasks.languages import ENGLISH
from lm_eval_tasks.options import Options
from lm_eval_tasks.spec import TaskSpec
from training.attribution.engine.document_batch import Budgets, DocumentBatch
from training.attribution.engine.forward import Forward
from training.attribution.engine.label_prior import label_settings, measure_prior
from training.attribution.engine.memory import tokens_that_fit
from training.attribution.engine.verify_forward import unsupported_as_usage_error, verify_forward
from training.attribution.methods.occlusion import features_of
from training.attribution.options import AttributionOptions
from training.attribution.prompt.label_tree import read_labels
from training.attribution.prompt.renderer import Renderer
from training.attribution.prompt.token_alignment import Prompt
from training.attribution.rows import attribute_batch, empty_row, run_fields
from training.models.loading import fingerprint
from training.runs.artefacts import AttributionRow

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

TOO_LONG = "the text is longer than the model's context"
NO_WORDS = "no words in the text"
CHANGED = "the chat template changes the text"

# Slack, in tokens, for a token of several words that splits when one of them is masked.
SPLIT_TOKENS = 16


def unit_settings(spec: TaskSpec) -> dict[str, str]:
    """What settings and rows record of the unit, where it is not the word: the language decides what a sentence is."""
    unit, language = spec.options.unit, spec.question.language
    return {} if unit == WORD_UNIT else {"unit": unit, **({} if language == ENGLISH else {"language": language})}


class Attributor:
    """One model, one question, one way to score words.

    Args:
        model: a Hugging Face causal model; its parameters are frozen.
        tokenizer: its tokenizer, fast and with a chat template.
        spec: the question: the evaluation's own object, with its options (mask, unknown).
        options: how words are scored.
        token_budget: tokens that go through the model at once, padding included. 0 takes what suits the device; for
            gradients on a CPU at most what fits its free memory. Halved whenever memory runs out.
        identity: what rows name as the model; its fingerprint by default.
        today: the day that a chat template with a date in it writes; today by default.
        template_args: further arguments of the chat template, as the evaluation has them (``enable_thinking``).

    Raises:
        UsageError: no chat template, no character offsets, labels that cannot be told apart.

    Example:
        >>> attributor = Attributor(model, tokenizer, spec, AttributionOptions("ig", steps=32))  # doctest: +SKIP
        >>> attributor.rows([Document({"text": "What a lovely day"})])[0]["top"]["text"]  # doctest: +SKIP
        'lovely'
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerFast,
        spec: TaskSpec,
        options: AttributionOptions | None = None,
        *,
        token_budget: int = 0,
        identity: str = "",
        today: date | None = None,
        template_args: Mapping[str, Any] | None = None,
    ) -> None:
        if spec.options.operator != "mask":
            raise UsageError(f"operator {spec.options.operator}: attributions need operator=mask")
        self.options = options or AttributionOptions()
        if spec.calibrated and self.options.whole_answer:
            raise UsageError("--whole-answer scores more than the evaluation calibrates: leave one of them out")
        self.renderer = Renderer(spec, tokenizer, today, template_args)
        tree = read_labels(self.renderer, self.options.whole_answer)
        with unsupported_as_usage_error(model):
            self.forward = Forward(model, tree, self.renderer.prefix)
        tokens = token_budget or default_tokens(self.forward.device)
        self.budgets = Budgets(*(TokenBudget(tokens) for _ in Budgets._fields))
        row_options = {**self.options.as_dict(), "mask": spec.options.mask, "unknown": spec.options.unknown}
        row_options |= unit_settings(spec)
        if spec.system:
            row_options["system"] = spec.system
        if self.renderer.template_args:
            row_options["chat_template_args"] = self.renderer.template_args
        row_options |= label_settings(spec)
        if spec.question.words_of and spec.options.words_of != Options.words_of:
            row_options["words_of"] = spec.options.words_of
        self.run_fields = run_fields(spec.question.dataset, row_options, identity or fingerprint(model))
        self._measures_memory = self.options.traits.gradients and not token_budget
        self._verified_prefixes = set[int]()
        self.prior: Mapping[str, float] | None = spec.prior

    def use_prior(self, prior: Mapping[str, float] | None = None) -> Mapping[str, float] | None:
        """Subtract this prior from the labels' log-probabilities, or measure one where the task is calibrated.

        Returns:
            Nats per label; None where the task has no prior.
        """
        if self.renderer.spec.calibrated and not self.prior:
            self.prior = prior or measure_prior(self.forward, self.renderer, self.budgets.documents)
        return self.prior

    def rows(self, documents: Sequence[Document], indices: Sequence[int] | None = None) -> list[AttributionRow]:
        """A row for each document, in order; `indices` are their numbers in the dataset."""
        rows = dict(self.stream(documents, indices))
        return [rows[position] for position in range(len(documents))]

    def stream(
        self, documents: Sequence[Document], indices: Sequence[int] | None = None
    ) -> Iterator[tuple[int, AttributionRow]]:
        """(position in `documents`, row) as they are done, the longest texts first.

        Raises:
            UsageError: numbers that are not finite, or a single text that does not fit into memory. Names the text.
        """
        self.use_prior()
        documents = [self.renderer.spec.in_units(document) for document in documents]
        numbers = range(len(documents)) if indices is None else indices
        prompts = self._prompts(documents)
        prompts_by_prefix: dict[int, dict[int, Prompt]] = {}
        for position, document in enumerate(documents):
            prompt = prompts.get(position)
            longest = self._longest(prompt) if prompt else 0
            if prompt and self.forward.limits.fits(longest):
                prompts_by_prefix.setdefault(self._prefix_tokens(prompt, longest), {})[position] = prompt
                continue
            problem = TOO_LONG if prompt else CHANGED if document.units else NO_WORDS
            yield position, empty_row(document, numbers[position], self.run_fields, problem)
        try:
            for prefix_tokens, group in prompts_by_prefix.items():
                yield from self._attribute(group, numbers, prefix_tokens)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            reason = [*str(error).splitlines(), type(error).__name__][0]
            raise UsageError(
                f"out of memory: {reason}. Use a smaller model, --dtype bfloat16 or a larger device"
            ) from error

    def _attribute(
        self, prompts: Mapping[int, Prompt], numbers: Sequence[int], prefix_tokens: int
    ) -> Iterator[tuple[int, AttributionRow]]:
        """Rows of prompts that take the same number of tokens from the prefix's cache, by position."""
        if prefix_tokens not in self._verified_prefixes:
            self._prepare(list(prompts.values()), prefix_tokens)
        positions = list(prompts)

        def work(batch: list[int]) -> list[AttributionRow]:
            documents = self._document_batch([prompts[position] for position in batch], prefix_tokens)
            return attribute_batch(documents, [numbers[position] for position in batch], self.run_fields)

        for indices, rows in self.budgets.documents.batches(
            positions, lambda position: len(prompts[position].ids), work
        ):
            yield from zip([positions[index] for index in indices], rows, strict=True)

    def _prompts(self, documents: Sequence[Document]) -> dict[int, Prompt]:
        """Position -> prompt, of the documents that have words and that the chat template leaves alone."""
        names = self.renderer.spec.question.fields
        for document in documents:
            if tuple(document.fields) != names:
                raise UsageError(
                    f"text {document.hash}: its fields are {', '.join(document.fields)}; the question "
                    f"{self.run_fields['dataset']} asks about {', '.join(names)}, in this order"
                )
        positions = [position for position, document in enumerate(documents) if document.units]
        prompts = self.renderer.encode([documents[position] for position in positions])
        return {position: prompt for position, prompt in zip(positions, prompts, strict=True) if prompt}

    def _prepare(self, prompts: Sequence[Prompt], prefix_tokens: int) -> None:
        """Verify the forward pass, and measure memory for gradients: once for prompts of a kind."""
        ordered = sorted(prompts, key=lambda prompt: len(prompt.ids))
        with unsupported_as_usage_error(self.forward.model):
            verify_forward(self.forward, self._document_batch([ordered[0], ordered[-1]], prefix_tokens))
        if self._measures_memory:
            budget = self.budgets.gradients
            tokens, row_overhead = tokens_that_fit(self.forward, ordered[-1].ids, prefix_tokens)
            if tokens < budget.tokens:
                budget.tokens, budget.row_overhead = tokens, row_overhead
        self._verified_prefixes.add(prefix_tokens)

    def _document_batch(self, prompts: Sequence[Prompt], prefix_tokens: int) -> DocumentBatch:
        prior = [self.prior[label] for label in self.forward.tree.labels] if self.prior else []
        return DocumentBatch(self.forward, self.renderer, prompts, self.options, self.budgets, prefix_tokens, prior)

    def _longest(self, prompt: Prompt) -> int:
        """Tokens of the longest prompt that the method reads for a document."""
        own, options, limits = len(prompt.ids), self.options, self.forward.limits
        if options.traits.masks == "none" and not options.check_flips:
            return own
        bound = self.renderer.longest_variant(prompt) + SPLIT_TOKENS
        if options.traits.masks == "subsets" or (limits.fits(bound) and limits.can_share(bound)):
            return bound
        # Near a limit the variants are tokenized: one word at a time is masked, not all of them.
        features = {*features_of(prompt, True), *features_of(prompt, options.pool)}
        mask, document = self.renderer.spec.options.mask, prompt.document
        texts = [mask_out(document.fields, document.units, positions, mask) for positions in features]
        return max(own, *map(len, self.renderer.variants(prompt, texts)))

    def _prefix_tokens(self, prompt: Prompt, longest: int) -> int:
        """How many tokens of the shared prefix a prompt and its variants take from the cache: all or none."""
        prefix = self.forward.prefix_ids
        opens_alike = prompt.ids[: len(prefix)] == prefix and len(prompt.ids) > len(prefix)
        return len(prefix) if opens_alike and self.forward.limits.can_share(longest) else 0
