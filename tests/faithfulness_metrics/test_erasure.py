"""Ranks, erasure and correlations: hand-computed values, edges, and agreement with scipy."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr, percentileofscore

from faithfulness_metrics.erasure import (
    aopc,
    aopc_sizes,
    cct,
    comprehensiveness,
    hit1,
    hit1_chance,
    label_mass,
    label_probability,
    loo_percentile,
    phi_cct,
    redundant,
    sufficiency,
)

deltas_lists = st.lists(st.integers(-4, 4).map(lambda k: k / 4), min_size=2, max_size=12)
indicators = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=40)


def isnan(pair):
    return all(map(math.isnan, pair))


def test_loo_percentile_by_hand():
    deltas = [0.1, 0.4, 0.1, -0.2]
    assert loo_percentile(deltas, [1]) == 1.0  # 3 of 3 below
    assert loo_percentile(deltas, [3]) == 0.0
    assert loo_percentile(deltas, [0]) == 0.5  # one below, one equal: (1 + 0.5) / 3
    assert loo_percentile(deltas, [1, 3]) == 0.5  # mean of 1 and 0
    assert loo_percentile(deltas, [1, 1]) == 1.0  # a position counts once


def test_loo_percentile_all_equal():
    assert loo_percentile([0.0, 0.0, 0.0], [2]) == 0.5


def test_nothing_to_rank():
    for metric in (loo_percentile, hit1, hit1_chance):
        assert math.isnan(metric([0.1, 0.2], []))  # nothing named
        assert math.isnan(metric([0.3], [0]))  # one word
        assert math.isnan(metric([], []))
        assert math.isnan(metric([0.1, math.nan], [0]))
        with pytest.raises(IndexError, match="position 2 in a document of 2 words"):
            metric([0.1, 0.2], [2])
        with pytest.raises(IndexError, match="position -1"):
            metric([0.1, 0.2], [-1])


def test_hit1():
    assert hit1([0.1, 0.4, 0.2], [1]) == 1.0
    assert hit1([0.1, 0.4, 0.2], [2]) == 0.0
    assert hit1([0.1, 0.4, 0.2], [0, 1]) == 1.0  # any of the named words
    assert hit1([0.4, 0.4, 0.2], [1]) == 1.0  # a tie is a hit
    assert hit1([0.0, 0.0], [1]) == 1.0


def test_hit1_chance_is_the_mean_over_all_choices():
    assert hit1_chance([0.1, 0.4, 0.2], [0]) == pytest.approx(1 / 3)
    assert hit1_chance([0.1, 0.4, 0.2], [0, 2, 2]) == pytest.approx(2 / 3)
    assert hit1_chance([0.0, 0.0], [1]) == 1.0  # a tie is a hit
    assert hit1_chance([0.1, 0.2], [0, 1]) == 1.0  # everything is named
    for deltas in ([0.1, 0.4, 0.2, 0.4], [0.0, 0.0, -0.1], [0.3, 0.2, 0.1, 0.0, -0.1]):
        for k in range(1, len(deltas) + 1):
            choices = list(combinations(range(len(deltas)), k))
            mean = np.mean([hit1(deltas, choice) for choice in choices])
            assert hit1_chance(deltas, choices[0]) == pytest.approx(mean), (deltas, k)


def test_label_mass():
    assert label_mass({"a": math.log(0.5), "b": math.log(0.25)}) == pytest.approx(0.75)
    # An answer that begins with "spam message" begins with "spam" too.
    assert label_mass({"spam": math.log(0.5), "spam message": math.log(0.4), "ham": math.log(0.1)}) == pytest.approx(
        0.6
    )
    assert label_mass({"a": 0.0, "b": 0.0}) == 1.0
    assert label_mass({"a": -math.inf}) == 0.0


def test_redundant():
    assert redundant([0.0, 0.009, -0.5]) == 1.0
    assert redundant([0.0, 0.01]) == 0.0  # not below the threshold
    assert redundant([0.0, 0.05], threshold=0.1) == 1.0
    assert math.isnan(redundant([]))
    assert math.isnan(redundant([0.0, math.nan]))


@given(deltas_lists)
def test_loo_percentile_of_a_random_word_is_one_half(deltas):
    everyone = [loo_percentile(deltas, [w]) for w in range(len(deltas))]
    assert all(0 <= p <= 1 for p in everyone)
    assert np.mean(everyone) == pytest.approx(0.5)
    assert loo_percentile(deltas, range(len(deltas))) == pytest.approx(0.5)  # naming everything gains nothing


@given(deltas_lists)
def test_loo_percentile_is_scipy_percentileofscore(deltas):
    others = deltas[1:]
    # kind="mean" is the mean of "share strictly below" and "share below or equal"
    assert loo_percentile(deltas, [0]) == pytest.approx(percentileofscore(others, deltas[0], kind="mean") / 100)


@given(deltas_lists, st.randoms(use_true_random=False))
def test_order_of_words_does_not_matter(deltas, shuffler):
    order = list(range(len(deltas)))
    shuffler.shuffle(order)
    shuffled = [deltas[i] for i in order]
    assert loo_percentile(shuffled, [order.index(0)]) == loo_percentile(deltas, [0])
    assert hit1(shuffled, [order.index(0)]) == hit1(deltas, [0])


def test_comprehensiveness_and_sufficiency():
    assert comprehensiveness(0.9, 0.2, [3]) == pytest.approx(0.7)
    assert comprehensiveness(0.5, 0.75, [3]) == -0.25  # more certain without the words
    assert math.isnan(comprehensiveness(0.9, 0.9, []))
    assert sufficiency(0.75, 0.5, [1, 2]) == 0.25
    assert math.isnan(sufficiency(0.75, 0.5, [1]))  # several words only
    assert math.isnan(sufficiency(0.75, 0.5, [1, 1]))
    assert math.isnan(sufficiency(0.75, 0.5, []))
    assert math.isnan(comprehensiveness(math.nan, 0.5, [1]))


def test_aopc_removes_shares_of_the_words_and_no_more_than_are_named():
    # 1, 5, 10, 20 and 50 % of 20 words: .2, 1, 2, 4 and 10; of 30: .3, 1.5, 3, 6 and 15
    assert aopc_sizes(20, 10) == [1, 1, 2, 4, 10] and aopc_sizes(20, 3) == [1, 1, 2, 3, 3]
    assert aopc_sizes(30, 99) == [1, 2, 3, 6, 15] and aopc_sizes(1, 1) == [1] * 5


def test_aopc():
    assert aopc([0.0, 0.25, 0.5]) == 0.25
    assert math.isnan(aopc([]))
    assert math.isnan(aopc([0.1, math.nan]))


def test_phi_by_hand():
    # n11 = 1, n10 = 1 (flips, not named), n01 = 1, n00 = 3
    flips, named = [1, 1, 0, 0, 0, 0], [1, 0, 1, 0, 0, 0]
    # (1*3 - 1*1) / sqrt(2 * 4 * 2 * 4) = 2 / 8; equal rates, so that phi_max = 1
    assert phi_cct(flips, named) == (pytest.approx(0.25), pytest.approx(0.25))


def test_phi_max_with_one_named_word():
    # 4 words, 2 flip, the one named flips: n11 = 1, n10 = 1, n00 = 2; phi = 2 / sqrt(2 * 2 * 1 * 3) = 0.577,
    # and that is the most a single named word can reach: sqrt(0.25 * 0.5 / (0.5 * 0.75)) = 0.577
    phi, share = phi_cct([1, 1, 0, 0], [1, 0, 0, 0])
    assert phi == pytest.approx(1 / math.sqrt(3))
    assert share == pytest.approx(1)


def test_phi_perfect_and_opposite():
    assert phi_cct([1, 0, 0, 1], [1, 0, 0, 1]) == (pytest.approx(1), pytest.approx(1))
    assert phi_cct([1, 0, 1, 0], [0, 1, 0, 1]) == (pytest.approx(-1), pytest.approx(-1))


def test_naming_everything_or_nothing_is_0():
    assert phi_cct([1, 0, 1], [1, 1, 1]) == (0, 0)
    assert phi_cct([1, 0, 1], [0, 0, 0]) == (0, 0)
    assert cct([0.3, 0.1, 0.0], [1, 1, 1]) == 0
    assert cct([0.3, 0.1, 0.0], [0, 0, 0]) == 0


def test_nothing_to_correlate_with_is_missing():
    assert isnan(phi_cct([], []))
    assert isnan(phi_cct([0, 0, 0], [1, 0, 0]))  # nothing flips
    assert isnan(phi_cct([1, 1, 1], [1, 0, 0]))  # anything flips
    assert math.isnan(cct([], []))
    assert math.isnan(cct([0.1, 0.1], [1, 0]))
    assert math.isnan(cct([0.1, math.nan], [1, 0]))


def test_indicators_are_checked():
    with pytest.raises(ValueError, match=r"found 3\.0"):
        phi_cct([1, 0], [3, 0])
    with pytest.raises(ValueError, match="found nan"):
        phi_cct([math.nan, 0], [1, 0])
    with pytest.raises(ValueError, match="found 2"):
        cct([0.5, 0.1], [2, 0])
    with pytest.raises(ValueError, match="different lengths"):
        cct([0.5, 0.1], [1])


def test_cct_by_hand():
    # tvd mean 0.25, named mean 0.5; deviations (.25, -.25, .15, -.15) and (.5, -.5, .5, -.5)
    # r = 0.4 / sqrt(0.17 * 1) = 0.970
    assert cct([0.5, 0.0, 0.4, 0.1], [1, 0, 1, 0]) == pytest.approx(0.4 / math.sqrt(0.17))


@given(indicators)
def test_phi_is_the_matthews_formula(pairs):
    flips, named = zip(*pairs, strict=True)
    n11, n10 = pairs.count((1, 1)), pairs.count((1, 0))
    n01, n00 = pairs.count((0, 1)), pairs.count((0, 0))
    phi, share = phi_cct(flips, named)
    if n11 + n10 in (0, len(pairs)):
        assert isnan((phi, share))
        return
    below = (n11 + n10) * (n01 + n00) * (n11 + n01) * (n10 + n00)
    expected = (n11 * n00 - n10 * n01) / math.sqrt(below) if below else 0
    assert phi == pytest.approx(expected, abs=1e-12)
    assert -1 <= phi <= 1 and share <= 1
    assert abs(share) >= abs(phi) - 1e-12


@given(st.integers(1, 11), st.integers(1, 11))
def test_phi_max_is_reached(flipping, naming):
    # As much overlap as the two rates allow.
    flips, named = [int(i < flipping) for i in range(12)], [int(i < naming) for i in range(12)]
    assert phi_cct(flips, named)[1] == pytest.approx(1)


@given(st.lists(st.tuples(st.integers(0, 10).map(lambda k: k / 10), st.integers(0, 1)), min_size=2, max_size=30))
def test_cct_is_scipy_pearson(pairs):
    tvd, named = zip(*pairs, strict=True)
    if len(set(tvd)) > 1 and len(set(named)) > 1:
        assert cct(tvd, named) == pytest.approx(pearsonr(tvd, named).statistic, abs=1e-9)


def test_label_probability():
    logprobs = {
        "negative": math.log(0.2),
        "positive": math.log(0.6),
    }  # .2 and .6 of all strings: .25 and .75 of the labels
    assert label_probability(logprobs, "negative") == pytest.approx(0.25)
    assert (
        label_probability({"negative": -2000.0, "positive": -2000.0}, "positive") == 0.5
    )  # far below what exp can say
    with pytest.raises(KeyError):
        label_probability({}, "positive")


def test_deltas_that_are_equal_on_paper_are_a_tie():
    deltas = [0.4595559082437259, 0.4595559082437261, 0.1]
    assert deltas[0] < deltas[1]
    assert hit1(deltas, [0]) == hit1(deltas, [1]) == 1
    assert loo_percentile(deltas, [0]) == loo_percentile(deltas, [1]) == (1 + 1 / 2) / 2
    assert hit1([0.459556, 0.459557], [0]) == 0
