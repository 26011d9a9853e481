"""Chance correction: hand-computed values, the two fixed points 0 and 1, and when there is no number."""

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from faithfulness_metrics.chance import HEADROOM, ccf, ccf_interval, ccf_stderr, describe_ccf, headroom, lift

unit = st.integers(0, 8).map(lambda k: k / 8)


@st.composite
def tables(draw, rows=3, smallest=1):
    n = draw(st.integers(smallest, 30))
    return [draw(st.lists(unit, min_size=n, max_size=n)) for _ in range(rows)]


FAITHFUL = [1, 1, 0, 0]
RANDOM = [0.5, 0.0, 0.25, 0.25]
ORACLE = [1, 1, 1, 0]


def test_by_hand():
    # F = 2/4, F_rand = 1/4, F_best = 3/4
    assert lift(FAITHFUL, RANDOM) == 0.25
    assert headroom(RANDOM, ORACLE) == 0.5
    assert ccf(FAITHFUL, RANDOM, ORACLE) == 0.5  # 0.25 / 0.5
    assert ccf([0, 0, 0, 0], RANDOM, ORACLE) == -0.5  # worse than random words
    assert ccf([1, 1, 1, 1], RANDOM, ORACLE) == 1.5  # more words than the oracle had


def test_a_ratio_of_means_not_a_mean_of_ratios():
    # means: F 0.5, R 0.25, B 0.75 -> 0.5; document by document the second ratio would be 0.5 / 0
    assert ccf([0.5, 0.5], [0.5, 0.0], [1.0, 0.5]) == 0.5


def test_one_document():
    assert lift([1], [0]) == 1.0
    assert ccf([1], [0], [1]) == 1.0
    assert math.isnan(ccf_stderr([1], [0], [1]))  # one document has no spread


def test_no_documents():
    for value in (lift([], []), headroom([], []), ccf([], [], []), ccf_stderr([], [], [])):
        assert math.isnan(value)
    assert describe_ccf([], [], []) == "not measurable (headroom nan)"


def test_missing_stays_missing():
    assert math.isnan(lift([1, math.nan], [0, 0]))
    assert math.isnan(ccf([1, 1], [0, math.nan], [1, 1]))
    assert math.isnan(ccf_stderr([1, 1], [0, math.nan], [1, 1]))
    with pytest.raises(ValueError, match="different lengths"):
        lift([1, 1], [0])


@pytest.mark.parametrize(
    ("random", "oracle", "text"),
    [
        (0.25, 0.28, "not measurable (headroom 0.03)"),
        (0.25, 0.298, "not measurable (headroom 0.04)"),  # never the 0.05 that would have been enough
        (0.3, 0.3, "not measurable (headroom 0.00)"),
        (0.3001, 0.3, "not measurable (headroom 0.00)"),  # and not -0.00
        (0.5, 0.3, "not measurable (headroom -0.20)"),
        (0.2, 0.25, "4.00"),  # 0.25 - 0.2 is a little less than 0.05 in binary; (0.4 - 0.2) / 0.05
        (0.4, 0.8, "0.00"),
        (0.401, 0.8, "0.00"),  # -0.0025, printed without its sign
        (0.0, 0.8, "0.50"),
        (0.6, 0.8, "-1.00"),
    ],
)
def test_describe(random, oracle, text):
    assert describe_ccf([0.4], [random], [oracle]) == text


@given(tables())
@example([[0.0] * 10, [*[0.0] * 9, 0.25], [*[0.0] * 9, 0.75]])
def test_ranges(table):
    faithful, random, oracle = table
    assert -1 <= lift(faithful, random) <= 1
    value, room = ccf(faithful, random, oracle), headroom(random, oracle)
    if room > HEADROOM - 1e-9:  # means of 0.025 and 0.075 are a little less apart in binary
        assert value == pytest.approx(lift(faithful, random) / room)
    else:
        assert math.isnan(value)


@given(tables(rows=2))
def test_random_words_are_0_and_the_best_word_is_1(table):
    random, oracle = table
    assume(headroom(random, oracle) > HEADROOM - 1e-9)
    assert ccf(random, random, oracle) == 0
    assert ccf(oracle, random, oracle) == 1
    assert lift(random, random) == 0


@given(tables(smallest=2), st.randoms(use_true_random=False))
def test_order_of_documents_does_not_matter(table, shuffler):
    order = list(range(len(table[0])))
    shuffler.shuffle(order)
    shuffled = [[column[i] for i in order] for column in table]
    np.testing.assert_allclose(lift(*shuffled[:2]), lift(*table[:2]), atol=1e-12)
    np.testing.assert_allclose(ccf(*shuffled), ccf(*table), atol=1e-9)
    np.testing.assert_array_equal(ccf_stderr(*shuffled, draws=50), ccf_stderr(*table, draws=50))


def draw_documents(n, seed):
    """F = 0.5, F_rand = 0.3, F_best = 0.7, so that ccf = 0.5."""
    rng = np.random.default_rng(seed)
    return [(rng.random(n) < rate).astype(float).tolist() for rate in (0.5, 0.3, 0.7)]


def test_stderr_against_the_delta_method():
    # g = (F - R) / (B - R): dF = 1/0.4, dR = (F - B)/0.4^2 = -1.25, dB = -(F - R)/0.4^2 = -1.25; independent columns
    # var g = (2.5^2 * 0.25 + 1.25^2 * 0.21 + 1.25^2 * 0.21) / n
    n = 4000
    expected = math.sqrt((2.5**2 * 0.25 + 2 * 1.25**2 * 0.21) / n)
    assert ccf_stderr(*draw_documents(n, seed=1)) == pytest.approx(expected, rel=0.1)


def test_interval_covers():
    hits = 0
    for seed in range(100):
        low, high, _ = ccf_interval(*draw_documents(300, seed), draws=300)
        hits += low <= 0.5 <= high
    assert hits >= 88  # 95 expected; below 88 in fewer than 1 of 200 such simulations


def test_stderr_is_reproducible_and_paired():
    table = draw_documents(200, seed=3)
    assert ccf_stderr(*table) == ccf_stderr(*table)
    assert ccf_stderr(*table, seed=1) != ccf_stderr(*table)
    _, random, oracle = table
    # The explanation is the oracle: 1 in every draw, however uncertain each mean is.
    assert ccf_stderr(oracle, random, oracle) == pytest.approx(0, abs=1e-12)


def test_no_interval_where_the_headroom_is_not_established():
    # headroom 0.06 on 50 documents: a large share of the draws has less than 0.05
    random, oracle = [0.0] * 50, [1.0] * 3 + [0.0] * 47
    assert ccf(oracle, random, oracle) == 1
    assert math.isnan(ccf_stderr(oracle, random, oracle))
    # the same rate on 5,000 documents: standard error of the headroom 0.0034, few draws fall below
    assert ccf_stderr(oracle * 100, random * 100, oracle * 100) == pytest.approx(0, abs=1e-12)


def test_a_ratio_cannot_be_had_by_making_everything_flip():
    # redact everything, or answer "unknown" on every mask: random words flip as often as the best ones
    always = [1.0] * 20
    assert lift(always, always) == 0
    assert describe_ccf(always, always, always) == "not measurable (headroom 0.00)"
