"""The generalization matrix as an HTML table: readable text first, colour as an addition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from leaderboards import number_format
from leaderboards.analysis.measurability import is_not_measurable
from leaderboards.board import Board, Cell, Checkpoint, Estimate, Task, Transfer
from leaderboards.number_format import NOT_MEASURABLE
from leaderboards.page.page_data import task_label
from leaderboards.sanitize import one_line
from leaderboards.tables.main_table import describe_budget, describe_training, sort_tasks

# Shades of one hue. The deepest one is a difference of 1.
SHADES = 10
# What is new in a task -> words.
KINDS = {"style": "new style", "dataset": "new dataset", "budget": "new budget", "several": "several of them new"}

Cells = Mapping[tuple[str, str], Cell]


@dataclass(frozen=True)
class MatrixCell:
    """One checkpoint on one task.

    Attributes:
        tip: tooltip; says why there is no number.
        trained: whether the checkpoint was trained on this task.
        text: the number; "n.m." where it cannot be measured, "" if the task was not run.
        interval: of the number.
        marker: "better", "worse" or "".
        shade: from -10 (worse) to 10 (better).
    """

    tip: str
    trained: bool = False
    text: str = ""
    interval: str = ""
    marker: str = ""
    shade: int = 0


@dataclass(frozen=True)
class MeanGain:
    """A mean gain over tasks: the number, its interval, and a tooltip that says over which tasks."""

    text: str
    interval: str
    tip: str


@dataclass(frozen=True)
class MatrixRow:
    """One checkpoint.

    Attributes:
        label: what it was trained on.
        base: whether this is a base, whose cells are rates instead of gains.
        cells: one per task.
        ratio, ratio_interval, ratio_note: transfer ratio, or why there is none.
        on: mean gain over the tasks that it was trained on.
        off: mean gain over other tasks, in the order of `Matrix.kinds`.
    """

    name: str
    label: str
    base: bool
    cells: tuple[MatrixCell, ...]
    ratio: str = ""
    ratio_interval: str = ""
    ratio_note: str = ""
    on: MeanGain | None = None
    off: tuple[MeanGain, ...] = ()


@dataclass(frozen=True)
class ColumnHead:
    """A head of one or several columns.

    Attributes:
        columns: number of columns below.
        unseen: whether no checkpoint was trained on the dataset.
        first: whether this is the first column of a style.
    """

    text: str
    columns: int
    unseen: bool = False
    first: bool = False


@dataclass(frozen=True)
class Matrix:
    """The matrix.

    Attributes:
        heads: column heads by level: style, dataset, budget.
        groups: (title, rows).
        kinds: (kind, words) of what is new in a task.
    """

    heads: tuple[tuple[ColumnHead, ...], ...]
    groups: tuple[tuple[str, tuple[MatrixRow, ...]], ...]
    kinds: tuple[tuple[str, str], ...]


def generalization_matrix(board: Board) -> Matrix | None:
    """The matrix of a board; None without a trained checkpoint."""
    if not board.matrix:
        return None
    tasks = sort_tasks(board.tasks)
    cells = {(cell.checkpoint, cell.task): cell for cell in board.cells}
    checkpoints = {checkpoint.id: checkpoint for checkpoint in board.checkpoints}
    kinds = _kinds(board.matrix)
    base_ids = dict.fromkeys(checkpoints[transfer.checkpoint].base for transfer in board.matrix)
    bases = tuple(_base_row(checkpoints[base], tasks, cells) for base in base_ids if base)
    trained, control = (
        tuple(
            _row(transfer, checkpoints[transfer.checkpoint], tasks, cells, list(kinds))
            for transfer in board.matrix
            if transfer.control is is_control
        )
        for is_control in (False, True)
    )
    groups = (("Base: share of faithful explanations", bases), ("Trained", trained), ("Control arms", control))
    return Matrix(_heads(tasks), tuple((title, rows) for title, rows in groups if rows), tuple(kinds.items()))


def _kinds(matrix: Sequence[Transfer]) -> dict[str, str]:
    """Kind -> words, for the kinds that this board has."""
    used = {kind for transfer in matrix for kind in transfer.off}
    known = {kind: words for kind, words in KINDS.items() if kind in used}
    return known | {kind: one_line(kind, 40) for kind in sorted(used - set(KINDS))}


def _heads(tasks: Sequence[Task]) -> tuple[tuple[ColumnHead, ...], ...]:
    styles, datasets, budgets = [], [], []
    for style, style_group in groupby(tasks, key=lambda task: task.style):
        style_tasks = list(style_group)
        styles.append(ColumnHead(one_line(style, 40), len(style_tasks), first=True))
        first = True
        for dataset, dataset_group in groupby(style_tasks, key=lambda task: task.dataset):
            dataset_tasks = list(dataset_group)
            unseen = not dataset_tasks[0].trained_on
            datasets.append(ColumnHead(one_line(dataset, 40), len(dataset_tasks), unseen, first))
            for task in dataset_tasks:
                words = describe_budget(task.budget, task.unit).removesuffix(" word").removesuffix(" words")
                budgets.append(ColumnHead(one_line(f"{words} {task.variant}".strip(), 60), 1, unseen, first))
                first = False
    return tuple(styles), tuple(datasets), tuple(budgets)


def _row(
    transfer: Transfer, checkpoint: Checkpoint, tasks: Sequence[Task], cells: Cells, kinds: Sequence[str]
) -> MatrixRow:
    name, ratio = one_line(checkpoint.name), transfer.ratio
    return MatrixRow(
        name=name,
        label=describe_training(checkpoint) if checkpoint.training else one_line(transfer.label, 200),
        base=False,
        cells=tuple(
            _gain_cell(
                cells.get((checkpoint.id, task.id)), f"{name} on {task_label(task)}", task.id in transfer.trained
            )
            for task in tasks
        ),
        ratio=number_format.rate(ratio.estimate if ratio else None),
        ratio_interval=number_format.interval(ratio),
        ratio_note=ratio.note if ratio and ratio.estimate is None else "",
        on=_mean_gain(transfer.on),
        off=tuple(_mean_gain(transfer.off.get(kind)) for kind in kinds),
    )


def _base_row(base: Checkpoint, tasks: Sequence[Task], cells: Cells) -> MatrixRow:
    name = one_line(base.name)
    rates = tuple(_rate_cell(cells.get((base.id, task.id)), f"{name} on {task_label(task)}") for task in tasks)
    return MatrixRow(name, "reference", True, rates)


def _gain_cell(cell: Cell | None, name: str, trained: bool) -> MatrixCell:
    if cell is None:
        return MatrixCell(f"{name}: not run", trained)
    if cell.versus and is_not_measurable(cell.versus.faithful):
        return MatrixCell(f"{name}: {one_line(cell.versus.faithful.note, 400)}", trained, "n.m.")
    if cell.versus is None or cell.versus.faithful.estimate is None:
        return MatrixCell(f"{name}: no documents in common with the base", trained, "–")
    gain = cell.versus.faithful
    value = gain.estimate or 0.0
    tip = (
        f"{name}: {number_format.with_interval(gain, signed=True)}, {cell.versus.marker or 'not significant'} (p after "
        f"Holm {number_format.p_value(cell.versus.p_holm)}), {cell.versus.n} documents"
    )
    if gain.note:
        tip += f"; {one_line(gain.note, 200)}"
    if trained:
        tip += "; trained on this task"
    shade = max(-SHADES, min(SHADES, round(value * SHADES)))
    interval = number_format.interval(gain, signed=True)
    return MatrixCell(tip, trained, number_format.rate(value, signed=True), interval, cell.versus.marker, shade)


def _rate_cell(cell: Cell | None, name: str) -> MatrixCell:
    faithful = cell.metrics.get("faithful") if cell else None
    if cell and is_not_measurable(faithful):
        return MatrixCell(f"{name}: {NOT_MEASURABLE}: {one_line(cell.not_measurable, 400)}", text="n.m.")
    if faithful is None or faithful.estimate is None:
        return MatrixCell(f"{name}: no value", text="–" if cell else "")
    tip = f"{name}: faithful {number_format.with_interval(faithful)}, {faithful.n} documents"
    return MatrixCell(tip, text=number_format.rate(faithful.estimate), interval=number_format.interval(faithful))


def _mean_gain(estimate: Estimate | None) -> MeanGain:
    tip = one_line(estimate.note, 200) if estimate else ""
    mean = number_format.rate(estimate.estimate if estimate else None, signed=True)
    mean = "n.m." if is_not_measurable(estimate) else mean
    return MeanGain(mean, number_format.interval(estimate, signed=True), tip)
