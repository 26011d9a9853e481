"""The metrics of documents with their intervals, by the functions that a board makes its numbers with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faithfulness_metrics.bootstrap import intervals, resampled_means
from leaderboards.analysis.confidence_intervals import ccf_estimate, metric_estimate
from leaderboards.board import Estimate, Settings
from lm_eval_tasks.metrics import Value


def estimates_of(scores: Sequence[dict[str, Value]]) -> dict[str, Estimate]:
    """Each metric over the documents: Wilson's interval for a rate of yes and no, else a paired bootstrap's.

    Args:
        scores: the values of each document; None where a metric is not defined for it.
    """
    settings = Settings()
    names = [name for name in scores[0] if name != "ccf"]
    table = np.array([[row[name] for row in scores] for name in names], dtype=np.float64)  # None becomes nan
    draws = resampled_means(table, settings.draws, settings.seed)
    lows, highs = intervals(draws, settings.confidence)
    estimates = {
        name: metric_estimate(name, values, low, high, settings)
        for name, values, low, high in zip(names, table, lows, highs, strict=True)
    }
    if "ccf" in scores[0]:
        estimates["ccf"] = ccf_estimate(
            dict(zip(names, table, strict=True)), dict(zip(names, draws, strict=True)), settings
        )
    return {name: estimates[name] for name in scores[0]}
