"""Methods that ask about many subsets of the words: captum's Shapley sampling, LIME and KernelSHAP.

captum sees a text as a row of zeros and ones, one per word; a zero writes the mask. The document's hash seeds the
draws, so neither the order of the texts nor the number of processes changes a score.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from captum.attr import KernelShap, Lime, ShapleyValueSampling
from torch import Tensor

from faithfulness_metrics.words import seed_of
from training.attribution.engine.document_batch import DocumentBatch
from training.attribution.methods import Scores
from training.attribution.methods.occlusion import Feature, features_of, word_scores

# The attributed number of a text for rows of ones and zeros, [n_rows, n_features] -> [n_rows].
ValueFunction = Callable[[Tensor], Tensor]


def shapley(batch: DocumentBatch) -> Scores:
    """Shapley values by sampled permutations (Castro et al. 2009; captum's ShapleyValueSampling)."""
    return _attribute_each(
        batch,
        lambda function, inputs, samples: ShapleyValueSampling(function).attribute(
            inputs, n_samples=samples, perturbations_per_eval=max(1, inputs.shape[1])
        ),
    )


def lime(batch: DocumentBatch) -> Scores:
    """Weights of a local linear model (Ribeiro et al. 2016, arXiv 1602.04938; captum's Lime, its Lasso and kernel).

    The model is fitted to values in units of their spread over the perturbed texts: the Lasso's penalty of .01 is a
    hundredth of that. In nats it would remove every word from a text whose answer moves by less.
    """

    def fit(function: ValueFunction, inputs: Tensor, samples: int) -> Tensor:
        state, values = torch.get_rng_state(), list[Tensor]()

        def recording(present: Tensor) -> Tensor:
            values.append(function(present))
            return values[-1]

        unscaled: Tensor = Lime(recording).attribute(inputs, n_samples=samples, perturbations_per_eval=samples)
        spread = float(torch.cat(values).std())
        if not spread:
            return unscaled
        torch.set_rng_state(state)  # the same perturbed texts, whose answers are known by now
        scaled: Tensor = Lime(lambda present: function(present) / spread).attribute(
            inputs, n_samples=samples, perturbations_per_eval=samples
        )
        return scaled * spread

    return _attribute_each(batch, fit)


def kernel_shap(batch: DocumentBatch) -> Scores:
    """Shapley values by weighted regression (Lundberg and Lee 2017, arXiv 1705.07874; captum's KernelShap).

    With fewer samples than words the regression has no single answer, so at least two samples a word are drawn.
    """
    return _attribute_each(
        batch,
        lambda function, inputs, samples: KernelShap(function).attribute(
            inputs, n_samples=max(samples, 2 * inputs.shape[1] + 2), perturbations_per_eval=samples
        ),
    )


def _attribute_each(batch: DocumentBatch, attribute: Callable[[ValueFunction, Tensor, int], Tensor]) -> Scores:
    scores = []
    for index, prompt in enumerate(batch.prompts):
        features = features_of(prompt, batch.options.pool)
        function = partial(_values, batch, index, features)
        if len(features) == 1:  # a single word bears it all; captum's regressions need two
            values = function(torch.ones(1, 1)) - function(torch.zeros(1, 1))
        else:
            seed = seed_of(prompt.document.hash, batch.options.method, str(batch.options.seed)) % 2**31
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                values = attribute(function, torch.ones(1, len(features)), batch.options.samples)[0]
        scores.append(word_scores(prompt, features, values.double().tolist()))
    return scores


def _values(batch: DocumentBatch, index: int, features: list[Feature], present: Tensor) -> Tensor:
    """The attributed number of a document for rows of ones and zeros [n_rows, n_features]."""
    maskings = []
    for row in present.tolist():
        masked = [feature for feature, is_present in zip(features, row, strict=True) if is_present < 0.5]
        maskings.append((index, frozenset().union(*masked)))
    logprobs = batch.with_masks(maskings)
    return batch.target_value(logprobs, batch.label[index].expand(len(maskings))).cpu()
