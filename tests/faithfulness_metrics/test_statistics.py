"""Tests and intervals: hand-computed values, statsmodels and scipy, and small seeded simulations."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest
from statsmodels.stats.multitest import multipletests

from faithfulness_metrics.statistics import (
    Interval,
    detectable_difference,
    difference,
    holm,
    mcnemar,
    noise_floor,
    paired_bootstrap,
    wilson,
)

pairs = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=40)


def columns(pairs):
    return [list(column) for column in zip(*pairs, strict=True)]


def isnan(values):
    return all(map(math.isnan, values))


def test_wilson_by_hand():
    # 8 of 10, z = 1.959964: centre (0.8 + z^2/20) / (1 + z^2/10) = 0.716739,
    # half width z sqrt(0.8*0.2/10 + z^2/400) / (1 + z^2/10) = 0.226577
    assert wilson(8, 10) == (pytest.approx(0.490162, abs=1e-5), pytest.approx(0.943318, abs=1e-5))


def test_wilson_edges():
    assert isnan(wilson(0, 0))
    assert isnan(wilson(math.nan, 10))
    low, high = wilson(0, 20)
    assert low == 0 and 0.1 < high < 0.2  # never observed is not impossible
    low, high = wilson(20, 20)
    assert high == 1 and 0.8 < low < 0.9
    with pytest.raises(ValueError, match="11 successes among 10"):
        wilson(11, 10)


@given(st.integers(0, 50), st.integers(1, 50), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_scipys(successes, more, confidence):
    n = successes + more
    expected = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    assert wilson(successes, n, confidence) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(st.integers(1, 100).flatmap(lambda n: st.tuples(st.floats(0, n), st.just(n))))
@example((5.551115123125783e-17, 47))
def test_wilson_range_and_symmetry(case):
    successes, n = case
    low, high = wilson(successes, n)
    assert 0 <= low <= successes / n + 1e-9 and successes / n - 1e-9 <= high <= 1
    assert wilson(n - successes, n) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@pytest.mark.parametrize("n", [20, 100])
@pytest.mark.parametrize("rate", [0.02, 0.1, 0.3, 0.5])
def test_wilson_covers(n, rate):
    # No simulation: the probability of every outcome whose interval holds the rate.
    inside = [k for k in range(n + 1) if wilson(k, n)[0] <= rate <= wilson(k, n)[1]]
    assert 0.93 <= binom.pmf(inside, n, rate).sum() <= 0.98


def test_mcnemar_by_hand():
    # only a: 1, only b: 6; p = 2 * (C(7,0) + C(7,1)) / 2^7 = 2 * 8 / 128
    a = [1] * 5 + [1] + [0] * 6 + [0] * 3
    b = [1] * 5 + [0] + [1] * 6 + [0] * 3
    assert mcnemar(a, b) == (1, 6, pytest.approx(0.125))


def test_mcnemar_edges():
    assert mcnemar([1, 0], [1, 0]) == (0, 0, 1.0)  # nothing discordant
    assert mcnemar([1], [0]) == (1, 0, 1.0)
    result = mcnemar([], [])
    assert result[:2] == (0, 0) and math.isnan(result.p)
    for wrong in ([1, 0.5], [1, math.nan]):
        with pytest.raises(ValueError, match="outcomes of 0 and 1"):
            mcnemar(wrong, [1, 0])
    with pytest.raises(ValueError, match="different lengths"):
        mcnemar([1, 0], [1])


@given(pairs)
def test_mcnemar_is_the_binomial_test(pairs):
    a, b = columns(pairs)
    only_a, only_b, p = mcnemar(a, b)
    assert (only_a, only_b) == (pairs.count((1, 0)), pairs.count((0, 1)))
    if only_a + only_b:
        assert p == pytest.approx(binomtest(only_a, only_a + only_b).pvalue)
    assert mcnemar(b, a) == (only_b, only_a, pytest.approx(p))


def test_difference():
    result = difference([1, 1, 1, 0], [1, 0, 0, 0])
    assert result.estimate == 0.5  # 3/4 - 1/4
    assert result.low <= 0.5 <= result.high
    # four documents with differences 0, 1, 1, 0: standard error sqrt(0.25 / 4)
    assert result.stderr == pytest.approx(0.25, rel=0.05)
    assert difference([1, 0], [1, 0]) == (0, 0, 0, 0)


def test_difference_edges():
    assert isnan(difference([], []))
    single = difference([1], [0])
    assert single.estimate == 1 and isnan(single[1:])
    with pytest.raises(ValueError, match="1 of 2 documents hold nan"):
        difference([1, math.nan], [1, 0])


@given(pairs.filter(lambda p: len(p) > 1))
def test_difference_is_antisymmetric_and_in_range(pairs):
    a, b = columns(pairs)
    ours, theirs = difference(a, b, draws=50), difference(b, a, draws=50)
    assert ours.estimate == -theirs.estimate
    assert -1 <= ours.low <= ours.high <= 1


def test_paired_bootstrap_is_reachable_from_here():
    assert isinstance(paired_bootstrap([[1, 0, 1]], lambda s: s.mean(), draws=10), Interval)


def test_holm_by_hand():
    # sorted 0.01, 0.03, 0.04: times 3, 2, 1, then never decreasing: 0.03, 0.06, 0.06
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03})
    assert list(adjusted) == ["a", "b", "c"]
    assert adjusted == {"a": pytest.approx(0.03), "b": pytest.approx(0.06), "c": pytest.approx(0.06)}
    assert holm({"a": 0.7, "b": 0.8}) == {"a": 1.0, "b": 1.0}  # never above 1


def test_holm_missing_tests_do_not_count():
    adjusted = holm({"a": 0.01, "b": math.nan, "c": 0.04})
    assert adjusted["a"] == pytest.approx(0.02) and adjusted["c"] == pytest.approx(0.04)
    assert math.isnan(adjusted["b"])
    assert isnan(holm({"a": math.nan}).values())
    assert holm({}) == {}
    with pytest.raises(ValueError, match="outside"):
        holm({"a": 1.2})


def test_holm_is_statsmodels():
    rng = np.random.default_rng(0)
    for n in (1, 2, 5, 40):
        pvalues = np.round(rng.random(n) ** 3, 2)  # with ties
        adjusted = holm({str(i): p for i, p in enumerate(pvalues)})
        np.testing.assert_allclose(list(adjusted.values()), multipletests(pvalues, method="holm")[1], atol=1e-12)


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1) | st.just(math.nan), max_size=8))
def test_holm_range(pvalues):
    for name, adjusted in holm(pvalues).items():
        p = pvalues[name]
        assert math.isnan(adjusted) if math.isnan(p) else p - 1e-12 <= adjusted <= 1


def connor(difference, discordant, power, alpha):
    """Documents needed, Connor 1987: the formula that `detectable_difference` inverts."""
    z = NormalDist().inv_cdf
    root = z(1 - alpha / 2) * math.sqrt(discordant) + z(power) * math.sqrt(discordant - difference**2)
    return root**2 / difference**2


def test_detectable_difference_by_hand():
    # n = 1000, psi = 0.2: (1.959964 sqrt(0.2) + 0.841621 sqrt(0.2 - 0.0396^2))^2 / 0.0396^2 = 1000
    assert detectable_difference(1000, 0.2) == pytest.approx(0.0396, abs=5e-5)


@given(st.integers(10, 5000), st.floats(0.01, 1), st.sampled_from([0.5, 0.8, 0.9]), st.sampled_from([0.01, 0.05]))
def test_detectable_difference_inverts_the_formula(n, discordant, power, alpha):
    smallest = detectable_difference(n, discordant, power, alpha)
    if math.isnan(smallest):
        # Not even all discordant documents on one side are enough, by the formula or by the exact test.
        assert connor(discordant, discordant, power, alpha) > n - 1e-6 or 2 * 0.5 ** (n * discordant) >= alpha
    else:
        assert 0 < smallest <= discordant
        assert connor(smallest, discordant, power, alpha) == pytest.approx(n)


def test_detectable_difference_edges():
    # 5 discordant documents on one side have p = 2 / 2^5 = .0625
    for n, discordant in [(0, 0.2), (100, 0.0), (100, math.nan), (1, 1.0), (3, 1.0), (4, 1.0), (5, 1.0), (100, 0.02)]:
        assert math.isnan(detectable_difference(n, discordant))
    assert detectable_difference(4000, 0.2) < detectable_difference(1000, 0.2) < detectable_difference(1000, 0.4)
    for wrong in ({"discordant": 1.5}, {"discordant": -0.1}, {"discordant": 0.2, "power": 0.3}):
        with pytest.raises(ValueError, match="must be in"):
            detectable_difference(100, **wrong)


@pytest.mark.parametrize(
    ("n", "discordant"), [(30, 0.5), (60, 0.367), (100, 1.0), (200, 0.2), (498, 0.05), (1000, 0.1), (1000, 0.3)]
)
def test_the_exact_test_has_a_little_less_power_there(n, discordant):
    """Enumerated: m discordant documents of n, k of them on side a."""
    share = (1 + detectable_difference(n, discordant) / discordant) / 2
    power = 0.0
    for m in range(n + 1):
        k = np.arange(m + 1)
        p = np.minimum(1.0, 2 * binom.cdf(np.minimum(k, m - k), m, 0.5))
        power += binom.pmf(m, n, discordant) * binom.pmf(k, m, share)[p < 0.05].sum()
    assert 0.74 <= power <= 0.79


def test_detectable_difference_is_detected_that_often():
    n, discordant = 400, 0.3
    smallest = detectable_difference(n, discordant)
    only_a, only_b = (discordant + smallest) / 2, (discordant - smallest) / 2
    drawn = np.random.default_rng(0).multinomial(n, [only_a, only_b, 1 - discordant], size=1000)
    power = np.mean([binomtest(int(a), int(a + b)).pvalue < 0.05 for a, b, _ in drawn])
    assert 0.72 <= power <= 0.84  # 0.8 by the approximation, the exact test a little less


def test_noise_floor():
    # documents 2 and 3 differ, in opposite directions
    assert noise_floor([1, 1, 0, 0], [1, 0, 1, 0]) == (0.5, 0.0)
    assert noise_floor([1, 1, 1, 1], [1, 1, 0, 1]) == (0.25, 0.25)
    assert noise_floor([1, 0], [1, 0]) == (0, 0)
    assert isnan(noise_floor([], []))
    with pytest.raises(ValueError, match="hold nan"):
        noise_floor([math.nan], [1])


@given(pairs)
def test_noise_floor_bounds_the_difference(pairs):
    a, b = columns(pairs)
    differs, gain = noise_floor(a, b)
    assert abs(gain) <= differs + 1e-12 and 0 <= differs <= 1
    only_a, only_b, _ = mcnemar(a, b)
    assert differs == pytest.approx((only_a + only_b) / len(pairs))
