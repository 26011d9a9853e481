"""The metrics of documents with their intervals, by the functions that a board makes its numbers with."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from faithfulness_metrics.bootstrap import bootstrap_means, interval, intervals, resampled_means
from leaderboards.analysis.confidence_intervals import bootstrap_estimate, metric_estimate, undefined_estimate
from leaderboards.board import Estimate, Settings
from lm_eval_tasks.metrics import METRICS, Value

SETTINGS = Settings()


def estimates_of(scores: Sequence[dict[str, Value]]) -> dict[str, Estimate]:
    """Each metric over the documents: Wilson's interval for a rate of yes and no, else a bootstrap's.

    `scores` has the values of each document; None where a metric is not defined for it.
    """
    names = [name for name, value in scores[0].items() if not isinstance(value, list)]
    table = np.array([[row[name] for row in scores] for name in names], dtype=np.float64)  # None becomes nan
    lows, highs = intervals(resampled_means(table, SETTINGS.draws, SETTINGS.seed), SETTINGS.confidence)
    means = {
        name: metric_estimate(name, values, low, high, SETTINGS)
        for name, values, low, high in zip(names, table, lows, highs, strict=True)
    }
    return {
        name: means[name] if name in means else _estimate_of_sums(name, [row[name] for row in scores])
        for name in scores[0]
    }


def _estimate_of_sums(name: str, parts: Sequence[Value]) -> Estimate:
    """A metric that is a function of sums over documents: `ccf` of three rates, `phi_cct` of four counts."""
    columns: list[list[float]] = list(zip(*parts, strict=True))  # type: ignore[arg-type]
    aggregate = METRICS[name].aggregate
    assert aggregate is not None
    value = aggregate(parts)
    if name == "measurable" and value == 1.0:  # a finding, which nothing is resampled for
        return Estimate(1.0, 1.0, 1.0, len(parts))
    if isinstance(value, str) or math.isnan(value):
        return undefined_estimate(value if isinstance(value, str) else "not defined for these documents", len(parts))
    # A resample's means in place of its documents: the sums keep their ratios.
    draws = [aggregate([means]) for means in bootstrap_means(columns, SETTINGS.draws, SETTINGS.seed).tolist()]
    bounds = interval(np.array([math.nan if isinstance(draw, str) else draw for draw in draws]), SETTINGS.confidence)
    return bootstrap_estimate(value, bounds.low, bounds.high, len(parts))
