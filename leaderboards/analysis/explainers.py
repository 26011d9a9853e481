"""Whose knowledge: a checkpoint's own explanations of its answers against those of others, on the same documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from leaderboards.analysis.aggregate import Pair, count_shared, estimate_with_draws, group_means, measurable_pairs
from leaderboards.analysis.base_comparison import holm_adjust
from leaderboards.analysis.confidence_intervals import undefined_estimate
from leaderboards.analysis.task_columns import TaskColumn
from leaderboards.board import Estimate, Explainer, ExplainerCell, Settings, Task
from leaderboards.checkpoints.group_runs import CheckpointRuns
from leaderboards.number_format import NOT_MEASURABLE

# Metrics whose difference is shown; the means over tasks have resamples of both.
LEADS = ("faithful", "lift")


def compare_explainers(
    explainers: Sequence[CheckpointRuns],
    first: int,
    columns: Sequence[tuple[Task, TaskColumn]],
    settings: Settings,
) -> Iterator[Explainer]:
    """Each explainer with at least one task, beside the checkpoint whose answers it explains.

    Args:
        explainers: their `base` is the index of the checkpoint.
        first: index of the first of them in `TaskColumn.others`.
        columns: of the board.
        settings: of the board.
    """
    for index, explainer in enumerate(explainers, first):
        assert explainer.base is not None, "find_explainers has found the checkpoint"
        pairs: dict[str, Pair] = {
            task.id: (column.results[explainer.base], column.others[index])
            for task, column in columns
            if index in column.others and explainer.base in column.results
        }
        if pairs:
            yield _explainer(explainer, pairs, [task for task, _ in columns if task.id in pairs], settings)


def _explainer(
    explainer: CheckpointRuns, pairs: Mapping[str, Pair], tasks: Sequence[Task], settings: Settings
) -> Explainer:
    compared = {task: other.versus for task, (_, other) in pairs.items() if other.versus}
    versus = holm_adjust(compared, settings)
    main_tasks = [task for task in tasks if not task.is_variant]
    own_means, means = (
        group_means({task: pair[side] for task, pair in pairs.items()}, main_tasks, settings).get("all", {})
        for side in (0, 1)
    )
    main_pairs = [pairs[task.id] for task in main_tasks]
    return Explainer(
        checkpoint=f"c{explainer.base}",
        explained_by=explainer.name,
        means=means,
        own_means=own_means,
        own_leads={metric: own_lead(main_pairs, metric, settings) for metric in LEADS},
        cells=tuple(
            ExplainerCell(
                task=task.id,
                file=str((run := pairs[task.id][1].run).samples or run.file),
                metrics=pairs[task.id][1].metrics,
                own_versus=versus.get(task.id),
                not_measurable=pairs[task.id][1].not_measurable,
            )
            for task in tasks
        ),
    )


def own_lead(all_pairs: Sequence[Pair], metric: str, settings: Settings) -> Estimate:
    """Own minus other in a metric, unweighted mean over the tasks where both have it, with a paired interval."""
    pairs = [pair for pair in measurable_pairs(all_pairs) if all(metric in result.draws for result in pair)]
    if not pairs:
        return undefined_estimate(f"{NOT_MEASURABLE}: both on none of the tasks")
    values, draws = [], []
    for own, other in pairs:
        estimates = [result.metrics[metric].estimate for result in (own, other)]
        values.append((estimates[0] or 0.0) - (estimates[1] or 0.0))
        draws.append(own.draws[metric].astype(np.float64) - other.draws[metric])
    return estimate_with_draws(
        float(np.mean(values)), np.mean(draws, axis=0), count_shared(pairs), f"over {len(pairs)} tasks", settings
    )
