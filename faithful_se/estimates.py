"""The metrics of documents with their intervals, by the functions that a board makes its numbers with."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from faithfulness_metrics.bootstrap import intervals, paired_bootstrap, resampled_means
from leaderboards.analysis.confidence_intervals import (
    bootstrap_estimate,
    ccf_estimate,
    metric_estimate,
    undefined_estimate,
)
from leaderboards.board import Estimate, Settings
from lm_eval_tasks.metrics import METRICS, Value


def estimates_of(scores: Sequence[dict[str, Value]]) -> dict[str, Estimate]:
    """Each metric over the documents: Wilson's interval for a rate of yes and no, else a paired bootstrap's.

    Args:
        scores: the values of each document; None where a metric is not defined for it.
    """
    settings = Settings()
    # The documents' values of φ-CCT and ccf are lists of parts, from which a mean has no meaning.
    names = [name for name, value in scores[0].items() if not isinstance(value, list)]
    table = np.array([[row[name] for row in scores] for name in names], dtype=np.float64)  # None becomes nan
    draws = resampled_means(table, settings.draws, settings.seed)
    lows, highs = intervals(draws, settings.confidence)
    estimates = {
        name: metric_estimate(name, values, low, high, settings)
        for name, values, low, high in zip(names, table, lows, highs, strict=True)
    }
    for name in scores[0].keys() - estimates.keys():
        if name == "ccf":
            columns, column_draws = dict(zip(names, table, strict=True)), dict(zip(names, draws, strict=True))
            estimates[name] = ccf_estimate(columns, column_draws, settings)
        else:
            estimates[name] = _estimate_of_parts(name, [row[name] for row in scores], settings)  # type: ignore[misc]
    return {name: estimates[name] for name in scores[0]}


def _estimate_of_parts(name: str, parts: Sequence[Sequence[float]], settings: Settings) -> Estimate:
    """A metric whose documents have several numbers each, [n_documents][n_parts], with its bootstrap interval."""
    aggregate = METRICS[name].aggregate
    assert aggregate is not None, f"lm-eval cannot average the lists of {name}"
    value = float(aggregate(parts))
    if math.isnan(value):
        return undefined_estimate("not defined for these documents", len(parts))
    columns = list(zip(*parts, strict=True))
    bounds = paired_bootstrap(columns, lambda table: float(aggregate(table.T)), settings.draws, settings.seed)
    return bootstrap_estimate(value, bounds.low, bounds.high, len(parts))
