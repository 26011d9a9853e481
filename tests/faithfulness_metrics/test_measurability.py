"""When nothing can be measured: the rule on counts, by hand."""

import math

import pytest

from faithfulness_metrics.measurability import answer_share, count_answers, obstacle, remedy, sentence

A, B, C = "a", "b", "c"


def kind_of(predictions, golds, **facts):
    reason = obstacle(count_answers(predictions, golds), **facts)
    return reason.kind if reason else ""


@pytest.mark.parametrize(
    ("predictions", "golds", "changes", "kind"),
    [
        # Constant, on balanced, unbalanced and three-way labels; a few changed answers do not save it.
        ([A] * 150, [A, B] * 75, 0.05, "constant"),
        ([A] * 8, [A, B] * 4, 0.05, "constant"),
        ([A] * 48, [A, B, C] * 16, 0.0, "constant"),
        ([A] * 100, [A] * 87 + [B] * 13, 0.05, "constant"),
        ([B] * 100, [A] * 87 + [B] * 13, 0.05, "constant"),  # the rarer label for all
        ([A] * 12, [A] * 9 + [B] * 3, 0.05, "constant"),
        ([A] * 150, [A, B] * 75, 0.1, "constant"),
        ([A] * 150, [A, B] * 75, 0.11, ""),  # words decide, although none of the texts as they are is B
        # Nearly constant: 145 of 150, whether the five others are right or not.
        ([A] * 145 + [B] * 5, [A, B] * 75, 0.05, "constant"),
        ([A] * 145 + [B] * 5, [A] * 75 + [B] * 75, 0.05, "constant"),
        # Good classifiers of unbalanced texts: .97 where 87 % are ham; 4 of 4 rare ones among 100.
        ([A] * 84 + [B] * 16, [A] * 87 + [B] * 13, 0.05, ""),
        ([A] * 95 + [B] * 5, [A] * 87 + [B] * 13, 0.0, ""),
        ([A] * 96 + [B] * 4, [A] * 96 + [B] * 4, 0.0, ""),
        # One answer has less than 95 %.
        ([A] * 94 + [B] * 6, [A, B] * 50, 0.0, ""),
        # Few texts, or texts of one gold label: changes decide; of one text nothing is said.
        ([A], [B], 0.0, ""),
        ([A] * 3, [A, A, B], 0.05, ""),
        ([A] * 3, [A, A, B], 0.0, "few"),
        ([A] * 12, [A] * 11 + [B], 0.05, ""),
        ([A] * 200, [A] * 200, 0.05, ""),
        ([A] * 200, [A] * 200, 0.0, "few"),
        # Without gold labels.
        ([A] * 40, [None] * 40, 0.05, ""),
        ([A] * 40, [None] * 40, 0.0, "few"),
        ([A, B] * 20, [None] * 40, 0.0, ""),
        # Unread answers: another reason. Half of them is not most of them.
        ([None] * 31 + [A] * 17, [A, B] * 24, 0.05, "unread"),
        ([None] * 24 + [A, B] * 12, [A, B] * 24, 0.05, ""),
        ([None] * 20 + [A] * 28, [A, B] * 24, 0.05, "constant"),
        ([None], [A], 0.0, "unread"),
        ([], [], 0.0, ""),
    ],
)  # fmt: skip
def test_the_rule_on_answers(predictions, golds, changes, kind):
    assert kind_of(predictions, golds, changes=changes) == kind


@pytest.mark.parametrize(
    ("headroom", "kind"),
    [(None, ""), (0.3, ""), (0.01, ""), (0.0, "headroom"), (-0.02, "headroom"), (1e-12, "headroom")],
)
def test_without_headroom_no_explanation_can_be_better_than_chance(headroom, kind):
    assert kind_of([A, B] * 20, [A, B] * 20, headroom=headroom) == kind


def test_what_it_says():
    constant = obstacle(count_answers([A] * 16, [A] * 9 + [B] * 7), label_mass=0.039)
    assert constant and constant.short == "one answer for 16 of 16"
    assert constant.reason == (
        'the model answers "a" for 16 of 16 texts '
        "(accuracy .56, majority .56; the labels together hold 0.039 of the probability)"
    )
    few = obstacle(count_answers([A] * 3, [None] * 3))
    assert few and few.reason.endswith("(no gold labels), and no change that was tried alters an answer")
    untried = obstacle(count_answers([A] * 3, [None] * 3), None)
    assert untried and untried.reason.endswith("(no gold labels)")
    partly = obstacle(count_answers([A] * 18 + [None] * 2, [A, B] * 10), 0.05)
    assert partly and 'answers "a" for 18 of the 18 texts whose answer can be read, of 20, (' in partly.reason
    unread = obstacle(count_answers([None] * 40 + [A] * 8, [A, B] * 24))
    assert unread and unread.reason == "no label can be read in 40 of 48 answers"
    fragile = obstacle(count_answers([A, B], [A, B]), 0.05, 0.0)
    assert fragile and fragile.reason == "random words change the answers as often as the best words that were tried"
    for kind in ("constant", "few", "unread", "headroom"):
        for classifier in ("generate", "loglikelihood", "calibrated"):
            advice = remedy(kind, classifier)
            assert advice and f"classifier={classifier}" not in advice, (kind, classifier)
    assert "--classifier calibrated" in remedy("constant", "loglikelihood", interface="command")
    assert 'use classifier="calibrated", examples=' in remedy("constant", "loglikelihood", interface="evaluate")
    assert "examples" not in remedy("constant", "loglikelihood", interface="evaluate_functions")
    line = sentence(constant, remedy(constant.kind, "generate"))
    assert line.endswith(
        ": faithful and lift cannot be measured; "
        "use --metadata classifier=calibrated, --num_fewshot 4, or another model"
    )


def test_unread_answers_are_in_the_denominator_of_the_share():
    assert answer_share(count_answers([A, A, B, None], [A] * 4)) == 0.5
    assert math.isnan(answer_share(count_answers([], [])))
    with pytest.raises(ValueError, match="shorter"):
        count_answers([A], [])
