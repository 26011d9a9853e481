"""Replacement words of counterfactuals: the words that explain answers with the other label."""

from __future__ import annotations

from collections.abc import Collection

from faithfulness_metrics.counterfactual import label_leak
from faithfulness_metrics.flips import UNKNOWN
from faithfulness_metrics.words import key_of
from lm_eval_tasks.classification import Question
from lm_eval_tasks.styles.explanation import Explanation
from training.build.attributions import AttributedText


def replacement_words(question: Question, texts: Collection[AttributedText], most: int) -> dict[str, tuple[str, ...]]:
    """Choose the words that best explain each label.

    A word's weight for a label is the sum of its scores over the texts that got this label and whose best word it is.
    So heavy words are frequent and decisive. Words of labels are left out, because they would name the answer instead
    of changing the text.

    In multiple choice a letter means another answer in each text, so that no word belongs to it. There every letter
    gets the words that weigh most over all texts. The evaluation's judgement decides which of them reaches the target.

    Returns:
        label -> at most that many words, as first written, the heaviest first.
    """
    own_labels = {label for text in texts for label in text.document.labels}
    weights: dict[str, dict[str, float]] = {label: {} for label in (*question.labels, *sorted(own_labels))}
    written: dict[str, str] = {}
    labels = (*question.labels, UNKNOWN)
    for text in texts:
        if text.prediction not in weights or not text.ranking:
            continue
        key, score = text.ranking[0]
        if score <= 0 or label_leak([], [key], labels):
            continue
        written.setdefault(key, next(word.text for word in text.document.units if word.key == key))
        for label in own_labels or [text.prediction]:
            weights[label][key] = weights[label].get(key, 0.0) + score
    # Equal weights are ordered by the alphabet, so that the order of the texts does not matter.
    return {
        label: tuple(written[key] for key, _ in sorted(of_label.items(), key=lambda pair: (-pair[1], pair[0]))[:most])
        for label, of_label in weights.items()
    }


def proposed_word(explanation: Explanation) -> str:
    """The new word of the model's own counterfactual; empty unless it replaced words by one other word."""
    kinds = {edit.kind for edit in explanation.edits}
    words = {key_of(edit.text): edit.text for edit in explanation.edits}
    return next(iter(words.values())) if explanation.valid and kinds == {"replace"} and len(words) == 1 else ""
