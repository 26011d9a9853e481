"""The main table: one row per checkpoint with its means over a group of tasks, and the words it uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboards import number_format
from leaderboards.analysis.aggregate import GROUPS
from leaderboards.analysis.task_columns import BUDGETS, STYLES
from leaderboards.board import Board, Cell, Checkpoint, Estimate, Task
from leaderboards.sanitize import one_line

METRICS = ("faithful", "lift", "ccf", "valid", "acc")
ARMS = {
    "word": "deciding word",
    "dpo": "deciding word, dpo",
    "grpo": "reward, grpo",
    "random": "random word",
    "lowest": "lowest word",
    "answers": "answers only",
}
NO_ESTIMATE = Estimate(None, None, None, 0)


@dataclass(frozen=True)
class Gain:
    """Checkpoint minus base over some tasks.

    Attributes:
        mean: unweighted mean of the differences in `faithful`.
        better, worse: number of tasks with a significant difference.
        tasks: number of tasks with a difference.
        interval: the board's own mean with its interval; None if the board has none for these tasks.
    """

    mean: float
    better: int
    worse: int
    tasks: int
    interval: Estimate | None = None


@dataclass(frozen=True)
class TableRow:
    """One checkpoint.

    Attributes:
        trained: what it was trained on, in words.
        arm: in words; "" for a base.
        means: metric -> mean over the tasks of the group.
        chance, oracle: the same for the two controls, for the charts.
        tasks: number of tasks of the group that the checkpoint has.
        measured: number of those on which `faithful` can be measured.
        gain: None for a base.
        gain_note: why there is no gain; "" where there is one, and for a base.
        majority: mean accuracy of always answering the most frequent gold label, beside `acc`.
    """

    checkpoint: Checkpoint
    trained: str
    arm: str
    means: dict[str, Estimate]
    chance: Estimate
    oracle: Estimate
    tasks: int
    gain: Gain | None
    gain_note: str = ""
    measured: int = 0
    majority: Estimate = NO_ESTIMATE


def sort_tasks(tasks: Sequence[Task]) -> list[Task]:
    """Sort by style, then trained-on datasets before unseen ones, then one word before several."""
    datasets = list(dict.fromkeys(task.dataset for task in sorted(tasks, key=lambda task: not task.trained_on)))
    styles = [*STYLES, *sorted({task.style for task in tasks} - set(STYLES))]
    budgets = [*BUDGETS, *sorted({task.budget for task in tasks} - set(BUDGETS))]
    return sorted(
        tasks,
        key=lambda task: (styles.index(task.style), datasets.index(task.dataset), budgets.index(task.budget), task.id),
    )


def in_group(task: Task, group: str) -> bool:
    """Whether a task counts in the means of a group. Variants (`~2`) count in none."""
    return not task.is_variant and GROUPS[group](task)


def groups_with_means(board: Board) -> list[str]:
    """The groups for which this board has means."""
    return [group for group in GROUPS if any(group in checkpoint.means for checkpoint in board.checkpoints)]


def has_majority(board: Board) -> bool:
    """Whether any mean accuracy has the majority's beside it."""
    return any("acc_majority" in means for checkpoint in board.checkpoints for means in checkpoint.means.values())


def describe_training(checkpoint: Checkpoint) -> str:
    """What a checkpoint was trained on, in words."""
    training = checkpoint.training
    if training is None:
        return "training not recorded" if checkpoint.base else "base"
    budgets = " and ".join(describe_budget(budget) for budget in training.budget)
    parts = [", ".join(training.datasets), ", ".join(training.styles), budgets]
    return one_line(" · ".join(filter(None, parts)), 200)


def describe_arm(checkpoint: Checkpoint) -> str:
    """The arm of the training in words; controls are marked."""
    training = checkpoint.training
    if training is None:
        return ""
    arm = one_line(" + ".join(ARMS.get(name, name) for name in training.arm.split("+")), 60)
    if training.arm != "answers":  # answers are no explanations, so there is nothing to filter and no new word
        arm += ", unfiltered" if training.filtered is False else ""
        arm += ", specific" if training.extra.get("specific") == [True] else ""
    if training.control and training.trainer:
        arm += f", {one_line(training.trainer, 20)}"
    return f"control: {arm}" if training.control else arm


def describe_budget(budget: str, unit: str = "word") -> str:
    """A budget in words: how many words or sentences an explanation may name."""
    return BUDGETS.get(budget, budget).replace("word", unit)


def _gain_over_base(cells: Sequence[Cell], interval: Estimate | None = None) -> Gain | None:
    comparisons = [cell.versus for cell in cells if cell.versus and cell.versus.faithful.estimate is not None]
    if not comparisons:
        return None
    markers, n = [versus.marker for versus in comparisons], len(comparisons)
    mean = sum(versus.faithful.estimate or 0.0 for versus in comparisons) / n
    return Gain(mean, markers.count("better"), markers.count("worse"), n, interval)


def ranking_metric(rows: Sequence[Checkpoint], group: str = "all") -> str:
    """`lift`, or `faithful` where a checkpoint has that one only: a rate that chance may have reached."""
    means = [row.means.get(group, {}) for row in rows]
    with_faithful = [own for own in means if own.get("faithful", NO_ESTIMATE).estimate is not None]
    return "lift" if all(own.get("lift", NO_ESTIMATE).estimate is not None for own in with_faithful) else "faithful"


def table_rows(board: Board, group: str = "all") -> list[TableRow]:
    """The rows of the table of a group of tasks, by `ranking_metric`, best first. Rows without a number are last."""
    tasks = {task.id for task in board.tasks if in_group(task, group)}
    cells: dict[str, list[Cell]] = {checkpoint.id: [] for checkpoint in board.checkpoints}
    for cell in board.cells:
        if cell.task in tasks:
            cells[cell.checkpoint].append(cell)
    rows = [_table_row(checkpoint, group, cells[checkpoint.id]) for checkpoint in board.checkpoints]

    metric = ranking_metric(board.checkpoints, group)

    def rank(row: TableRow) -> float:
        value = row.means[metric].estimate
        return -2.0 if value is None else value

    return sorted(rows, key=rank, reverse=True)


def _table_row(checkpoint: Checkpoint, group: str, cells: Sequence[Cell]) -> TableRow:
    means = checkpoint.means.get(group, {})
    return TableRow(
        checkpoint=checkpoint,
        trained=describe_training(checkpoint),
        arm=describe_arm(checkpoint),
        means={metric: means.get(metric, NO_ESTIMATE) for metric in METRICS},
        chance=means.get("faithful_random", NO_ESTIMATE),
        oracle=means.get("faithful_oracle", NO_ESTIMATE),
        tasks=len(cells),
        gain=_gain_over_base(cells, checkpoint.gains.get(group)) if checkpoint.base else None,
        gain_note=_gain_note(cells) if checkpoint.base else "",
        measured=sum(not cell.not_measurable for cell in cells),
        majority=means.get("acc_majority", NO_ESTIMATE),
    )


def _gain_note(cells: Sequence[Cell]) -> str:
    gains = [cell.versus.faithful for cell in cells if cell.versus]
    has_number = any(gain.estimate is not None for gain in gains)
    return "" if has_number else next((gain.note for gain in gains if gain.note), "")


def accuracy(row: TableRow, interval: bool = True) -> str:
    """The mean accuracy, and what always answering the most frequent label would reach: `.70 [.66, .74] (.51)`."""
    means, majority = row.means["acc"], row.majority.estimate
    text = number_format.with_interval(means) if interval else number_format.rate(means.estimate)
    return text if majority is None else f"{text} ({number_format.rate(majority)})"


def narrow_row(row: TableRow, longest: int) -> dict[str, str]:
    """A row as text for a page of paper: without the training, and with intervals where they matter most."""
    means, gain = row.means, row.gain
    counts = f" {number_format.BETTER}{gain.better} {number_format.WORSE}{gain.worse}" if gain else ""
    return {
        "checkpoint": one_line(row.checkpoint.name, longest),
        "arm": one_line(row.arm, 24) if row.checkpoint.base else "base",
        "faithful": number_format.with_interval(means["faithful"]),
        "against base": f"{number_format.rate(gain.mean, signed=True)}{counts}"
        if gain
        else number_format.short_note(row.gain_note) or "–",
        "lift": number_format.with_interval(means["lift"], signed=True),
        "ccf": number_format.with_interval(means["ccf"]) if means["ccf"].estimate is not None else "not measurable",
        "valid": number_format.rate(means["valid"].estimate),
        "acc": accuracy(row, interval=False),
    }
