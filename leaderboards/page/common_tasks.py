"""Means of several checkpoints over the tasks that all of them have: other means cannot be compared in one chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaderboards.board import Board, Cell, Checkpoint
from leaderboards.number_format import counted
from leaderboards.sanitize import one_line
from leaderboards.verdict_groups import is_measured, mean_of

# Checkpoints with the fewest tasks are left out until those in common are this share of the most that any has.
LEAST_COMMON = 0.25
# So many that are left out are named.
MOST_NAMED = 5


@dataclass(frozen=True)
class CommonMeans:
    """Means per checkpoint over the same tasks.

    Attributes:
        means: checkpoints with metric -> mean.
        tasks: over which tasks, in words.
        left_out: which checkpoints are left out, in a sentence; "" if none.
    """

    means: tuple[tuple[Checkpoint, Mapping[str, float]], ...]
    tasks: str
    left_out: str


def common_means(board: Board, metrics: Sequence[str]) -> CommonMeans:
    """Unweighted means of the metrics over the tasks that all checkpoints have, variants left out."""
    tasks = {task.id for task in board.tasks if not task.is_variant}
    cells: dict[str, dict[str, Cell]] = {}
    for cell in board.cells:
        if cell.task in tasks and is_measured(cell) and all(mean_of([cell], metric) is not None for metric in metrics):
            cells.setdefault(cell.checkpoint, {})[cell.task] = cell
    drawn, most = list(cells), max(map(len, cells.values()), default=0)
    while len(drawn) > 1 and len(_common(cells, drawn)) < LEAST_COMMON * most:
        drawn.remove(min(drawn, key=lambda id: len(cells[id])))
    common = _common(cells, drawn)
    rows = [row for row in board.checkpoints if row.id in drawn]
    means = tuple(
        (row, {metric: mean_of([cells[row.id][task] for task in common], metric) or 0.0 for metric in metrics})
        for row in rows
    )
    every = len({frozenset(cells[id]) for id in drawn}) <= 1
    words = (
        f"all {counted(len(common), 'task')}"
        if every
        else f"the {counted(len(common), 'task')} that all {len(drawn)} have"
    )
    names = [one_line(row.name, 40) for row in board.checkpoints if row.id in cells and row.id not in drawn]
    more = [f"{len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else []
    left_out = f"Left out, measured on few of these tasks: {', '.join([*names[:MOST_NAMED], *more])}." if names else ""
    return CommonMeans(means, words, left_out)


def _common(cells: Mapping[str, Mapping[str, Cell]], ids: Sequence[str]) -> list[str]:
    """The tasks of all these checkpoints, in the order of the first one's."""
    return [task for task in cells[ids[0]] if all(task in cells[id] for id in ids)] if ids else []
