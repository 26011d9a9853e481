"""Resampling: exactness against theory and scipy, and the rules for what has no interval."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import bootstrap as scipy_bootstrap

from faithfulness_metrics import bootstrap
from faithfulness_metrics.bootstrap import (
    aligned,
    bootstrap_means,
    complete,
    interval,
    intervals,
    paired_bootstrap,
    resampled_means,
)

outcomes = st.lists(st.integers(0, 1).map(float), min_size=2, max_size=30)


def mean_difference(sample):
    return (sample[0] - sample[1]).mean(axis=-1)


def isnan(values):
    return all(map(math.isnan, values))


def test_aligned():
    assert aligned([1, 2, 3], [4, 5, 6]).shape == (2, 3)
    assert aligned([], []).shape == (2, 0)
    with pytest.raises(ValueError, match=r"\[2, 1\] documents"):
        aligned([1, 2], [1])


def test_complete_leaves_out_whole_documents_and_counts_them():
    nan = math.nan
    assert complete([1, nan, 0, 1], [1, 1, nan, 0]) == ([[1, 1], [1, 0]], 2)
    assert complete([nan], [1]) == ([[], []], 1)
    assert complete([], []) == ([[], []], 0)


def test_missing_values_raise_with_the_remedy():
    for resample in (lambda c: paired_bootstrap(c, mean_difference), bootstrap_means):
        with pytest.raises(ValueError, match=r"1 of 2 documents hold nan; leave them out with bootstrap\.complete"):
            resample([[1, math.nan], [0, 1]])


def test_too_few_documents():
    for columns in ([[], []], [[1], [0]]):
        assert isnan(paired_bootstrap(columns, mean_difference))
        assert np.isnan(bootstrap_means(columns, draws=3)).all()


def test_all_equal():
    assert paired_bootstrap([[1, 1, 1], [0, 0, 0]], mean_difference, draws=20) == (1, 1, 0)


def test_stderr_is_the_textbook_one():
    # standard error of a mean of 200 outcomes of which 50 are 1: sqrt(0.25 * 0.75 / 200)
    column = [1.0] * 50 + [0.0] * 150
    expected = math.sqrt(0.25 * 0.75 / 200)
    assert paired_bootstrap([column], lambda s: s.mean()).stderr == pytest.approx(expected, rel=0.06)
    assert bootstrap_means([column])[:, 0].std() == pytest.approx(expected, rel=0.06)


def test_documents_are_drawn_together():
    # b is a shifted by one tenth: the difference has no spread, however much both columns have
    a = np.random.default_rng(0).random(40)
    low, high, stderr = paired_bootstrap([a.tolist(), (a - 0.1).tolist()], mean_difference, draws=100)
    assert (low, high, stderr) == (pytest.approx(0.1), pytest.approx(0.1), pytest.approx(0, abs=1e-12))


def test_vectorized_or_not_is_the_same():
    rng = np.random.default_rng(1)
    columns = rng.random((2, 30)).tolist()
    plain = paired_bootstrap(columns, mean_difference, draws=200)
    assert paired_bootstrap(columns, mean_difference, draws=200, vectorized=True) == pytest.approx(plain)


def test_a_statistic_of_the_wrong_shape_raises():
    with pytest.raises(ValueError, match="not one value per draw"):
        paired_bootstrap([[1, 0, 1]], lambda s: s.mean(), draws=10, vectorized=True)
    with pytest.raises(ValueError, match="not one value per draw"):
        paired_bootstrap([[1, 0, 1]], lambda s: s.mean(axis=0), draws=10)


def test_batches_cover_all_draws(monkeypatch):
    monkeypatch.setattr(bootstrap, "_CELLS", 7)
    rng = np.random.default_rng(2)
    columns = rng.random((2, 3)).tolist()
    assert not isnan(paired_bootstrap(columns, mean_difference, draws=10))
    assert bootstrap_means(columns, draws=10).shape == (10, 2)
    assert np.isfinite(bootstrap_means(columns, draws=10)).all()


def test_same_seed_same_interval():
    columns = np.random.default_rng(3).random((2, 20)).tolist()
    assert paired_bootstrap(columns, mean_difference, 100) == paired_bootstrap(columns, mean_difference, 100)
    assert paired_bootstrap(columns, mean_difference, 100) != paired_bootstrap(columns, mean_difference, 100, seed=1)


def test_interval_is_scipys():
    rng = np.random.default_rng(4)
    a, b = rng.random(80), rng.random(80)
    ours = paired_bootstrap([a.tolist(), b.tolist()], mean_difference, draws=4000)
    theirs = scipy_bootstrap(
        (a, b),
        lambda a, b, axis: (a - b).mean(axis=axis),
        paired=True,
        n_resamples=4000,
        method="percentile",
        rng=np.random.default_rng(5),
    )
    assert ours.stderr == pytest.approx(theirs.standard_error, rel=0.05)
    np.testing.assert_allclose(ours[:2], theirs.confidence_interval, atol=0.1 * (ours.high - ours.low))


def test_means_have_the_distribution_of_drawing_documents():
    rng = np.random.default_rng(6)
    columns = [rng.integers(0, 2, 60).tolist(), (rng.integers(0, 9, 60) / 8).tolist()]
    quick = interval(np.subtract(*bootstrap_means(columns, 4000).T))
    slow = paired_bootstrap(columns, mean_difference, 4000)
    np.testing.assert_allclose(quick, slow, atol=0.1 * slow.stderr + 0.1 * (slow.high - slow.low))
    covariance = np.cov(bootstrap_means(columns, 4000).T)
    np.testing.assert_allclose(covariance, np.cov(columns, bias=True) / 60, atol=3e-4)


def test_draws_without_a_value():
    values = np.arange(100.0)
    values[:5] = math.nan
    low, high, stderr = interval(values)
    # 95 values from 5 to 99: 5 + 94 * 0.025 and 5 + 94 * 0.975
    assert (low, high) == (pytest.approx(7.35), pytest.approx(96.65))
    assert stderr == pytest.approx(np.arange(5, 100).std(ddof=1))
    values[5] = math.nan  # more than 5 %
    assert isnan(interval(values))
    assert isnan(interval(np.array([])))


def test_confidence():
    values = np.arange(101.0)
    assert interval(values, confidence=0.8)[:2] == (pytest.approx(10), pytest.approx(90))


def test_interval_of_a_difference_covers():
    # paired outcomes: a is 1 in 60 %, b copies a in half of the documents and is 1 in 40 % of the others
    # mean difference: 0.6 - (0.5 * 0.6 + 0.5 * 0.4) = 0.1
    hits = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        a = rng.random(150) < 0.6
        b = np.where(rng.random(150) < 0.5, a, rng.random(150) < 0.4)
        low, high, _ = interval(np.subtract(*bootstrap_means([a.tolist(), b.tolist()], 400).T))
        hits += low <= 0.1 <= high
    assert 180 <= hits <= 199  # 190 expected at 95 %


@given(outcomes, st.randoms(use_true_random=False))
def test_means_do_not_depend_on_the_order_of_documents(column, shuffler):
    shuffled = list(column)
    shuffler.shuffle(shuffled)
    np.testing.assert_array_equal(bootstrap_means([column], 20), bootstrap_means([shuffled], 20))


@given(outcomes)
def test_interval_stays_in_the_range_of_the_data(column):
    low, high, stderr = paired_bootstrap([column], lambda s: s.mean(), draws=50)
    assert min(column) <= low <= high <= max(column)
    assert stderr >= 0


def test_resampled_means_are_the_means_of_drawn_documents():
    """The same draws by hand: row k of `integers` names the documents of draw k."""
    table = np.array([[1.0, 0.0, 0.0, 1.0, 0.5], [0.0, 0.0, 1.0, 0.25, 1.0]])
    drawn = np.random.default_rng(7).integers(5, size=(50, 5))
    assert resampled_means(table, draws=50, seed=7) == pytest.approx(table[:, drawn].mean(axis=2))


def test_resampled_means_have_the_distribution_of_bootstrap_means():
    rng = np.random.default_rng(1)
    columns = rng.integers(0, 2, size=(2, 300)).astype(float)
    ours, theirs = resampled_means(columns, 4000, 3), bootstrap_means(columns.tolist(), 4000, 3).T
    assert ours.mean(axis=1) == pytest.approx(theirs.mean(axis=1), abs=0.003)
    assert np.cov(ours) == pytest.approx(np.cov(theirs), rel=0.15, abs=4e-5)


def test_resampled_means_pair_across_calls_and_batches(monkeypatch):
    """A column's draws hang on n and seed only: not on the other columns, nor on how many draws fit into memory."""
    table = np.random.default_rng(2).random((3, 40))
    whole = resampled_means(table, 100, 5)
    assert resampled_means(table[1:2], 100, 5)[0] == pytest.approx(whole[1])
    monkeypatch.setattr("faithfulness_metrics.bootstrap._CELLS", 40 * 7)
    assert resampled_means(table, 100, 5) == pytest.approx(whole)


def test_resampled_means_leave_nan_out():
    table = np.array([[1.0, math.nan, 0.0, 1.0], [1.0, 1.0, 0.0, 1.0], [math.nan] * 4])
    drawn = np.random.default_rng(0).integers(4, size=(60, 4))
    means = resampled_means(table, draws=60, seed=0)
    with np.errstate(invalid="ignore"):
        seen = ~np.isnan(table[0, drawn])
        expected = np.where(seen, table[0, drawn], 0).sum(axis=1) / seen.sum(axis=1)
    assert means[0] == pytest.approx(expected, nan_ok=True)
    assert means[1] == pytest.approx(table[1, drawn].mean(axis=1))
    assert np.isnan(means[2]).all()


def test_resampled_means_of_one_document_say_nothing():
    assert np.isnan(resampled_means(np.ones((2, 1)), 10)).all()


@given(
    arrays(float, st.tuples(st.integers(1, 4), st.integers(2, 60)), elements=st.floats(-1, 1) | st.just(math.nan)),
    st.sampled_from([0.5, 0.9, 0.95]),
)
def test_intervals_are_interval_row_by_row(values, confidence):
    lows, highs = intervals(values, confidence)
    for row, low, high in zip(values, lows, highs, strict=True):
        expected = interval(row, confidence)
        assert (low, high) == (pytest.approx(expected.low, nan_ok=True), pytest.approx(expected.high, nan_ok=True))
