"""How often the interval of a paired difference covers the truth where few documents change: enumerated, not simulated.

python -m pytest tests/faithfulness_metrics/test_coverage.py -s
"""

from __future__ import annotations

import pytest
from scipy.stats import multinomial

from faithfulness_metrics.statistics import difference, mcnemar

# (share of documents where only a is 1, where only b is, documents) -> the interval covers the truth, it has no width,
# it excludes 0 although the exact test says p >= .05. As in leaderboards/README.md.
MEASURED = {
    (0.3, 0.1, 30): (0.958, 0.000, 0.090),
    (0.3, 0.1, 60): (0.958, 0.000, 0.061),
    (0.3, 0.1, 200): (0.959, 0.000, 0.000),
    (0.1, 0.02, 30): (0.922, 0.022, 0.163),
    (0.1, 0.02, 60): (0.951, 0.000, 0.155),
    (0.1, 0.02, 200): (0.962, 0.000, 0.024),
    (0.02, 0.0, 30): (0.452, 0.545, 0.003),
    (0.02, 0.0, 60): (0.701, 0.298, 0.031),
    (0.02, 0.0, 200): (0.908, 0.018, 0.355),
}


def outcomes(n, only_a, only_b):
    """(a, b, probability) of every pair of columns that is not too unlikely to matter."""
    for more in range(n + 1):
        for less in range(n + 1 - more):
            p = multinomial.pmf([more, less, n - more - less], n, [only_a, only_b, 1 - only_a - only_b])
            if p > 1e-6:
                rest = [0] * (n - more - less)
                yield [1] * more + [0] * less + rest, [0] * more + [1] * less + rest, p


@pytest.mark.parametrize(("only_a", "only_b", "n"), MEASURED)
def test_the_interval_of_a_difference(only_a, only_b, n):
    truth = only_a - only_b
    covered = no_width = beyond_the_test = 0.0
    for a, b, p in outcomes(n, only_a, only_b):
        interval = difference(a, b)
        covered += p * (interval.low - 1e-12 <= truth <= interval.high + 1e-12)
        no_width += p * (interval.low == interval.high)
        beyond_the_test += p * ((interval.low > 0 or interval.high < 0) and mcnemar(a, b).p >= 0.05)
    print(f"only a {only_a}, only b {only_b}, n {n}: {covered:.3f}, {no_width:.3f}, {beyond_the_test:.3f}")
    # 2,000 draws: a bound can lie one document further with another version of numpy
    assert (covered, no_width, beyond_the_test) == pytest.approx(MEASURED[only_a, only_b, n], abs=0.03)
