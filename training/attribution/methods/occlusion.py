"""Occlusion: what the answer loses when a word is masked, asked of the model itself as the evaluation asks.

`cascade` lets one gradient choose a few words and asks about those only. `lowest` is the control that names the word
whose absence hurts the answer least.
"""

from __future__ import annotations

from training.attribution.engine.document_batch import Chunk
from training.attribution.methods.gradients import gradient_norm
from training.attribution.prompt.token_alignment import Prompt

Scores = list[list[float | None]]


def occlusion(chunk: Chunk) -> Scores:
    """Value of the text minus value without the word, in nats, [n_documents][n_words].

    Pooled, every occurrence of a word carries the score of masking all of them. Source: Zeiler and Fergus 2014; Li et
    al. 2016 (arXiv 1612.08220), for words.
    """
    return _scored(chunk, [features_of(prompt, chunk.options.pool) for prompt in chunk.prompts])


def cascade(chunk: Chunk) -> Scores:
    """Occlusion of the few words with the longest gradient; the scores of all others are None."""
    screens, chosen = gradient_norm(chunk), []
    for index, screen in enumerate(screens):
        features = features_of(chunk.prompts[index], chunk.options.pool)
        strength = {feature: sum(screen[position] for position in feature) for feature in features}
        chosen.append(sorted(features, key=lambda feature: -strength[feature])[: chunk.options.finalists])
    return _scored(chunk, chosen)


def lowest(chunk: Chunk) -> Scores:
    """Occlusion with its sign turned: the top word is the one that the answer needs least."""
    return [[None if score is None else -score for score in row] for row in occlusion(chunk)]


def features_of(prompt: Prompt, pool: bool) -> list[frozenset[int]]:
    """What is scored as one in a document: the positions of each word, or every position alone."""
    if pool:
        return [frozenset(positions) for positions in prompt.types.values()]
    return [frozenset([position]) for position in range(len(prompt.spans))]


def _scored(chunk: Chunk, features: list[list[frozenset[int]]]) -> Scores:
    wanted = [(index, feature) for index, row in enumerate(features) for feature in row]
    told = chunk.masked(wanted)
    documents = [index for index, _ in wanted]
    drop = (chunk.values()[documents] - chunk.value(told, chunk.label[documents])).cpu().double().tolist()
    scores: Scores = [[None] * len(prompt.spans) for prompt in chunk.prompts]
    for (index, feature), score in zip(wanted, drop, strict=True):
        for position in feature:
            scores[index][position] = score
    return scores
