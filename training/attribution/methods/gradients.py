"""Gradient methods: captum's Integrated Gradients and Input x Gradient over the batched forward.

Only the user's words are interpolated. The baseline of a word is the embedding of the mask: token by token where mask
and word have equally many tokens, else the mean of the mask's token embeddings at each of the word's tokens, so that
the whole mask counts and the number of tokens, hence every other token's position, stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from captum.attr import InputXGradient, IntegratedGradients
from torch import Tensor

from training.attribution.engine.document_batch import Chunk, log_odds
from training.attribution.engine.forward import Rows


def integrated_gradients(chunk: Chunk) -> tuple[list[list[float]], list[float]]:
    """Scores of each document's words and the completeness delta of each document.

    Source: Sundararajan et al. 2017 (arXiv 1703.01365), equation 3, Gauss-Legendre nodes. The delta is the sum of the
    scores minus the difference of the value between text and baseline, in nats: 0 if the integral were exact.
    """
    before = chunk.values()

    def work(batch: list[int]) -> list[tuple[list[float], float]]:
        embeds, lengths, baseline = _ends(chunk, batch)
        label = chunk.label[batch]
        most = max(len(batch), chunk.gradients.tokens // (embeds.shape[1] + chunk.gradients.extra))
        scores = IntegratedGradients(_function(chunk)).attribute(
            embeds,
            baselines=baseline,
            additional_forward_args=(lengths, label),
            n_steps=chunk.options.steps,
            method="gausslegendre",
            internal_batch_size=most if most < len(batch) * chunk.options.steps else None,
        )
        with torch.no_grad():
            start = _function(chunk)(baseline, lengths, label)
        each = scores.sum(-1)
        delta = each.cpu().double().sum(1) - (before[batch].cpu().double() - start.cpu().double())
        return list(zip(_words(chunk, batch, each), delta.tolist(), strict=True))

    # A document costs its steps: as many documents as their steps fit together, at least one.
    done = _in_batches(chunk, chunk.options.steps, work)
    return [scores for scores, _ in done], [delta for _, delta in done]


def input_x_gradient(chunk: Chunk) -> list[list[float]]:
    """Embedding times gradient, summed over a word's tokens (Shrikumar et al. 2016, arXiv 1605.01713)."""

    def work(batch: list[int]) -> list[list[float]]:
        embeds, lengths, _ = _ends(chunk, batch)
        label = chunk.label[batch]
        embeds.requires_grad_()
        scores = InputXGradient(_function(chunk)).attribute(embeds, additional_forward_args=(lengths, label))
        return _words(chunk, batch, scores.detach().sum(-1))

    return _in_batches(chunk, 1, work)


def gradient_norm(chunk: Chunk) -> list[list[float]]:
    """Length of the gradient at a word's tokens, summed: which words matter at all, for one backward pass."""

    def work(batch: list[int]) -> list[list[float]]:
        embeds, lengths, _ = _ends(chunk, batch)
        embeds.requires_grad_()
        logprobs, _ = chunk.forward(Rows(embeds, lengths, bool(chunk.skip)))
        label = chunk.label[batch]
        # Log-odds point where the log-probability does, and are steep where it is flat: for sure answers.
        steep = chunk.options.target == "normalized" and logprobs.shape[1] > 1
        value = log_odds(logprobs, label) if steep else chunk.value(logprobs, label)
        (gradient,) = torch.autograd.grad(value.sum(), embeds)
        return _words(chunk, batch, gradient.norm(dim=-1))

    return _in_batches(chunk, 1, work)


def _in_batches(chunk: Chunk, rows: int, work: Callable[[list[int]], Sequence[Any]]) -> list[Any]:
    length = lambda index: rows * (len(chunk.prompts[index].ids) - chunk.skip)  # noqa: E731
    extra = rows * chunk.gradients.extra
    return chunk.gradients.run(range(len(chunk.prompts)), length, work, parts=rows, beside=lambda _: extra)


def _ends(chunk: Chunk, batch: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Embeddings of the texts and of their baselines, [n_batch, n_tokens, width], in float32, and their lengths."""
    prompts = [chunk.prompts[index] for index in batch]
    ids, lengths = chunk.forward.pad([prompt.ids[chunk.skip :] for prompt in prompts])
    # Float32 whatever the model's precision: the steps along the path are smaller than bfloat16 can tell apart.
    embeds = chunk.forward.embed(ids).float()
    baseline = embeds.clone()
    mask = {blank: chunk.renderer.mask_ids(blank) for blank in (True, False)}
    # Where a mask is written token by token, and where its mean stands: (row, token, what).
    exact, means = list[tuple[int, int, int]](), dict[bool, list[tuple[int, int]]]()
    for row, prompt in enumerate(prompts):
        for word, span in zip(prompt.document.words, prompt.spans, strict=True):
            blank = word.start == 0 or prompt.document.fields[word.field][word.start - 1].isspace()
            places = [(row, place - chunk.skip) for place in span]
            if len(span) == len(mask[blank]):
                exact += [(*place, token) for place, token in zip(places, mask[blank], strict=True)]
            elif places:  # a tokenizer may drop all there is of a word
                means.setdefault(blank, []).extend(places)
    for blank, where in means.items():
        mean = chunk.forward.embed(torch.tensor(mask[blank], device=chunk.forward.device)).float().mean(0)
        at = torch.tensor(where, device=chunk.forward.device)
        baseline[at[:, 0], at[:, 1]] = mean
    if exact:
        at = torch.tensor(exact, device=chunk.forward.device)
        baseline[at[:, 0], at[:, 1]] = chunk.forward.embed(at[:, 2]).float()
    return embeds, lengths, baseline


def _function(chunk: Chunk) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    def value(embeds: Tensor, lengths: Tensor, label: Tensor) -> Tensor:
        logprobs, _ = chunk.forward(Rows(embeds, lengths, bool(chunk.skip)))
        return chunk.value(logprobs, label)

    return value


def _words(chunk: Chunk, batch: Sequence[int], tokens: Tensor) -> list[list[float]]:
    """Scores of words from scores of tokens [n_batch, n_tokens]. A token of two words counts half for each."""
    told = tokens.cpu().double().tolist()
    result = []
    for row, index in enumerate(batch):
        spans = chunk.prompts[index].spans
        owners: dict[int, int] = {}
        for span in spans:
            for place in span:
                owners[place] = owners.get(place, 0) + 1
        result.append([sum(told[row][place - chunk.skip] / owners[place] for place in span) for span in spans])
    return result
