"""Overlap with human rationales."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faithfulness_metrics.plausibility import edits_inside, iou, token_f1

words = st.sets(st.sampled_from("abcdef"))


def test_by_hand():
    named, rationale = ["so", "bad", "film"], ["bad", "film", "awful", "plot"]
    # overlap 2: precision 2/3, recall 2/4, F1 = 2*2/(3+4); union 5
    assert token_f1(named, rationale) == pytest.approx(4 / 7)
    assert iou(named, rationale) == 0.4


def test_edits_inside_the_rationale_by_hand():
    # Four edits, two of them added at one position: those at 3, 3 and 5 are inside.
    assert edits_inside([1, 3, 3, 5], [3, 5, 8]) == 0.75
    assert math.isnan(edits_inside([], [3])) and math.isnan(edits_inside([3], []))


def test_edges():
    for metric in (token_f1, iou):
        assert metric(["bad"], ["bad"]) == 1.0
        assert metric(["bad", "bad"], ["bad"]) == 1.0  # each word once
        assert metric([], ["bad"]) == 0.0
        assert metric(["good"], ["bad"]) == 0.0
        assert math.isnan(metric(["bad"], []))
        assert math.isnan(metric([], []))


@given(words, words.filter(bool))
def test_ranges_and_order(named, rationale):
    f1, overlap = token_f1(named, rationale), iou(named, rationale)
    assert 0 <= overlap <= f1 <= 1
    assert f1 == pytest.approx(2 * overlap / (1 + overlap))
    assert (f1 == 1) == (named == rationale)
    if named:
        assert token_f1(rationale, named) == f1 and iou(rationale, named) == overlap


@given(words.filter(bool), words.filter(bool))
def test_f1_is_the_harmonic_mean(named, rationale):
    precision, recall = len(named & rationale) / len(named), len(named & rationale) / len(rationale)
    expected = 2 * precision * recall / (precision + recall) if precision else 0
    assert token_f1(named, rationale) == pytest.approx(expected)
