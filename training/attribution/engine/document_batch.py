"""A chunk of documents on the device: predicted once, and everything that is asked about them afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from faithfulness_metrics.words import mask_out
from training.attribution.engine.batching import TokenBudget
from training.attribution.engine.forward import Forward, Rows
from training.attribution.options import AttributionOptions
from training.attribution.prompt.renderer import Renderer
from training.attribution.prompt.token_alignment import Prompt, common_prefix

# A past token costs a row the copy of its keys and values, a new one the whole model.
PAST_COST = 4


@dataclass(frozen=True)
class Variant:
    """A document with words masked.

    Attributes:
        document: index in the chunk.
        ids: tokens of the whole prompt.
        start: tokens of the document (behind the shared prefix) that it has in common with the original.
    """

    document: int
    ids: list[int]
    start: int


class Chunk:
    """Documents that are attributed together.

    Args:
        forward: the model.
        renderer: of their question.
        prompts: the documents; all of them share the prefix, or none does.
        options: how words are scored.
        budget: of the rows of variants.
        gradients: of the rows that gradients are taken of: they keep every layer's activations.
        skip: how many tokens of the shared prefix the documents and their variants stand on; all of it or none.

    Attributes:
        logprobs: log-probability of each label, nats, [n_documents, n_labels].
        label: index of the predicted label, [n_documents].
    """

    def __init__(
        self,
        forward: Forward,
        renderer: Renderer,
        prompts: Sequence[Prompt],
        options: AttributionOptions,
        budget: TokenBudget,
        gradients: TokenBudget,
        skip: int,
    ) -> None:
        self.forward, self.renderer, self.prompts = forward, renderer, prompts
        self.options, self.budget, self.gradients = options, budget, gradients
        self.skip = skip
        self._opening = forward.prefix_ids[: self.skip]
        ids, lengths = forward.pad([prompt.ids[self.skip :] for prompt in prompts])
        with torch.no_grad():
            # Without a window the keys and values are good for going on from, prefix or not.
            told, self.past = forward(Rows(forward.embed(ids), lengths, bool(self.skip)), keep=options.suffix_only)
        self.logprobs: Tensor = told
        self.label = told.argmax(1)
        self.variants_asked: dict[tuple[int, frozenset[int]], Tensor] = {}

    def value(self, logprobs: Tensor, label: Tensor) -> Tensor:
        """The attributed number, [n_rows], from label log-probabilities [n_rows, n_labels]."""
        return value_of(logprobs, label, self.options.target)

    def values(self) -> Tensor:
        """The attributed number of each document, [n_documents]."""
        return self.value(self.logprobs, self.label)

    def masked(self, wanted: Sequence[tuple[int, frozenset[int]]]) -> Tensor:
        """Label log-probabilities of documents with words masked, [n_wanted, n_labels].

        Args:
            wanted: (index of the document, positions of its masked words). What was asked before is not asked again.
        """
        new = [pair for pair in dict.fromkeys(wanted) if pair not in self.variants_asked]
        if new:
            variants = self._variants(new)
            # A tokenizer may merge a mask with what stands before it: such a prompt does not open like all others.
            for odd in (False, True):
                places = [i for i, variant in enumerate(variants) if (variant.ids[: self.skip] != self._opening) is odd]
                told = self._ask([variants[i] for i in places], 0 if odd else self.skip)
                self.variants_asked.update(zip([new[i] for i in places], told, strict=True))
        return torch.stack([self.variants_asked[pair] for pair in wanted])

    def _ask(self, variants: list[Variant], skip: int) -> list[Tensor]:
        return self.budget.run(
            variants,
            lambda variant: len(variant.ids) - skip - variant.start,
            lambda batch: self._run(batch, skip),
            beside=lambda variant: (skip + variant.start) // PAST_COST if variant.start else 0,
        )

    def _variants(self, wanted: Sequence[tuple[int, frozenset[int]]]) -> list[Variant]:
        texts: dict[int, list[Mapping[str, str]]] = {}
        for index, positions in wanted:
            document = self.prompts[index].document
            masked = mask_out(document.fields, document.words, positions, self.renderer.spec.options.mask)
            texts.setdefault(index, []).append(masked)
        encoded = {index: iter(self.renderer.variants(self.prompts[index], rows)) for index, rows in texts.items()}
        return [self._variant(index, next(encoded[index])) for index, _ in wanted]

    def _variant(self, index: int, ids: list[int]) -> Variant:
        if self.past is None:
            return Variant(index, ids, 0)
        original = self.prompts[index].ids
        same = min(len(common_prefix([ids, original])), len(ids) - 1)
        return Variant(index, ids, max(0, same - self.skip))

    def _run(self, variants: list[Variant], skip: int) -> list[Tensor]:
        forward, past = self.forward, self.past
        ids, lengths = forward.pad([v.ids[skip + v.start :] for v in variants])
        going_on = past is not None and any(v.start for v in variants)
        rows = Rows(
            forward.embed(ids),
            lengths,
            bool(skip),
            past if going_on else None,
            torch.tensor([v.document for v in variants], device=forward.device) if going_on else None,
            torch.tensor([v.start for v in variants], device=forward.device) if going_on else None,
        )
        with torch.no_grad():
            told, _ = forward(rows)
        return list(told)


def value_of(logprobs: Tensor, label: Tensor, target: str) -> Tensor:
    """The number that is attributed, [n_rows]; see `AttributionOptions.target`."""
    own = logprobs.gather(1, label[:, None])[:, 0]
    if target == "logprob":
        return own
    if logprobs.shape[1] == 1:  # a single label has no other: it is certain, its margin is its log-probability
        return own - own if target == "normalized" else own
    if target == "normalized":
        return -torch.nn.functional.softplus(-log_odds(logprobs, label))
    return own - _others(logprobs, label).amax(1)


def log_odds(logprobs: Tensor, label: Tensor) -> Tensor:
    """Log of p / (1 - p) of a label among several labels, nats, [n_rows].

    The log-probability among the labels goes through this: own minus the logarithm of a sum would be 0 for any answer
    that is surer than 1 - 1e-7, and no word would matter.
    """
    return logprobs.gather(1, label[:, None])[:, 0] - _others(logprobs, label).logsumexp(1)


def _others(logprobs: Tensor, label: Tensor) -> Tensor:
    return logprobs.scatter(1, label[:, None], float("-inf"))
