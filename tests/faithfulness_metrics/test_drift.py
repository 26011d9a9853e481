"""Drift of the classifier."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from faithfulness_metrics.drift import agreement, label_entropy, unknown_rate, unparsed_rate

answers = st.lists(st.sampled_from(["a", "b", "unknown", None]), min_size=1, max_size=30)


def test_agreement():
    assert agreement(["a", "b", "a", "a"], ["a", "a", "a", "b"]) == 0.5
    assert agreement(["a", None, None], ["a", None, "a"]) == pytest.approx(1 / 3)  # unread agrees with nothing
    assert math.isnan(agreement([], []))
    with pytest.raises(ValueError, match="2 labels of the checkpoint but 1 of its base"):
        agreement(["a", "b"], ["a"])


def test_label_entropy():
    assert label_entropy(["a", "a"]) == 0
    assert label_entropy(["a", "b"]) == pytest.approx(math.log(2))
    # 3/4 ln(4/3) + 1/4 ln 4
    assert label_entropy(["a", "a", "a", "b"]) == pytest.approx(0.75 * math.log(4 / 3) + 0.25 * math.log(4))
    assert label_entropy(["a", "b", None, None]) == pytest.approx(math.log(2))
    assert math.isnan(label_entropy([]))
    assert math.isnan(label_entropy([None, None]))


def test_rates():
    labels = ["a", "unknown", None, "unknown", "b"]
    assert unknown_rate(labels) == 0.4
    assert unparsed_rate(labels) == 0.2
    assert math.isnan(unknown_rate([])) and math.isnan(unparsed_rate([]))


@given(answers)
def test_with_itself(labels):
    assert agreement(labels, labels) == pytest.approx(1 - unparsed_rate(labels))
    assert 0 <= unknown_rate(labels) <= 1


@given(answers, st.randoms(use_true_random=False))
def test_symmetry_and_ranges(labels, shuffler):
    other = list(labels)
    shuffler.shuffle(other)
    assert agreement(labels, other) == agreement(other, labels)
    if unparsed_rate(labels) < 1:
        assert -1e-12 <= label_entropy(labels) <= math.log(3) + 1e-12
        assert label_entropy(labels) == pytest.approx(label_entropy(other))


@given(answers)
def test_entropy_is_scipy_entropy(labels):
    read = [label for label in labels if label is not None]
    if read:
        assert label_entropy(labels) == pytest.approx(entropy([read.count(label) for label in sorted(set(read))]))
