"""Controls: methods that name a word on which the answer does not depend."""

from __future__ import annotations

import random

from faithfulness_metrics.words import seed_of
from training.attribution.engine.document_batch import DocumentBatch
from training.attribution.methods import Scores
from training.attribution.methods.occlusion import occlusion


def random_scores(batch: DocumentBatch) -> Scores:
    """A random number per word, the same for all its occurrences."""
    scores = []
    for prompt in batch.prompts:
        rng = random.Random(seed_of(prompt.document.hash, "random", str(batch.options.seed)))
        draws = {key: rng.random() for key in prompt.types}
        scores.append([draws[word.key] for word in prompt.document.units])
    return scores


def lowest(batch: DocumentBatch) -> Scores:
    """Occlusion with its sign turned: the top word is the one that the answer needs least."""
    return [[None if score is None else -score for score in row] for row in occlusion(batch)]
