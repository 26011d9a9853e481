"""All ways to score words, by name."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from faithfulness_metrics.words import seed_of
from training.attribution.engine.document_batch import Chunk
from training.attribution.methods.gradients import input_x_gradient, integrated_gradients
from training.attribution.methods.occlusion import cascade, lowest, occlusion
from training.attribution.methods.sampling import kernel_shap, lime, shapley

# Scores of each document's words, and the completeness delta of each document where the method has one.
Attributed = tuple[Sequence[Sequence[float | None]], Sequence[float | None]]


def _drawn(chunk: Chunk) -> list[list[float | None]]:
    """A random number per word, the same for all its occurrences: the control of a method that knows nothing."""
    rows: list[list[float | None]] = []
    for prompt in chunk.prompts:
        rng = random.Random(seed_of(prompt.document.hash, "random", str(chunk.options.seed)))
        drawn = {key: rng.random() for key in prompt.types}
        rows.append([drawn[word.key] for word in prompt.document.words])
    return rows


def _plain(method: Callable[[Chunk], Sequence[Sequence[float | None]]]) -> Callable[[Chunk], Attributed]:
    return lambda chunk: (method(chunk), [None] * len(chunk.prompts))


METHODS: dict[str, Callable[[Chunk], Attributed]] = {
    "occlusion": _plain(occlusion),
    "ig": integrated_gradients,
    "cascade": _plain(cascade),
    "ixg": _plain(input_x_gradient),
    "shapley": _plain(shapley),
    "lime": _plain(lime),
    "kernel_shap": _plain(kernel_shap),
    "random": _plain(_drawn),
    "lowest": _plain(lowest),
}

# Methods that score every occurrence by itself: a word's score is the sum over its occurrences. The others mask all
# occurrences at once, and each of them carries the score of that.
ADDITIVE = ("ig", "ixg")

# Methods that take gradients, for which a model's activations are kept.
GRADIENTS = ("ig", "ixg", "cascade")

# Methods that ask about the text as it is, and those that ask about it with any of its words masked; the others mask
# one word at a time.
UNMASKED = ("ig", "ixg", "random")
SUBSETS = ("shapley", "lime", "kernel_shap")
