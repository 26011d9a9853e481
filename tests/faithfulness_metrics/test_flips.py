"""The flip rules, case by case."""

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faithfulness_metrics.flips import abstain, faithful, faithful_given_valid, madsen

SENTIMENT = ["negative", "positive"]
NLI = ["entailment", "neutral", "contradiction"]
TOPICS = ["world", "sports", "business", "technology"]


@pytest.mark.parametrize(
    ("valid", "prediction", "perturbed_prediction", "target", "expected"),
    [
        (True, "positive", "negative", None, 1.0),
        (True, "positive", "unknown", None, 1.0),  # the answer changed
        (True, "positive", "positive", None, 0.0),
        (False, "positive", "negative", None, 0.0),  # an invalid explanation is unfaithful, not missing
        (True, "positive", None, None, 0.0),  # unread
        (True, None, "negative", None, 0.0),
        (True, None, None, None, 0.0),
        (True, "world", "sports", "sports", 1.0),
        (True, "world", "business", "sports", 0.0),  # it changed, but not to the target
        (True, "world", None, "sports", 0.0),
        (False, "world", "sports", "sports", 0.0),
        (True, None, "sports", "sports", 0.0),
    ],
)
def test_faithful(valid, prediction, perturbed_prediction, target, expected):
    assert faithful(valid, prediction, perturbed_prediction, target) == expected


def test_faithful_target_that_is_the_answer_itself():
    with pytest.raises(ValueError, match="'sports' is the model's own answer"):
        faithful(True, "sports", "sports", "sports")


@given(st.booleans(), *[st.sampled_from([*SENTIMENT, "unknown", None])] * 2)
def test_faithful_is_never_missing_and_never_rewards_invalid(valid, prediction, perturbed_prediction):
    value = faithful(valid, prediction, perturbed_prediction)
    assert value in (0.0, 1.0)
    assert value <= valid


def test_abstain():
    assert [abstain(a) for a in ("unknown", "neutral", "positive", None)] == [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("prediction", "perturbed_prediction", "gold", "labels", "expected"),
    [
        ("positive", "unknown", "positive", SENTIMENT, 1.0),
        ("positive", "neutral", "positive", SENTIMENT, 1.0),
        ("positive", "negative", "positive", SENTIMENT, 0.0),  # a flip, but not an abstention
        ("positive", "positive", "positive", SENTIMENT, 0.0),
        ("entailment", "neutral", "entailment", NLI, 1.0),
        ("neutral", "neutral", "neutral", NLI, 0.0),  # unchanged
        ("neutral", "unknown", "neutral", NLI, 1.0),
    ],
)
def test_madsen_without_a_target(prediction, perturbed_prediction, gold, labels, expected):
    assert madsen(False, prediction, perturbed_prediction, gold, labels) == expected


@pytest.mark.parametrize(
    ("prediction", "perturbed_prediction", "gold", "labels", "expected"),
    [
        ("positive", "negative", "positive", SENTIMENT, 1.0),
        ("positive", "positive", "positive", SENTIMENT, 0.0),
        ("positive", "unknown", "positive", [*SENTIMENT, "unknown"], 0.0),
        ("positive", "negative", "positive", [*SENTIMENT, "unknown"], 1.0),
        ("neutral", "toxic", "neutral", ["neutral", "toxic"], 1.0),  # two labels: the other, whatever it is called
        ("entailment", "contradiction", "entailment", NLI, 1.0),
        ("entailment", "neutral", "entailment", NLI, 0.0),
        ("sports", "business", "sports", TOPICS, 1.0),
        ("sports", "sports", "sports", TOPICS, 0.0),
    ],
)
def test_madsen_with_a_target(prediction, perturbed_prediction, gold, labels, expected):
    assert madsen(True, prediction, perturbed_prediction, gold, labels) == expected


def test_madsen_drops_what_that_paper_drops():
    for wants_target in (False, True):
        assert math.isnan(madsen(wants_target, "negative", "unknown", "positive", SENTIMENT))  # wrong
        assert math.isnan(madsen(wants_target, "positive", None, "positive", SENTIMENT))  # unread
        assert math.isnan(madsen(wants_target, None, "unknown", "positive", SENTIMENT))
        assert math.isnan(madsen(wants_target, "positive", "unknown", None, SENTIMENT))
    assert math.isnan(madsen(True, "neutral", "entailment", "neutral", NLI))  # no opposite


def test_madsen_fails_loud():
    with pytest.raises(ValueError, match="'pos'"):
        madsen(False, "pos", "neg", "pos", SENTIMENT)


def test_madsen_gold_never_counts_as_changed():
    for wants_target, labels in product((False, True), (SENTIMENT, NLI, TOPICS)):
        for gold in labels:
            assert madsen(wants_target, gold, gold, gold, labels) != 1.0


def test_faithful_given_valid():
    # valid documents: 1st, 2nd, 4th; of them the 1st is faithful: 1/3
    assert faithful_given_valid([1, 0, 0, 0], [1, 1, 0, 1]) == (pytest.approx(1 / 3), 3)
    assert faithful_given_valid([1.0], [True]) == (1.0, 1)


@pytest.mark.parametrize("columns", [([], []), ([0.0, 0.0], [0.0, 0.0])])
def test_faithful_given_valid_none_valid(columns):
    mean, n = faithful_given_valid(*columns)
    assert math.isnan(mean) and n == 0


def test_faithful_given_valid_missing_value_stays_missing():
    assert math.isnan(faithful_given_valid([1, math.nan], [1, 1])[0])
    assert faithful_given_valid([1, math.nan], [1, 0]) == (1.0, 1)
    with pytest.raises(ValueError, match="valid must be 0 or 1"):
        faithful_given_valid([1, 1], [1, math.nan])
    with pytest.raises(ValueError, match="2 values of faithful but 1 of valid"):
        faithful_given_valid([1, 1], [1])
