from __future__ import annotations

import pytest

from leaderboards.board import Estimate
from leaderboards.number_format import interval, p_value, rate, with_interval


@pytest.mark.parametrize(
    ("value", "plain", "signed"),
    [
        (0.94, ".94", "+.94"),
        (-0.03, "−.03", "−.03"),
        (1.0, "1.00", "+1.00"),
        (-1.04, "−1.04", "−1.04"),
        (0.0, ".00", ".00"),
        (-0.004, ".00", ".00"),
        (0.996, "1.00", "+1.00"),
        # Halves that binary can hold round away from 0; 0.145 is a little less than its name.
        (0.125, ".13", "+.13"),
        (-0.125, "−.13", "−.13"),
        (0.145, ".14", "+.14"),
        # As in the page's data, which have five digits: a number and a bound a hair beside it are written alike.
        (0.00499999999, ".01", "+.01"),
        (None, "–", "–"),
    ],
)
def test_rates(value, plain, signed):
    assert rate(value) == plain
    assert rate(value, signed=True) == signed


def test_intervals_and_notes():
    assert with_interval(Estimate(0.5, 0.4, 0.6, 10)) == ".50 [.40, .60]"
    assert with_interval(Estimate(-0.1, -0.25, 0.05, 10), signed=True) == "−.10 [−.25, +.05]"
    assert with_interval(Estimate(None, None, None, 10, "not measurable (headroom 0.03)")).startswith("not measurable")
    assert with_interval(Estimate(0.5, None, None, 10)) == ".50"
    assert with_interval(None) == "–" and interval(None) == ""


def test_p_values():
    assert [p_value(p) for p in (None, 0.0, 0.00099, 0.001, 0.0316, 1.0)] == [
        "–",
        "< .001",
        "< .001",
        ".001",
        ".032",
        "1.000",
    ]
