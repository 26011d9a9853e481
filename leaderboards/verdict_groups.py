"""The tasks of one checkpoint in groups that a sentence can name: a style, on datasets trained on or on unseen ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaderboards.board import Cell, Checkpoint, Estimate, Task
from leaderboards.tables.main_table import describe_budget, sort_tasks

# Where a group of tasks stands to the training of the checkpoint: key -> words.
PLACES = {"trained": "on the datasets it was trained on", "unseen": "on unseen datasets", "all": ""}


@dataclass(frozen=True)
class TaskPair:
    """A task, the checkpoint's cell, and that of its base; None without a base.

    Attributes:
        words: the dataset, and the budget where it is not the first one of the board.
    """

    task: Task
    words: str
    cell: Cell
    base: Cell | None

    @property
    def marker(self) -> str:
        """``better`` or ``worse`` than the base, after Holm; empty without a significant difference."""
        return self.cell.versus.marker if self.cell.versus else ""


@dataclass(frozen=True)
class TaskGroup:
    """Tasks of one style and one place, on which a checkpoint and its base, if it has one, can be measured.

    Attributes:
        place: a key of `PLACES`.
        new_style: whether the checkpoint was trained on explanations, but not of this style.
    """

    style: str
    place: str
    new_style: bool
    pairs: tuple[TaskPair, ...]

    def mean(self, metric: str) -> float | None:
        """Unweighted mean of the checkpoint; None where a task has no number."""
        return mean_of([pair.cell for pair in self.pairs], metric)

    def base_mean(self, metric: str) -> float | None:
        """The same of the base."""
        cells = [pair.base for pair in self.pairs if pair.base]
        return mean_of(cells, metric) if len(cells) == len(self.pairs) else None

    def marked(self, marker: str) -> list[TaskPair]:
        """The tasks with this difference to the base."""
        return [pair for pair in self.pairs if pair.marker == marker]

    def apart_from_chance(self, side: str) -> int:
        """The tasks whose interval of `lift` lies ``above`` or ``below`` 0."""
        lifts = [pair.cell.metrics["lift"] for pair in self.pairs if "lift" in pair.cell.metrics]
        if side == "above":
            return sum(lift.low is not None and lift.low > 0 for lift in lifts)
        return sum(lift.high is not None and lift.high < 0 for lift in lifts)


def is_measured(cell: Cell) -> bool:
    """Whether a cell has a number for `faithful`."""
    faithful = cell.metrics.get("faithful")
    return not cell.not_measurable and faithful is not None and faithful.estimate is not None


def mean_of(cells: Sequence[Cell], metric: str, bound: str = "estimate") -> float | None:
    """Unweighted mean of a metric, or of its lower or upper bounds; None where a cell has none."""
    none = Estimate(None, None, None, 0)
    values = [getattr(cell.metrics.get(metric, none), bound) for cell in cells]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def group_cells(
    checkpoint: Checkpoint, cells: Sequence[Cell], tasks: Mapping[str, Task], base: Mapping[str, Cell]
) -> list[TaskGroup]:
    """The groups of a checkpoint: trained on first, then in the order of the board's styles.

    Args:
        checkpoint: the one that the sentences are about.
        cells: its cells.
        tasks: task id -> task, without variants.
        base: task id -> cell of its base; empty without a base.
    """
    training = checkpoint.training
    by_task = {cell.task: cell for cell in cells if is_measured(cell) and (not base or _has_gain(cell))}
    used = [task for task in sort_tasks(list(tasks.values())) if task.id in by_task]
    members: dict[tuple[str, str], list[TaskPair]] = {}
    for task in used:
        place = "all" if not (training and training.datasets) else _place(task, training.datasets)
        words = task.dataset if task.budget == used[0].budget else f"{task.dataset} with {_budget(task)}"
        pair = TaskPair(task, words, by_task[task.id], base.get(task.id))
        members.setdefault((place, task.style), []).append(pair)
    styles = training.styles if training else ()
    groups = [
        TaskGroup(style, place, bool(styles) and style not in styles, tuple(pairs))
        for (place, style), pairs in members.items()
    ]
    return sorted(groups, key=lambda group: list(PLACES).index(group.place))


def _budget(task: Task) -> str:
    return describe_budget(task.budget, task.unit)


def _has_gain(cell: Cell) -> bool:
    return cell.versus is not None and cell.versus.faithful.estimate is not None


def _place(task: Task, datasets: Sequence[str]) -> str:
    return "trained" if task.dataset in datasets else "unseen"
