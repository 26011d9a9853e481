"""Means over tasks, and mean gains over the base.

Means are unweighted over tasks. Intervals come from the resamples of the tasks: tasks on the same documents were
resampled together, others independently. `n` is the number of different documents, because these are what is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from faithfulness_metrics import chance, statistics
from faithfulness_metrics.bootstrap import Array, intervals
from leaderboards.analysis.confidence_intervals import (
    CCF_PARTS,
    bootstrap_estimate,
    join_notes,
    make_estimate,
    undefined_estimate,
)
from leaderboards.analysis.document_sets import count_documents
from leaderboards.analysis.measurability import LEFT_OUT
from leaderboards.analysis.task_results import AGGREGATED, TaskResult
from leaderboards.board import Estimate, Settings, Task
from leaderboards.number_format import NOT_MEASURABLE

# A checkpoint and its base on the same task.
Pair = tuple[TaskResult, TaskResult]

# The task groups of the main table. All but "all" are empty where no checkpoint's training is known.
GROUPS: dict[str, Callable[[Task], bool]] = {
    "all": lambda task: True,
    "trained": lambda task: task.trained_on,
    "in distribution": lambda task: task.trained_on and task.budget == "oneword",
    "several words": lambda task: task.trained_on and task.budget == "multiword",
    "unseen": lambda task: not task.trained_on,
}


def group_means(
    results: Mapping[str, TaskResult], tasks: Sequence[Task], settings: Settings
) -> dict[str, dict[str, Estimate]]:
    """Means of one checkpoint: group with a task -> metric -> mean.

    Args:
        results: task id -> the checkpoint's result.
        tasks: of the board, without variants.
    """
    means = {}
    for group, group_tasks in _groups(tasks):
        if group_results := [results[task.id] for task in group_tasks if task.id in results]:
            means[group] = _mean_metrics(group_results, len(group_tasks), settings)
    return means


def measurable_pairs(pairs: Sequence[Pair]) -> list[Pair]:
    """Those on which `faithful` of both can be measured."""
    return [pair for pair in pairs if not any(result.not_measurable for result in pair)]


def group_gains(pairs: Mapping[str, Pair], tasks: Sequence[Task], settings: Settings) -> dict[str, Estimate]:
    """Mean gains of one checkpoint: group with a task -> mean gain.

    Args:
        pairs: task id -> results of the checkpoint and of its base.
        tasks: of the board, without variants.
    """
    gains = {}
    for group, group_tasks in _groups(tasks):
        if group_pairs := [pairs[task.id] for task in group_tasks if task.id in pairs]:
            gains[group] = mean_gain(group_pairs, settings)
    return gains


def _groups(tasks: Sequence[Task]) -> Iterator[tuple[str, list[Task]]]:
    training_known = any(task.trained_on for task in tasks)
    for group, contains in GROUPS.items():
        if training_known or group == "all":
            yield group, [task for task in tasks if contains(task)]


def _mean_metrics(all_results: Sequence[TaskResult], tasks: int, settings: Settings) -> dict[str, Estimate]:
    """Means of the metrics that are defined on every task; and `ccf` as the ratio of the means.

    Tasks on which `faithful` cannot be measured are left out of `LEFT_OUT`, and the note says how many.
    """
    means: dict[str, Estimate] = {}
    draws: dict[str, Array | None] = {}
    measurable = [result for result in all_results if not result.not_measurable]
    missing = len(all_results) - len(measurable)
    remark = f"{missing} {NOT_MEASURABLE}" if missing else ""
    for name in AGGREGATED:
        results = measurable if name in LEFT_OUT else all_results
        values = [result.metrics[name].estimate for result in results if name in result.metrics]
        defined = [value for value in values if value is not None]
        if results and len(defined) == len(results):
            n, note = _coverage(results, tasks, remark if name in LEFT_OUT else "")
            draws[name] = _mean_draws(results, name)
            means[name] = _mean_estimate(name, float(np.mean(defined)), draws[name], n, note, settings)
    majorities = [result.metrics["acc_majority"].estimate for result in all_results if "acc_majority" in result.metrics]
    if len(majorities) == len(all_results):
        n, note = _coverage(all_results, tasks, "")
        means["acc_majority"] = Estimate(float(np.mean([value or 0.0 for value in majorities])), None, None, n, note)
    if not measurable:
        undefined = undefined_estimate(f"{NOT_MEASURABLE}: on none of its tasks")
        return means | dict.fromkeys(("faithful", "lift", "ccf"), undefined)
    n, note = _coverage(measurable, tasks, remark)
    if set(means) >= set(CCF_PARTS):
        parts = [means[name].estimate or 0.0 for name in CCF_PARTS]
        ccf = float(chance.ratio_of_means(np.array([parts]))[0])
        if math.isnan(ccf):
            _, random, oracle = parts
            means["ccf"] = undefined_estimate(chance.not_measurable(oracle - random), n)
        else:
            known_draws = [part for name in CCF_PARTS if (part := draws[name]) is not None]
            ratios = chance.ratio_of_means(np.stack(known_draws, 1)) if len(known_draws) == len(parts) else None
            means["ccf"] = estimate_with_draws(ccf, ratios, n, note, settings)
    return means


def _mean_estimate(name: str, mean: float, draws: Array | None, n: int, note: str, settings: Settings) -> Estimate:
    """The mean with its interval. Rates that are all 0 or all 1 have Wilson's over their documents, as a task has."""
    if name != "lift" and mean in (0.0, 1.0) and draws is not None:
        low, high = statistics.wilson(mean * n, n, settings.confidence)
        return make_estimate(mean, low, high, n, note)
    return estimate_with_draws(mean, draws, n, note, settings)


def _coverage(results: Sequence[TaskResult], tasks: int, remark: str) -> tuple[int, str]:
    """Number of different documents, and the note of a mean that is not over all tasks."""
    n = count_documents((result.documents, result.values.get("faithful")) for result in results)
    return n, join_notes("" if len(results) == tasks else f"over {len(results)} of {tasks} tasks", remark)


def mean_gain(all_pairs: Sequence[Pair], settings: Settings) -> Estimate:
    """Mean over tasks of the gain in `faithful`, checkpoint minus base, where both can be measured."""
    pairs = measurable_pairs(all_pairs)
    if not pairs:
        return undefined_estimate(f"{NOT_MEASURABLE}: both on none of the tasks")
    mean = float(np.mean(task_gains(pairs)))
    missing = len(all_pairs) - len(pairs)
    note = join_notes(f"over {len(pairs)} tasks", f"{missing} {NOT_MEASURABLE}" if missing else "")
    return estimate_with_draws(mean, gain_draws(pairs), count_shared(pairs), note, settings)


def count_shared(pairs: Sequence[Pair]) -> int:
    """Number of different documents for which both have a value."""
    return count_documents((result.documents, _gains(result, base)) for result, base in pairs)


def task_gains(pairs: Sequence[Pair]) -> list[float]:
    """Gain in `faithful` per task, over the documents for which both have a value."""
    return [float(np.nanmean(_gains(result, base))) for result, base in pairs]


def gain_draws(pairs: Sequence[Pair]) -> Array:
    """Resampled mean gains, [n_draws]."""
    draws = [result.draws["faithful"].astype(np.float64) - base.draws["faithful"] for result, base in pairs]
    mean: Array = np.mean(draws, axis=0)
    return mean


def estimate_with_draws(value: float, draws: Array | None, n: int, note: str, settings: Settings) -> Estimate:
    """An estimate with the percentile interval of its resamples, [n_draws]; None if a task has no samples."""
    if draws is None:
        return make_estimate(value, math.nan, math.nan, n, join_notes(note, "no interval: a task without samples"))
    (low,), (high,) = intervals(draws[None], settings.confidence)
    return bootstrap_estimate(value, float(low), float(high), n, note)


def _gains(result: TaskResult, base: TaskResult) -> Array:
    return result.values["faithful"] - base.values["faithful"]


def _mean_draws(results: Sequence[TaskResult], name: str) -> Array | None:
    if any(name not in result.draws for result in results):
        return None
    means: Array = np.mean([result.draws[name] for result in results], axis=0, dtype=np.float64)
    return means
