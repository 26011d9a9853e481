"""Gradient methods: captum's Integrated Gradients and Input x Gradient over the batched forward.

Only the user's words are interpolated. The baseline of a word is the embedding of the mask. Where mask and word have
equally many tokens, it is taken token by token. Elsewhere each token of the word gets the mean of the mask's token
embeddings. So all of the mask counts, and the number of tokens, hence the position of every other token, stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import torch
from captum.attr import InputXGradient, IntegratedGradients
from torch import Tensor

from lm_eval_tasks.forward_pass.batching import in_order
from training.attribution.engine.document_batch import DocumentBatch
from training.attribution.engine.forward import EmbeddedBatch
from training.attribution.methods import Scores

Result = TypeVar("Result")

# (row, token): where a baseline differs from the text.
Position = tuple[int, int]


def integrated_gradients(batch: DocumentBatch) -> tuple[Scores, list[float]]:
    """Scores of each document's words, and the completeness delta of each document.

    Source: Sundararajan et al. 2017 (arXiv 1703.01365), equation 3, Gauss-Legendre nodes. The delta is the sum of the
    scores minus the difference of the value between text and baseline, in nats: 0 if the integral were exact.
    """
    text_values, value, budget = batch.target_values(), partial(_value, batch), batch.budgets.gradients

    def work(indices: list[int]) -> list[tuple[list[float], float]]:
        embeds, lengths, baseline = _embeddings_and_baseline(batch, indices)
        label, steps = batch.label[indices], batch.options.steps
        rows_at_once = max(len(indices), budget.tokens // (embeds.shape[1] + budget.row_overhead))
        scores = IntegratedGradients(value).attribute(
            embeds,
            baselines=baseline,
            additional_forward_args=(lengths, label),
            n_steps=steps,
            method="gausslegendre",
            internal_batch_size=rows_at_once if rows_at_once < len(indices) * steps else None,
        )
        with torch.no_grad():
            baseline_values = value(baseline, lengths, label)
        token_scores = scores.sum(-1)
        difference = text_values[indices].cpu().double() - baseline_values.cpu().double()
        deltas = token_scores.cpu().double().sum(1) - difference
        return list(zip(_word_scores(batch, indices, token_scores), deltas.tolist(), strict=True))

    # A document costs its steps: as many documents as their steps fit together, at least one.
    results = _in_batches(batch, batch.options.steps, work)
    return [scores for scores, _ in results], [delta for _, delta in results]


def input_x_gradient(batch: DocumentBatch) -> Scores:
    """Embedding times gradient, summed over a word's tokens (Shrikumar et al. 2016, arXiv 1605.01713)."""

    def work(indices: list[int]) -> list[list[float]]:
        embeds, lengths, _ = _embeddings_and_baseline(batch, indices)
        label = batch.label[indices]
        embeds.requires_grad_()
        scores = InputXGradient(partial(_value, batch)).attribute(embeds, additional_forward_args=(lengths, label))
        return _word_scores(batch, indices, scores.detach().sum(-1))

    return _in_batches(batch, 1, work)


def gradient_norm(batch: DocumentBatch) -> list[list[float]]:
    """Length of the gradient at a word's tokens, summed: which words matter at all, for one backward pass."""

    def work(indices: list[int]) -> list[list[float]]:
        embeds, lengths, _ = _embeddings_and_baseline(batch, indices)
        embeds.requires_grad_()
        logprobs, _ = batch.forward(EmbeddedBatch(embeds, lengths, bool(batch.prefix_tokens)))
        label = batch.label[indices]
        # The gradient of the log-odds has the direction of the log-probability's, and does not vanish for sure answers.
        saturates = batch.options.target == "normalized" and logprobs.shape[1] > 1
        value = batch.log_odds(logprobs, label) if saturates else batch.target_value(logprobs, label)
        (gradient,) = torch.autograd.grad(value.sum(), embeds)
        return _word_scores(batch, indices, gradient.norm(dim=-1))

    return _in_batches(batch, 1, work)


def _in_batches(batch: DocumentBatch, rows: int, work: Callable[[list[int]], Sequence[Result]]) -> list[Result]:
    """Results of `work` for each document, which costs that many rows."""
    budget = batch.budgets.gradients
    batches = budget.batches(
        range(len(batch.prompts)),
        lambda index: rows * (len(batch.prompts[index].ids) - batch.prefix_tokens),
        work,
        parts=rows,
        overhead=lambda index: rows * budget.row_overhead,
    )
    return in_order(batches)


def _embeddings_and_baseline(batch: DocumentBatch, indices: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Embeddings of texts, their lengths, and embeddings of their baselines, [n_documents, n_tokens, width].

    Float32 whatever the model's precision: the steps along the path are smaller than bfloat16 can tell apart.
    """
    forward, prefix_tokens = batch.forward, batch.prefix_tokens
    ids, lengths = forward.pad([batch.prompts[index].ids[prefix_tokens:] for index in indices])
    embeds = forward.embed(ids).float()
    baseline = embeds.clone()
    # Where the baseline has a token of the mask, and where it has the mean of a mask's tokens.
    exact, means = dict[Position, int](), dict[tuple[int, ...], list[Position]]()
    for row, prompt in enumerate(batch.prompts[index] for index in indices):
        for word, span in zip(prompt.document.units, prompt.spans, strict=True):
            after_blank = word.start == 0 or prompt.document.fields[word.field][word.start - 1].isspace()
            mask = batch.renderer.mask_ids(after_blank)
            positions = [(row, token - prefix_tokens) for token in span]
            if len(span) == len(mask):
                exact |= dict(zip(positions, mask, strict=True))
            elif positions:  # a tokenizer may drop all there is of a word
                means.setdefault(mask, []).extend(positions)
    for mask, positions in means.items():
        mean = forward.embed(torch.tensor(mask, device=forward.device)).float().mean(0)
        position = torch.tensor(positions, device=forward.device)
        baseline[position[:, 0], position[:, 1]] = mean
    if exact:
        position = torch.tensor(list(exact), device=forward.device)
        tokens = torch.tensor(list(exact.values()), device=forward.device)
        baseline[position[:, 0], position[:, 1]] = forward.embed(tokens).float()
    return embeds, lengths, baseline


def _value(batch: DocumentBatch, embeds: Tensor, lengths: Tensor, label: Tensor) -> Tensor:
    logprobs, _ = batch.forward(EmbeddedBatch(embeds, lengths, bool(batch.prefix_tokens)))
    return batch.target_value(logprobs, label)


def _word_scores(batch: DocumentBatch, indices: Sequence[int], tokens: Tensor) -> list[list[float]]:
    """Scores of words from scores of tokens [n_documents, n_tokens]. A token of two words counts half for each."""
    scores = []
    for row, index in zip(tokens.cpu().double().tolist(), indices, strict=True):
        spans = batch.prompts[index].spans
        owners = Counter(token for span in spans for token in span)
        scores.append([sum(row[token - batch.prefix_tokens] / owners[token] for token in span) for span in spans])
    return scores
