"""Replacement words of counterfactuals: what answers of the other label hang on."""

from __future__ import annotations

from collections.abc import Iterable

from faithfulness_metrics.counterfactual import label_leak
from faithfulness_metrics.flips import UNKNOWN
from faithfulness_metrics.words import key_of
from lm_eval_tasks.classification import Question
from lm_eval_tasks.styles.explanation import Explanation
from training.build.attributions import Attributed


def replacement_words(question: Question, texts: Iterable[Attributed], most: int) -> dict[str, tuple[str, ...]]:
    """The words that most explain each label.

    A word's weight for a label is the sum of its scores over the texts that were given this label and whose best word
    it is: frequent and decisive. Words of labels are left out, they would answer instead of change the text.

    Args:
        question: the dataset's.
        texts: its attributions.
        most: how many words a label gets.

    Returns:
        label -> words as first written, the heaviest first.
    """
    weights: dict[str, dict[str, float]] = {label: {} for label in question.labels}
    written: dict[str, str] = {}
    labels = (*question.labels, UNKNOWN)
    for text in texts:
        if text.prediction not in weights or not text.ranking:
            continue
        key, score = text.ranking[0]
        if score <= 0 or label_leak([], [key], labels):
            continue
        written.setdefault(key, next(word.text for word in text.document.words if word.key == key))
        weights[text.prediction][key] = weights[text.prediction].get(key, 0.0) + score
    # Equal weights: by the alphabet, so that the order of the texts does not matter.
    return {
        label: tuple(written[key] for key, _ in sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:most])
        for label, found in weights.items()
    }


def proposal(explanation: Explanation) -> str:
    """The new word of a counterfactual of the model's own; empty unless it replaced one word by another."""
    kinds = {edit.kind for edit in explanation.edits}
    news = {key_of(edit.text): edit.text for edit in explanation.edits}
    return next(iter(news.values())) if explanation.valid and kinds == {"replace"} and len(news) == 1 else ""
