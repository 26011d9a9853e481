"""The table of checkpoints as the page shows it: trained and unseen datasets side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from leaderboards.board import Board, Cell, Checkpoint, Estimate
from leaderboards.number_format import counted
from leaderboards.sanitize import one_line
from leaderboards.tables.main_table import (
    ARMS,
    METRICS,
    NO_ESTIMATE,
    TableRow,
    describe_arm,
    describe_budget,
    describe_training,
    groups_with_means,
    in_group,
    ranking_metric,
    table_rows,
)
from leaderboards.verdict_groups import is_measured

# Tasks of styles that a checkpoint was not trained on: not a group of the board, because it differs by checkpoint.
NEW_STYLES = "new styles"
_TIPS = {
    "trained": "Datasets that any checkpoint of this board was trained on",
    "unseen": "Datasets that no checkpoint of this board was trained on",
    NEW_STYLES: "Tasks of the styles that the checkpoint was not trained on: other tasks for other checkpoints",
    "all": "All tasks",
}
_TITLES = {"trained": "Trained-on datasets", "unseen": "Unseen datasets", NEW_STYLES: "New styles", "all": "All tasks"}
_WORDS = {"faithful": "Faithful", "lift": "Lift", "gain": "Change", "valid": "Valid", "acc": "Acc", "ccf": "ccf"}


@dataclass(frozen=True)
class Column:
    """A column: a metric, or "gain"."""

    metric: str
    words: str


@dataclass(frozen=True)
class Head:
    """Columns of one group of tasks, with its number of tasks as words."""

    group: str
    title: str
    tip: str
    size: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class TableView:
    """The table.

    Attributes:
        heads: groups of columns.
        rows: checkpoints, best first.
        groups: group -> id of a checkpoint -> its row in that group.
        sorted: the metric over all tasks by which the rows are ranked.
        fewer: id of a checkpoint that was measured on fewer tasks than others -> on how many, in words.
    """

    heads: tuple[Head, ...]
    rows: tuple[TableRow, ...]
    groups: Mapping[str, Mapping[str, TableRow]]
    sorted: str
    fewer: Mapping[str, str]


def table_view(board: Board) -> TableView:
    """The table of a board. Without known trainings, or without unseen datasets, there is one group: all tasks."""
    known = groups_with_means(board)
    split = ["trained", "unseen"] if {"trained", "unseen"} <= set(known) else []
    groups = {
        group: {row.checkpoint.id: row for row in table_rows(board, group)} for group in dict.fromkeys([*split, "all"])
    }
    new_styles = _new_style_rows(board, groups["all"])
    if any(row.means["lift"].estimate is not None for row in new_styles.values()):
        groups[NEW_STYLES] = new_styles
    sizes = {group: sum(in_group(task, group) for task in board.tasks) for group in (*split, "all")}
    heads = [
        Head(group, _TITLES[group], _TIPS[group], counted(sizes[group], "task"), _columns("faithful", "lift", "gain"))
        for group in split
    ]
    rest = ("valid", "acc", "ccf")
    columns = _columns("lift", *rest) if split else _columns("faithful", "lift", "gain", *rest)
    heads.append(Head("all", _TITLES["all"], _TIPS["all"], counted(sizes["all"], "task"), columns))
    if NEW_STYLES in groups:
        heads.append(Head(NEW_STYLES, _TITLES[NEW_STYLES], _TIPS[NEW_STYLES], "", _columns("lift")))
    rows = tuple(groups["all"].values())
    fewer = {
        row.checkpoint.id: f"{row.measured} of {counted(sizes['all'], 'task')}"
        for row in rows
        if row.measured < sizes["all"]
    }
    return TableView(tuple(heads), rows, groups, ranking_metric(board.checkpoints), fewer)


def arm_words(checkpoint: Checkpoint) -> str:
    """What a training was for, as its file says it; otherwise which words it was trained to name."""
    purpose = checkpoint.training.extra.get("purpose") if checkpoint.training else None
    if isinstance(purpose, str) and purpose.strip():
        return one_line(purpose, 60)
    arm = describe_arm(checkpoint)
    return f"trained on the {arm}" if arm.startswith(ARMS["word"]) else arm


def short_training(checkpoint: Checkpoint) -> str:
    """What a checkpoint was trained on, for a narrow column: of more than two datasets or styles, their number."""
    training = checkpoint.training
    if training is None:
        return describe_training(checkpoint)
    datasets, styles = (
        ", ".join(names) if len(names) < 3 else counted(len(names), noun)
        for names, noun in ((training.datasets, "dataset"), (training.styles, "style"))
    )
    budgets = " and ".join(map(describe_budget, training.budget))
    return one_line(" · ".join(filter(None, (datasets, styles, budgets))), 80)


def _columns(*metrics: str) -> tuple[Column, ...]:
    return tuple(Column(metric, _WORDS[metric]) for metric in metrics)


def _new_style_rows(board: Board, rows: Mapping[str, TableRow]) -> dict[str, TableRow]:
    styles = {task.id: task.style for task in board.tasks if not task.is_variant}
    cells: dict[str, list[Cell]] = {id: [] for id in rows}
    for cell in board.cells:
        if cell.task in styles and is_measured(cell):
            cells[cell.checkpoint].append(cell)
    return {
        id: replace(
            row, means=dict.fromkeys(METRICS, NO_ESTIMATE) | {"lift": _new_lift(row.checkpoint, cells[id], styles)}
        )
        for id, row in rows.items()
    }


def _new_lift(checkpoint: Checkpoint, cells: list[Cell], styles: Mapping[str, str]) -> Estimate:
    training = checkpoint.training
    if training is None or not training.styles:
        return NO_ESTIMATE
    lifts = [cell.metrics.get("lift", NO_ESTIMATE) for cell in cells if styles[cell.task] not in training.styles]
    values = [lift.estimate for lift in lifts if lift.estimate is not None]
    return Estimate(sum(values) / len(values), None, None, 0) if values and len(values) == len(lifts) else NO_ESTIMATE
