"""Metrics of all documents together, with their intervals: docs/metrics.md, sections 13 and 15.

Each document has some numbers. The metric is a function of their means over documents, and so is each resample's.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from faithfulness_metrics.bootstrap import Array, bootstrap_means, intervals
from faithfulness_metrics.cues import g_mean_of_counts
from faithfulness_metrics.erasure import phi_of_counts
from leaderboards.analysis.confidence_intervals import bootstrap_estimate, undefined_estimate
from leaderboards.board import Estimate, Settings
from leaderboards.lm_eval_files.samples_file import COUNTS, Samples


def _phi(means: Array) -> Array:
    return phi_of_counts(means)[:, 0]


def _largest(means: Array) -> Array:
    """The share that is the largest over all documents, the first row, in each resample."""
    share: Array = means[:, np.argmax(means[0])]
    return share


_NO_WORD, _NO_CUE = "no word was asked about", "no document has a cue that can be named"

# Metric -> the function of means, [n_tables, n_numbers] -> [n_tables]; why it can be undefined; what is missing where
# no document has numbers.
FUNCTIONS: dict[str, tuple[Callable[[Array], Array], str, str]] = {
    "simulation_phi": (_phi, "every word that was asked about changes the answer, or none does", _NO_WORD),
    "simulation_majority": (_largest, _NO_WORD, _NO_WORD),
    "cue_phi": (_phi, "every answer follows the cue, or none does", _NO_CUE),
    "cue_g_mean": (g_mean_of_counts, "every answer follows the cue, or none does", _NO_CUE),
}


def count_estimates(samples: Samples, seed: int, settings: Settings) -> dict[str, Estimate]:
    """The estimates of `COUNTS` that the samples have. Documents without numbers are left out."""
    return {
        name: count_estimate(name, samples.frame[name].to_list(), seed, settings)
        for name in COUNTS
        if name in samples.frame.columns
    }


def count_estimate(name: str, rows: list[list[float] | None], seed: int, settings: Settings) -> Estimate:
    """One of them, from the numbers of each document."""
    function, reason, nothing = FUNCTIONS[name]
    table = np.array([row for row in rows if row and any(row)], dtype=np.float64)
    if not len(table):
        return undefined_estimate(nothing)
    mean = table.mean(axis=0, keepdims=True)
    value = float(function(mean)[0])
    if math.isnan(value):
        return undefined_estimate(reason, len(table))
    draws = function(np.concatenate([mean, bootstrap_means(table.T.tolist(), settings.draws, seed)]))[1:]
    (low,), (high,) = intervals(draws[None], settings.confidence)
    return bootstrap_estimate(value, float(low), float(high), len(table))
