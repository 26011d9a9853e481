"""The main table: one row per checkpoint, over a group of tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from leaderboards import number_format
from leaderboards.aggregate import GROUPS
from leaderboards.board import Board, Cell, Checkpoint, Estimate, Task
from leaderboards.sanitize import one_line

BUDGETS = {"oneword": "one word", "multiword": "several words"}
STYLES = ("attribution", "redaction", "counterfactual")
METRICS = ("faithful", "lift", "ccf", "valid", "acc")
ARMS = {
    "word": "best word",
    "random": "random word",
    "lowest": "lowest word",
    "answers": "answers only",
}
NONE = Estimate(None, None, None, 0)


@dataclass(frozen=True)
class Gain:
    """Checkpoint minus base over some tasks.

    Attributes:
        mean: unweighted mean of the differences in `faithful`; None without any.
        better, worse: tasks whose difference is significant.
        tasks: tasks with a difference.
        interval: the board's own mean with its interval; None where the board has none for these tasks.
    """

    mean: float | None
    better: int
    worse: int
    tasks: int
    interval: Estimate | None = None


@dataclass(frozen=True)
class Row:
    """A checkpoint as the main table shows it.

    Attributes:
        trained: what it was trained on, in words.
        arm: in words; empty for a base.
        means: metric -> mean over the group's tasks.
        chance, oracle: the same means, for the chart.
        tasks: of the group, that it was run on.
        gain: None for a base.
    """

    checkpoint: Checkpoint
    trained: str
    arm: str
    means: dict[str, Estimate]
    chance: Estimate
    oracle: Estimate
    tasks: int
    gain: Gain | None


def ordered(tasks: Sequence[Task]) -> list[Task]:
    """Tasks as columns: by style, then trained-on datasets before unseen ones, then one word before several."""
    datasets = list(dict.fromkeys(task.dataset for task in sorted(tasks, key=lambda task: not task.trained_on)))
    styles = [*STYLES, *sorted({task.style for task in tasks} - set(STYLES))]
    budgets = [*BUDGETS, *sorted({task.budget for task in tasks} - set(BUDGETS))]
    return sorted(
        tasks,
        key=lambda t: (styles.index(t.style), datasets.index(t.dataset), budgets.index(t.budget), t.id),
    )


def belongs(task: Task, group: str) -> bool:
    """Whether a task counts in a group's means: a further variant of a task (`~2`) stands for itself only."""
    return "~" not in task.id and GROUPS[group](task)


def members(board: Board, group: str) -> list[Task]:
    """The tasks of a group."""
    return [task for task in ordered(board.tasks) if belongs(task, group)]


def groups(board: Board) -> list[str]:
    """Groups that this board has means for."""
    return [group for group in GROUPS if any(group in checkpoint.means for checkpoint in board.checkpoints)]


def trained_on(checkpoint: Checkpoint) -> str:
    """What a checkpoint was trained on, in words."""
    training = checkpoint.training
    if training is None:
        return "not recorded" if checkpoint.base else "base, as it came"
    parts = [", ".join(training.datasets), ", ".join(training.styles), " and ".join(map(_budget, training.budget))]
    return one_line(" · ".join(part for part in parts if part), 200)


def arm_of(checkpoint: Checkpoint) -> str:
    """The arm in words, controls marked."""
    training = checkpoint.training
    if training is None:
        return ""
    arm = one_line(" + ".join(ARMS.get(arm, arm) for arm in training.arm.split("+")), 60)
    kept = ""
    if training.arm != "answers":  # they are no explanations: there is nothing to filter and no new word
        kept += ", unfiltered" if training.filtered is False else ""
        kept += ", specific" if training.extra.get("specific") == [True] else ""
    return f"control: {arm}{kept}" if training.control else f"{arm}{kept}"


def gain(cells: Sequence[Cell]) -> Gain | None:
    """Mean difference to the base over cells; None where none has a difference."""
    found = [cell.versus for cell in cells if cell.versus is not None and cell.versus.faithful.estimate is not None]
    if not found:
        return None
    differences = [versus.faithful.estimate or 0.0 for versus in found]
    markers = [versus.marker for versus in found]
    return Gain(sum(differences) / len(found), markers.count("better"), markers.count("worse"), len(found))


def rows(board: Board, group: str = "all") -> list[Row]:
    """The main table, best first: by mean `faithful` of the group, those without a number last."""
    tasks = {task.id for task in members(board, group)}
    cells: dict[str, list[Cell]] = {checkpoint.id: [] for checkpoint in board.checkpoints}
    for cell in board.cells:
        if cell.task in tasks:
            cells[cell.checkpoint].append(cell)
    table = [_row(checkpoint, group, cells[checkpoint.id]) for checkpoint in board.checkpoints]
    return sorted(table, key=lambda row: -_value(row.means["faithful"]))


def narrow(row: Row, longest: int) -> dict[str, str]:
    """A row as text for a page of paper: no training, intervals where they matter most.

    Args:
        longest: characters of a name.
    """
    means, gain = row.means, row.gain
    counts = f" {number_format.BETTER}{gain.better} {number_format.WORSE}{gain.worse}" if gain else ""
    return {
        "checkpoint": one_line(row.checkpoint.name, longest),
        "arm": one_line(row.arm, 24) if row.checkpoint.base else "base",
        "faithful": number_format.with_interval(means["faithful"]),
        "against base": f"{number_format.rate(gain.mean, signed=True)}{counts}" if gain else "–",
        "lift": number_format.with_interval(means["lift"], signed=True),
        "ccf": number_format.with_interval(means["ccf"]) if means["ccf"].estimate is not None else "not measurable",
        "valid": number_format.rate(means["valid"].estimate),
        "acc": number_format.rate(means["acc"].estimate),
    }


def _row(checkpoint: Checkpoint, group: str, cells: Sequence[Cell]) -> Row:
    means = checkpoint.means.get(group, {})
    found = gain(cells) if checkpoint.base else None
    return Row(
        checkpoint,
        trained_on(checkpoint),
        arm_of(checkpoint),
        {metric: means.get(metric, NONE) for metric in METRICS},
        means.get("faithful_random", NONE),
        means.get("faithful_oracle", NONE),
        len(cells),
        replace(found, interval=checkpoint.gains.get(group)) if found else None,
    )


def _value(estimate: Estimate) -> float:
    return -1.0 if estimate.estimate is None else estimate.estimate


def _budget(name: str) -> str:
    return BUDGETS.get(name, name)
