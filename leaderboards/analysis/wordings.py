"""The band over wordings: one checkpoint's lift under several wordings of the request for an explanation.

docs/protocol.md, "Other wordings". Runs with another `template` are other columns of a board. Those that differ in
nothing else are put side by side here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from leaderboards.analysis.aggregate import group_means
from leaderboards.analysis.task_columns import TaskColumn
from leaderboards.analysis.task_results import TaskResult
from leaderboards.board import Estimate, Settings, Task, WordingBand
from leaderboards.lm_eval_files.option_defaults import has_cue, with_defaults
from leaderboards.lm_eval_files.results_file import DATA_FOLDER

METRIC = "lift"

# Wording -> the column of a task that asks so, and a checkpoint's result there.
ByWording = Mapping[int, tuple[Task, TaskResult]]


def wording_bands(
    checkpoints: int, columns: Sequence[tuple[Task, TaskColumn]], settings: Settings
) -> Iterator[WordingBand]:
    """The band of each checkpoint that has results under at least two wordings, over the wordings of all such tasks.

    Args:
        checkpoints: their number.
        columns: of the board. Texts with a cue, and tasks that means leave out, have no band.
        settings: of the board.
    """
    families: dict[str, dict[int, tuple[Task, TaskColumn]]] = {}
    for task, column in columns:
        if not has_cue(task.options) and not task.options.get("simulates"):
            wording = int(with_defaults(task.options)["template"])
            families.setdefault(_all_but_wording(task, column), {}).setdefault(wording, (task, column))
    for index in range(checkpoints):
        own = [_results_of(index, family) for family in families.values()]
        tasks = [by_wording for by_wording in own if len(by_wording) > 1]
        shared = sorted(set[int].intersection(*(set(by_wording) for by_wording in tasks))) if tasks else []
        if len(shared) > 1:
            yield _band(index, tasks, shared, settings)


def _all_but_wording(task: Task, column: TaskColumn) -> str:
    """What columns share that differ in the wording alone: name, version, documents and options."""
    options = with_defaults(task.options)
    others = {name: value for name, value in options.items() if name not in ("template", DATA_FOLDER)}
    parts = (task.name, task.version, column.documents.digest, column.documents.n, others)
    return json.dumps(parts, sort_keys=True, default=str)


def _results_of(index: int, family: Mapping[int, tuple[Task, TaskColumn]]) -> ByWording:
    """A checkpoint's results under each wording for which it has a lift."""
    results = {
        wording: (task, column.results[index]) for wording, (task, column) in family.items() if index in column.results
    }
    return {
        wording: (task, result)
        for wording, (task, result) in results.items()
        if METRIC in result.metrics and result.metrics[METRIC].estimate is not None
    }


def _band(index: int, tasks: Sequence[ByWording], wordings: Sequence[int], settings: Settings) -> WordingBand:
    means: dict[str, Estimate] = {}
    for wording in wordings:
        pairs = [by_wording[wording] for by_wording in tasks]
        results = {task.id: result for task, result in pairs}
        means[str(wording)] = group_means(results, [task for task, _ in pairs], settings)["all"][METRIC]
    by_task = {}
    for by_wording in tasks:
        first, _ = by_wording[wordings[0]]
        by_task[first.id] = {str(wording): by_wording[wording][1].metrics[METRIC] for wording in wordings}
    return WordingBand(checkpoint=f"c{index}", lifts=means, tasks=by_task)
