"""What `attribute` and `build` say of a classifier that does not classify.

docs/metrics.md, "12. What cannot be measured".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from faithfulness_metrics.measurability import count_answers, obstacle, remedy, sentence

CONSEQUENCE = "no explanation of such answers can be learnt or measured"


def counted_answers(predictions: Sequence[str | None]) -> dict[str, int]:
    """Label -> texts that the model answers with it, the most frequent first; "" for texts without an answer."""
    return dict(Counter(label or "" for label in predictions).most_common())


def accuracy_line(predictions: Sequence[str | None], golds: Sequence[str | None]) -> str:
    """Accuracy beside the majority's, over the texts with an answer; empty without gold labels.

    >>> accuracy_line(["a", "a", "b"], ["a", "b", "b"])
    'accuracy .67, majority .67'
    """
    answers = count_answers(predictions, golds)
    if not answers.known:
        return ""
    rates = (f"{count / answers.read:.2f}".removeprefix("0") for count in (answers.right, answers.majority))
    return "accuracy {}, majority {}".format(*rates)


def why_nothing_to_learn(
    predictions: Sequence[str | None],
    golds: Sequence[str | None],
    classifier: str,
    *,
    examples: bool = False,
    changes: float | None = None,
    label_mass: float | None = None,
) -> str:
    """One line if the model gives nearly all texts one answer, or few texts have one, and what to do; else empty.

    Args:
        predictions, golds: of the same texts; None without an answer, and without a gold label.
        classifier: the option of that name which the answers are from.
        examples: whether labelled examples stood before the question.
        changes: share of the texts whose answer changes without some word; None if unknown.
        label_mass: mean probability that the labels hold together; None if unknown.
    """
    reason = obstacle(count_answers(predictions, golds), changes, label_mass=label_mass)
    what_to_do = remedy(reason.kind, classifier, examples, interface="command") if reason else ""
    return sentence(reason, what_to_do, CONSEQUENCE) if reason else ""
