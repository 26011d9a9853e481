"""Occlusion: what the answer loses when a word is masked, asked of the model itself as the evaluation asks.

`cascade` lets one gradient choose a few words and asks about those only.
"""

from __future__ import annotations

from collections.abc import Sequence

from training.attribution.engine.document_batch import DocumentBatch
from training.attribution.methods import Scores
from training.attribution.methods.gradients import gradient_norm
from training.attribution.prompt.token_alignment import Prompt

# Positions of the words that are masked together.
Feature = frozenset[int]


def occlusion(batch: DocumentBatch) -> Scores:
    """Value of the text minus value without the word, in nats, [n_documents][n_words].

    Pooled, every occurrence of a word carries the score of masking all of them. Source: Zeiler and Fergus 2014; Li et
    al. 2016 (arXiv 1612.08220), for words.
    """
    return _occlude(batch, [features_of(prompt, batch.options.pool) for prompt in batch.prompts])


def cascade(batch: DocumentBatch) -> Scores:
    """Occlusion of the few words with the longest gradient; the scores of all others are None."""
    finalists = []
    for prompt, norms in zip(batch.prompts, gradient_norm(batch), strict=True):
        features = features_of(prompt, batch.options.pool)
        strength = {feature: sum(norms[position] for position in feature) for feature in features}
        finalists.append(sorted(features, key=lambda feature: -strength[feature])[: batch.options.finalists])
    return _occlude(batch, finalists)


def features_of(prompt: Prompt, pool: bool) -> list[Feature]:
    """What a method scores as one: all occurrences of each word, or every occurrence alone."""
    if pool:
        return [frozenset(positions) for positions in prompt.types.values()]
    return [frozenset([position]) for position in range(len(prompt.spans))]


def word_scores(prompt: Prompt, features: Sequence[Feature], scores: Sequence[float]) -> list[float | None]:
    """A score per word from scores of features; None for words that are in no feature."""
    score_of = {position: score for feature, score in zip(features, scores, strict=True) for position in feature}
    return [score_of.get(position) for position in range(len(prompt.spans))]


def _occlude(batch: DocumentBatch, features: list[list[Feature]]) -> Scores:
    """Scores of the given features of each document; None elsewhere."""
    maskings = [(index, feature) for index, row in enumerate(features) for feature in row]
    logprobs = batch.with_masks(maskings)
    documents = [index for index, _ in maskings]
    values = batch.target_value(logprobs, batch.label[documents])
    drops = (batch.target_values()[documents] - values).cpu().double().tolist()
    drop_of = dict(zip(maskings, drops, strict=True))
    return [
        word_scores(prompt, row, [drop_of[index, feature] for feature in row])
        for index, (prompt, row) in enumerate(zip(batch.prompts, features, strict=True))
    ]
