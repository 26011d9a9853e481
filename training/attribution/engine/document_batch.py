"""A batch of documents on the device: predicted once, then asked about with words masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from faithfulness_metrics.words import mask_out
from lm_eval_tasks.forward_pass.batching import TokenBudget, in_order
from training.attribution.engine.forward import EmbeddedBatch, Forward
from training.attribution.options import AttributionOptions
from training.attribution.prompt.renderer import Renderer, common_prefix
from training.attribution.prompt.token_alignment import Prompt

# Relative cost: one cached token, whose keys and values are copied, counts as 1/4 of a computed one.
CACHED_TOKENS_PER_COMPUTED = 4

# Index of a document in its batch, and the positions of its masked words.
Masking = tuple[int, frozenset[int]]


class _Variant(NamedTuple):
    """A document with words masked."""

    document: int  # index in the batch
    ids: list[int]  # tokens of the whole prompt
    start: int  # tokens after the shared prefix that are those of the original document


class Budgets(NamedTuple):
    """Tokens at once, for each kind of model call. Each is halved on its own when memory runs out."""

    documents: TokenBudget  # whose keys and values stay in memory
    variants: TokenBudget  # documents with words masked
    gradients: TokenBudget  # rows that gradients are taken of, which keep every layer's activations


class DocumentBatch:
    """Documents that are attributed together.

    Args:
        forward, renderer, options, budgets: see `Attributor`.
        prompts: the documents; all of them share the prefix, or none does.
        prefix_tokens: how many tokens of the shared prefix are taken from the cache; all of them or none.
        prior: nats to subtract from the log-probability of each label before labels are compared; none by default.

    Attributes:
        logprobs: log-probability of each label, nats, [n_documents, n_labels], without the prior.
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
        prior: Sequence[float] = (),
    ) -> None:
        self.forward, self.renderer, self.prompts = forward, renderer, prompts
        self.options, self.budgets, self.prefix_tokens = options, budgets, prefix_tokens
        self._prior = torch.tensor(prior or 0.0, device=forward.device)
        self._prefix = forward.prefix_ids[:prefix_tokens]
        ids, lengths = forward.pad([prompt.ids[prefix_tokens:] for prompt in prompts])
        with torch.no_grad():
            # Without a window the keys and values can be reused, after the prefix or not.
            rows = EmbeddedBatch(forward.embed(ids), lengths, bool(prefix_tokens))
            self.logprobs, self.cache = forward(rows, return_kv=options.suffix_only)
        self.label = self.best_label(self.logprobs)
        self.masked_logprobs: dict[Masking, Tensor] = {}

    def best_label(self, logprobs: Tensor) -> Tensor:
        """Index of the predicted label, [n_rows], from label log-probabilities [n_rows, n_labels]."""
        return (logprobs - self._prior).argmax(1)

    def log_odds(self, logprobs: Tensor, label: Tensor) -> Tensor:
        """`log_odds` of label log-probabilities minus the prior."""
        return log_odds(logprobs - self._prior, label)

    def target_value(self, logprobs: Tensor, label: Tensor) -> Tensor:
        """The attributed number, [n_rows], from label log-probabilities [n_rows, n_labels].

        See `AttributionOptions.target`. The prior is subtracted here.
        """
        logprobs = logprobs - self._prior
        target, own = self.options.target, logprobs.gather(1, label[:, None])[:, 0]
        if target == "logprob":
            return own
        if logprobs.shape[1] == 1:  # a single label has no other: it is certain, its margin is its log-probability
            return own - own if target == "normalized" else own
        if target == "normalized":
            return -torch.nn.functional.softplus(-log_odds(logprobs, label))
        return own - _other_labels(logprobs, label).amax(1)

    def target_values(self) -> Tensor:
        """The attributed number of each document, [n_documents]."""
        return self.target_value(self.logprobs, self.label)

    def with_masks(self, maskings: Sequence[Masking]) -> Tensor:
        """Label log-probabilities of documents with words masked, [n_maskings, n_labels].

        The model is not asked again about a masking that it was asked about before.
        """
        new = dict.fromkeys(masking for masking in maskings if masking not in self.masked_logprobs)
        variants = dict(zip(new, self._variants(list(new)), strict=True))
        # A tokenizer may merge a mask with what precedes it. Such a prompt does not open like all others.
        for prefix_tokens, opens_alike in ((self.prefix_tokens, True), (0, False)):
            group = {
                masking: variant
                for masking, variant in variants.items()
                if (variant.ids[: self.prefix_tokens] == self._prefix) is opens_alike
            }
            logprobs = self._ask(list(group.values()), prefix_tokens)
            self.masked_logprobs.update(zip(group, logprobs, strict=True))
        return torch.stack([self.masked_logprobs[masking] for masking in maskings])

    def _ask(self, variants: list[_Variant], prefix_tokens: int) -> list[Tensor]:
        def cached_tokens(variant: _Variant) -> int:
            return (prefix_tokens + variant.start) // CACHED_TOKENS_PER_COMPUTED if variant.start else 0

        batches = self.budgets.variants.batches(
            variants,
            lambda variant: len(variant.ids) - prefix_tokens - variant.start,
            lambda batch: self._run(batch, prefix_tokens),
            overhead=cached_tokens,
        )
        return in_order(batches)

    def _variants(self, maskings: Sequence[Masking]) -> list[_Variant]:
        texts: dict[int, list[Mapping[str, str]]] = {}
        for index, positions in maskings:
            document = self.prompts[index].document
            masked = mask_out(document.fields, document.units, positions, self.renderer.spec.options.mask)
            texts.setdefault(index, []).append(masked)
        encoded = {index: iter(self.renderer.variants(self.prompts[index], rows)) for index, rows in texts.items()}
        variants = []
        for index, _ in maskings:
            ids, start = next(encoded[index]), 0
            if self.cache is not None:
                common = min(len(common_prefix([ids, self.prompts[index].ids])), len(ids) - 1)
                start = max(0, common - self.prefix_tokens)
            variants.append(_Variant(index, ids, start))
        return variants

    def _run(self, variants: list[_Variant], prefix_tokens: int) -> list[Tensor]:
        documents, _, starts = zip(*variants, strict=True)
        forward = self.forward
        ids, lengths = forward.pad([variant.ids[prefix_tokens + variant.start :] for variant in variants])
        rows = EmbeddedBatch(forward.embed(ids), lengths, bool(prefix_tokens))
        if any(starts):
            index, tokens = (torch.tensor(numbers, device=forward.device) for numbers in (documents, starts))
            rows = replace(rows, document_cache=self.cache, document_index=index, document_tokens=tokens)
        with torch.no_grad():
            logprobs, _ = forward(rows)
        return list(logprobs)


def log_odds(logprobs: Tensor, label: Tensor) -> Tensor:
    """Log of p / (1 - p) of a label among several labels, nats, [n_rows].

    The log-probability among the labels is computed from this. Own minus the logarithm of a sum would be 0 for any
    answer that is surer than 1 - 1e-7, and no word would matter.
    """
    return logprobs.gather(1, label[:, None])[:, 0] - _other_labels(logprobs, label).logsumexp(1)


def _other_labels(logprobs: Tensor, label: Tensor) -> Tensor:
    return logprobs.scatter(1, label[:, None], float("-inf"))
