"""The tasks of one checkpoint in groups that a sentence can name: a style, on datasets trained on or on unseen ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaderboards.board import Cell, Checkpoint, Task
from leaderboards.tables.main_table import describe_budget, sort_tasks

# Where a group of tasks stands to the training of the checkpoint: key -> words.
PLACES = {"trained": "on the datasets it was trained on", "unseen": "on unseen datasets", "all": ""}


@dataclass(frozen=True)
class TaskGroup:
    """Tasks of one style and one place, on which a checkpoint and its base, if it has one, can be measured.

    Attributes:
        place: a key of `PLACES`.
        budget: in words, such as "one word".
        new_style: whether the checkpoint was trained on explanations, but not of this style.
        after, before: mean `faithful` of the checkpoint and of its base, unweighted; `before` is None without a base.
        chance: mean `faithful_random` of the checkpoint; None if any of its tasks has none.
        better, worse: tasks with a significant difference to the base, after Holm.
        above, below: tasks whose interval of `lift` lies above, or below, 0.
        tasks: their number.
    """

    style: str
    place: str
    budget: str
    new_style: bool
    after: float
    before: float | None
    chance: float | None
    better: int
    worse: int
    above: int
    below: int
    tasks: int


def is_measured(cell: Cell) -> bool:
    """Whether a cell has a number for `faithful`."""
    faithful = cell.metrics.get("faithful")
    return not cell.not_measurable and faithful is not None and faithful.estimate is not None


def group_cells(
    checkpoint: Checkpoint, cells: Sequence[Cell], tasks: Mapping[str, Task], base: Mapping[str, Cell]
) -> list[TaskGroup]:
    """The groups of a checkpoint: trained on first, then in the order of the board's styles.

    Of several budgets, the ones that it was trained on are in the groups; without a training, the first one.

    Args:
        checkpoint: the one that the sentences are about.
        cells: its cells.
        tasks: task id -> task, without variants.
        base: task id -> cell of its base; empty without a base.
    """
    order = sort_tasks(list(tasks.values()))
    training = checkpoint.training
    by_task = {cell.task: cell for cell in cells if is_measured(cell) and (not base or _has_gain(cell))}
    used = [task for task in order if task.id in by_task]
    budgets = {task.budget for task in used}
    trained_budgets = budgets & set(training.budget) if training else set()
    budgets = trained_budgets or {task.budget for task in used[:1]}
    members: dict[tuple[str, str, str], list[Task]] = {}
    for task in used:
        if task.budget in budgets:
            place = "all" if not (training and training.datasets) else _place(task, training.datasets)
            words = describe_budget(task.budget, task.unit)
            members.setdefault((place, words, task.style), []).append(task)
    groups = [
        _group(key, [by_task[task.id] for task in group], base, training.styles if training else ())
        for key, group in members.items()
    ]
    return sorted(groups, key=lambda group: (list(PLACES).index(group.place), group.budget))


def _has_gain(cell: Cell) -> bool:
    return cell.versus is not None and cell.versus.faithful.estimate is not None


def _place(task: Task, datasets: Sequence[str]) -> str:
    return "trained" if task.dataset in datasets else "unseen"


def _group(
    key: tuple[str, str, str], cells: Sequence[Cell], base: Mapping[str, Cell], styles: Sequence[str]
) -> TaskGroup:
    place, budget, style = key
    markers = [cell.versus.marker for cell in cells if cell.versus]
    lifts = [cell.metrics[name] for cell in cells for name in ("lift",) if name in cell.metrics]
    before = [base[cell.task] for cell in cells if cell.task in base]
    return TaskGroup(
        style=style,
        place=place,
        budget=budget,
        new_style=bool(styles) and style not in styles,
        after=_mean(cells, "faithful") or 0.0,
        before=_mean(before, "faithful") if len(before) == len(cells) else None,
        chance=_mean(cells, "faithful_random"),
        better=markers.count("better"),
        worse=markers.count("worse"),
        above=sum(lift.low is not None and lift.low > 0 for lift in lifts),
        below=sum(lift.high is not None and lift.high < 0 for lift in lifts),
        tasks=len(cells),
    )


def _mean(cells: Sequence[Cell], metric: str) -> float | None:
    estimates = [cell.metrics.get(metric) for cell in cells]
    values = [estimate.estimate for estimate in estimates if estimate is not None and estimate.estimate is not None]
    return sum(values) / len(values) if values and len(values) == len(cells) else None
