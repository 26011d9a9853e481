"""A batch of documents on the device: predicted once, then asked about with words masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from faithfulness_metrics.words import mask_out
from training.attribution.engine.batching import TokenBudget, in_order
from training.attribution.engine.forward import EmbeddedBatch, Forward
from training.attribution.options import AttributionOptions
from training.attribution.prompt.renderer import Renderer, common_prefix
from training.attribution.prompt.token_alignment import Prompt

# Relative cost: one cached token, whose keys and values are copied, counts as 1/4 of a computed one.
CACHED_TOKENS_PER_COMPUTED = 4

# Index of a document in its batch, and the positions of its masked words.
Masking = tuple[int, frozenset[int]]


@dataclass(frozen=True)
class Variant:
    """A document with words masked.

    Attributes:
        document: index in the batch.
        ids: tokens of the whole prompt.
        start: number of tokens after the shared prefix that it has in common with the original document.
    """

    document: int
    ids: list[int]
    start: int


@dataclass(frozen=True)
class Budgets:
    """Tokens at once, for each kind of model call. Each is halved on its own when memory runs out.

    Attributes:
        documents: for the documents, whose keys and values stay in memory.
        variants: for documents with words masked.
        gradients: for rows that gradients are taken of, which keep every layer's activations.
    """

    documents: TokenBudget
    variants: TokenBudget
    gradients: TokenBudget

    def smallest(self) -> int:
        """Tokens at once, at least."""
        return min(self.documents.tokens, self.variants.tokens, self.gradients.tokens)


class DocumentBatch:
    """Documents that are attributed together.

    Args:
        forward: the model.
        renderer: of their question.
        prompts: the documents; all of them share the prefix, or none does.
        options: how words are scored.
        budgets: tokens at once.
        prefix_tokens: how many tokens of the shared prefix are taken from the cache; all of them or none.

    Attributes:
        logprobs: log-probability of each label, nats, [n_documents, n_labels].
        label: index of the predicted label, [n_documents].
        masked_logprobs: the same of every masking that was asked about.
    """

    def __init__(
        self,
        forward: Forward,
        renderer: Renderer,
        prompts: Sequence[Prompt],
        options: AttributionOptions,
        budgets: Budgets,
        prefix_tokens: int,
    ) -> None:
        self.forward, self.renderer, self.prompts = forward, renderer, prompts
        self.options, self.budgets, self.prefix_tokens = options, budgets, prefix_tokens
        self._prefix = forward.prefix_ids[:prefix_tokens]
        ids, lengths = forward.pad([prompt.ids[prefix_tokens:] for prompt in prompts])
        with torch.no_grad():
            # Without a window the keys and values can be reused, after the prefix or not.
            rows = EmbeddedBatch(forward.embed(ids), lengths, bool(prefix_tokens))
            self.logprobs, self.cache = forward(rows, return_kv=options.suffix_only)
        self.label = self.logprobs.argmax(1)
        self.masked_logprobs: dict[Masking, Tensor] = {}

    def target_value(self, logprobs: Tensor, label: Tensor) -> Tensor:
        """The attributed number, [n_rows], from label log-probabilities [n_rows, n_labels]."""
        return target_value(logprobs, label, self.options.target)

    def target_values(self) -> Tensor:
        """The attributed number of each document, [n_documents]."""
        return self.target_value(self.logprobs, self.label)

    def with_masks(self, maskings: Sequence[Masking]) -> Tensor:
        """Label log-probabilities of documents with words masked, [n_maskings, n_labels].

        The model is not asked again about a masking that it was asked about before.
        """
        new = [masking for masking in dict.fromkeys(maskings) if masking not in self.masked_logprobs]
        if new:
            variants = self._variants(new)
            # A tokenizer may merge a mask with what precedes it. Such a prompt does not open like all others.
            for opens_differently in (False, True):
                indices = [
                    index
                    for index, variant in enumerate(variants)
                    if (variant.ids[: self.prefix_tokens] != self._prefix) is opens_differently
                ]
                prefix_tokens = 0 if opens_differently else self.prefix_tokens
                logprobs = self._ask([variants[index] for index in indices], prefix_tokens)
                self.masked_logprobs.update(zip([new[index] for index in indices], logprobs, strict=True))
        return torch.stack([self.masked_logprobs[masking] for masking in maskings])

    def _ask(self, variants: list[Variant], prefix_tokens: int) -> list[Tensor]:
        batches = self.budgets.variants.batches(
            variants,
            lambda variant: len(variant.ids) - prefix_tokens - variant.start,
            lambda batch: self._run(batch, prefix_tokens),
            overhead=lambda variant: (
                (prefix_tokens + variant.start) // CACHED_TOKENS_PER_COMPUTED if variant.start else 0
            ),
        )
        return in_order(batches)

    def _variants(self, maskings: Sequence[Masking]) -> list[Variant]:
        texts: dict[int, list[Mapping[str, str]]] = {}
        for index, positions in maskings:
            document = self.prompts[index].document
            masked = mask_out(document.fields, document.words, positions, self.renderer.spec.options.mask)
            texts.setdefault(index, []).append(masked)
        encoded = {index: iter(self.renderer.variants(self.prompts[index], rows)) for index, rows in texts.items()}
        return [self._variant(index, next(encoded[index])) for index, _ in maskings]

    def _variant(self, index: int, ids: list[int]) -> Variant:
        if self.cache is None:
            return Variant(index, ids, 0)
        common = min(len(common_prefix([ids, self.prompts[index].ids])), len(ids) - 1)
        return Variant(index, ids, max(0, common - self.prefix_tokens))

    def _run(self, variants: list[Variant], prefix_tokens: int) -> list[Tensor]:
        forward = self.forward
        ids, lengths = forward.pad([variant.ids[prefix_tokens + variant.start :] for variant in variants])
        rows = EmbeddedBatch(forward.embed(ids), lengths, bool(prefix_tokens))
        if self.cache is not None and any(variant.start for variant in variants):
            rows = replace(
                rows,
                document_cache=self.cache,
                document_index=torch.tensor([variant.document for variant in variants], device=forward.device),
                document_tokens=torch.tensor([variant.start for variant in variants], device=forward.device),
            )
        with torch.no_grad():
            logprobs, _ = forward(rows)
        return list(logprobs)


def target_value(logprobs: Tensor, label: Tensor, target: str) -> Tensor:
    """The number that is attributed, [n_rows]; see `AttributionOptions.target`."""
    own = logprobs.gather(1, label[:, None])[:, 0]
    if target == "logprob":
        return own
    if logprobs.shape[1] == 1:  # a single label has no other: it is certain, its margin is its log-probability
        return own - own if target == "normalized" else own
    if target == "normalized":
        return -torch.nn.functional.softplus(-log_odds(logprobs, label))
    return own - _other_labels(logprobs, label).amax(1)


def log_odds(logprobs: Tensor, label: Tensor) -> Tensor:
    """Log of p / (1 - p) of a label among several labels, nats, [n_rows].

    The log-probability among the labels is computed from this. Own minus the logarithm of a sum would be 0 for any
    answer that is surer than 1 - 1e-7, and no word would matter.
    """
    return logprobs.gather(1, label[:, None])[:, 0] - _other_labels(logprobs, label).logsumexp(1)


def _other_labels(logprobs: Tensor, label: Tensor) -> Tensor:
    return logprobs.scatter(1, label[:, None], float("-inf"))
