"""Methods that ask about many subsets of the words: captum's Shapley sampling, LIME and KernelSHAP.

captum sees a text as a row of zeros and ones, one per word; a zero writes the mask. Draws are seeded by the document,
so neither the order of the texts nor the number of processes changes a score.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from captum.attr import KernelShap, Lime, ShapleyValueSampling
from torch import Tensor

from faithfulness_metrics.words import seed_of
from training.attribution.engine.document_batch import Chunk
from training.attribution.methods.occlusion import Scores, features_of

Function = Callable[[Tensor], Tensor]


def shapley(chunk: Chunk) -> Scores:
    """Shapley values by sampled permutations (Castro et al. 2009; captum's ShapleyValueSampling)."""
    return _each(
        chunk,
        lambda function, inputs, samples: ShapleyValueSampling(function).attribute(
            inputs, n_samples=samples, perturbations_per_eval=max(1, inputs.shape[1])
        ),
    )


def lime(chunk: Chunk) -> Scores:
    """Weights of a local linear model (Ribeiro et al. 2016, arXiv 1602.04938; captum's Lime, its Lasso and kernel).

    Numbers are fitted in units of their own spread over the perturbed texts, so that the Lasso's penalty of .01 is a
    hundredth of that: in nats it would take every word out of a text whose answer moves by less.
    """

    def fit(function: Function, inputs: Tensor, samples: int) -> Tensor:
        state, heard = torch.get_rng_state(), list[Tensor]()

        def listened(present: Tensor) -> Tensor:
            heard.append(function(present))
            return heard[-1]

        first: Tensor = Lime(listened).attribute(inputs, n_samples=samples, perturbations_per_eval=samples)
        spread = float(torch.cat(heard).std())
        if not spread:
            return first
        torch.set_rng_state(state)  # the same perturbed texts, whose answers are known by now
        scaled = Lime(lambda present: function(present) / spread)
        second: Tensor = scaled.attribute(inputs, n_samples=samples, perturbations_per_eval=samples)
        return second * spread

    return _each(chunk, fit)


def kernel_shap(chunk: Chunk) -> Scores:
    """Shapley values by weighted regression (Lundberg and Lee 2017, arXiv 1705.07874; captum's KernelShap).

    With fewer samples than words the regression has no single answer; at least two samples a word are drawn.
    """
    return _each(
        chunk,
        lambda function, inputs, samples: KernelShap(function).attribute(
            inputs, n_samples=max(samples, 2 * inputs.shape[1] + 2), perturbations_per_eval=samples
        ),
    )


def _each(chunk: Chunk, attribute: Callable[[Function, Tensor, int], Tensor]) -> Scores:
    scores: Scores = []
    for index, prompt in enumerate(chunk.prompts):
        features = features_of(prompt, chunk.options.pool)

        def function(present: Tensor, index: int = index, features: list[frozenset[int]] = features) -> Tensor:
            return _values(chunk, index, features, present)

        if len(features) == 1:  # a single word bears it all; captum's regressions need two
            values = function(torch.ones(1, 1)) - function(torch.zeros(1, 1))
        else:
            seed = seed_of(prompt.document.hash, chunk.options.method, str(chunk.options.seed)) % 2**31
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                values = attribute(function, torch.ones(1, len(features)), chunk.options.samples)[0]
        row: list[float | None] = [None] * len(prompt.spans)
        for feature, value in zip(features, values.double().tolist(), strict=True):
            for position in feature:
                row[position] = value
        scores.append(row)
    return scores


def _values(chunk: Chunk, index: int, features: list[frozenset[int]], present: Tensor) -> Tensor:
    """The attributed number for rows of ones and zeros [n_rows, n_features]."""
    wanted = []
    for row in present.tolist():
        gone = [feature for feature, there in zip(features, row, strict=True) if there < 0.5]
        wanted.append((index, frozenset().union(*gone)))
    told = chunk.masked(wanted)
    return chunk.value(told, chunk.label[index].expand(len(wanted))).cpu()
