"""A checkpoint against its base on the documents of one task: gains, exact McNemar test, Holm, drift."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from faithfulness_metrics import drift, statistics
from faithfulness_metrics.bootstrap import complete, intervals
from leaderboards.analysis.confidence_intervals import constant_estimate, make_estimate, none_if_nan, undefined_estimate
from leaderboards.analysis.task_results import TaskResult
from leaderboards.board import BaseComparison, Estimate, Settings
from leaderboards.number_format import NOT_MEASURABLE


def compare_with_base(result: TaskResult, base: TaskResult, settings: Settings) -> BaseComparison | None:
    """A checkpoint against its base, on the documents of both. None if one of them has no samples."""
    if result.samples is None or base.samples is None:
        return None
    blocked = _not_measurable(result, base)
    faithful, base_faithful = result.values["faithful"], base.values["faithful"]
    defined = ~(np.isnan(faithful) | np.isnan(base_faithful))
    test = statistics.mcnemar(faithful[defined].tolist(), base_faithful[defined].tolist())
    n = int(defined.sum())
    discordant = (test.only_a + test.only_b) / n if n else math.nan
    predictions = result.samples.frame["prediction"].to_list()
    base_predictions = base.samples.frame["prediction"].to_list()
    not_recorded = undefined_estimate("not recorded")
    return BaseComparison(
        n=n,
        faithful=blocked or paired_difference(result, base, "faithful", settings) or not_recorded,
        lift=(blocked if "lift" in result.values else None) or paired_difference(result, base, "lift", settings),
        acc=paired_difference(result, base, "acc", settings) or not_recorded,
        only_checkpoint=test.only_a,
        only_base=test.only_b,
        p=None if blocked else none_if_nan(test.p),
        p_holm=None,
        marker="",
        detectable=None
        if blocked
        else none_if_nan(statistics.detectable_difference(n, discordant, alpha=settings.alpha)),
        agreement=none_if_nan(drift.agreement(predictions, base_predictions)),
        entropy=none_if_nan(drift.label_entropy(predictions)),
        entropy_base=none_if_nan(drift.label_entropy(base_predictions)),
        unknown=none_if_nan(drift.unknown_rate(predictions)),
        unknown_base=none_if_nan(drift.unknown_rate(base_predictions)),
        unparsed=none_if_nan(drift.unparsed_rate(predictions)),
        unparsed_base=none_if_nan(drift.unparsed_rate(base_predictions)),
    )


def _not_measurable(result: TaskResult, base: TaskResult) -> Estimate | None:
    """The difference where one of the two cannot be measured; None where both can."""
    if reason := result.not_measurable:
        return undefined_estimate(f"{NOT_MEASURABLE}: {reason}")
    if reason := base.not_measurable:
        return undefined_estimate(f"{NOT_MEASURABLE}: the other side: {reason}")
    return None


def paired_difference(result: TaskResult, base: TaskResult, metric: str, settings: Settings) -> Estimate | None:
    """Checkpoint minus base in one metric, paired. None if one of them did not record it."""
    if metric not in result.values or metric not in base.values:
        return None
    values, base_values = result.values[metric], base.values[metric]
    if np.isnan(values).any() or np.isnan(base_values).any():
        (defined, base_defined), missing = complete(values.tolist(), base_values.tolist())
        note, n = f"{missing} documents without a value left out", len(defined)
        if n > 1 and len({x - y for x, y in zip(defined, base_defined, strict=True)}) == 1:
            return constant_estimate(defined[0] - base_defined[0], n, note)
        gain = statistics.difference(defined, base_defined, settings.draws, settings.seed, settings.confidence)
        return make_estimate(gain.estimate, gain.low, gain.high, n, note)
    n = len(values)
    if n > 1 and bool((values - base_values == values[0] - base_values[0]).all()):
        return constant_estimate(float(values[0] - base_values[0]), n)
    draws = (result.draws[metric] - base.draws[metric])[None].astype(np.float64)
    (low,), (high,) = intervals(draws, settings.confidence)
    return make_estimate(float(values.mean() - base_values.mean()), float(low), float(high), n)


def holm_adjust(comparisons: Mapping[str, BaseComparison], settings: Settings) -> dict[str, BaseComparison]:
    """Add Holm's p-values and the markers to task -> comparison, over all tasks of one checkpoint."""
    p_values = statistics.holm(
        {task: math.nan if versus.p is None else versus.p for task, versus in comparisons.items()}
    )
    adjusted = {}
    for task, versus in comparisons.items():
        p, gain = p_values[task], versus.faithful.estimate
        significant = not math.isnan(p) and p < settings.alpha
        marker = ("better" if gain > 0 else "worse") if significant and gain else ""
        adjusted[task] = replace(versus, p_holm=none_if_nan(p), marker=marker)
    return adjusted
