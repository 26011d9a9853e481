"""The generalization matrix as an HTML table: readable text first, colour as an addition."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from leaderboards import number_format
from leaderboards.analysis.measurability import is_not_measurable
from leaderboards.analysis.task_columns import BUDGETS
from leaderboards.board import Board, Cell, Checkpoint, Estimate, Task, Transfer
from leaderboards.number_format import NOT_MEASURABLE, counted
from leaderboards.page.page_data import task_label
from leaderboards.page.table_view import short_training
from leaderboards.sanitize import one_line
from leaderboards.tables.main_table import describe_budget, sort_tasks, table_rows

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
    """One checkpoint in one block.

    Attributes:
        label: what it was trained on.
        cells: one per column of the block. Cells of a base are rates instead of gains.
    """

    name: str
    label: str
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True)
class GainRow:
    """The mean gains of one checkpoint.

    Attributes:
        on: over the tasks that it was trained on.
        off: over other tasks, in the order of `Matrix.kinds`.
        ratio, ratio_interval, ratio_note: transfer ratio, or why there is none.
    """

    name: str
    on: MeanGain
    off: tuple[MeanGain, ...]
    ratio: str
    ratio_interval: str
    ratio_note: str


@dataclass(frozen=True)
class ColumnHead:
    """The head of a column.

    Attributes:
        text: the dataset, and what distinguishes a variant.
        budget: index in `Matrix.budgets`.
        unseen: whether no checkpoint was trained on the dataset.
    """

    text: str
    budget: int
    unseen: bool


@dataclass(frozen=True)
class Block:
    """The columns of one style. `groups` holds (title, rows)."""

    style: str
    heads: tuple[ColumnHead, ...]
    groups: tuple[tuple[str, tuple[MatrixRow, ...]], ...]


@dataclass(frozen=True)
class Matrix:
    """The matrix.

    Attributes:
        budgets: in words; the page shows the columns of one at a time.
        blocks: one per style.
        gains: one row per trained checkpoint, best first.
        kinds: (kind, words) of what is new in a task.
        longest: rows of the longest group.
        head_width: characters of the longest word in a head of a column; 6 to 16, for which there is a style.
        tests: over how many tasks Holm's adjustment of a row is, in words.
    """

    budgets: tuple[str, ...]
    blocks: tuple[Block, ...]
    gains: tuple[GainRow, ...]
    kinds: tuple[tuple[str, str], ...]
    longest: int
    head_width: int
    tests: str


def breakable(text: str) -> Markup:
    """Text that a browser may break after an underscore, too.

    >>> breakable("rotten_tomatoes")
    Markup('rotten_<wbr>tomatoes')
    """
    return Markup("_<wbr>").join(text.split("_"))


def generalization_matrix(board: Board) -> Matrix | None:
    """The matrix of a board; None without a trained checkpoint. Its rows have the order of the table."""
    if not board.matrix:
        return None
    cells = {(cell.checkpoint, cell.task): cell for cell in board.cells}
    transfers = {transfer.checkpoint: transfer for transfer in board.matrix}
    rows = [row.checkpoint for row in table_rows(board)]
    trained = [row for row in rows if row.id in transfers]
    base_ids = {row.base for row in trained}
    kinds = _kinds(board.matrix)
    groups = (
        ("Base: faithful", [row for row in rows if row.id in base_ids]),
        ("Trained: change", [row for row in trained if not transfers[row.id].control]),
        ("Control arms: change", [row for row in trained if transfers[row.id].control]),
    )
    tasks = sort_tasks(board.tasks)
    budgets = tuple(dict.fromkeys(_budget(task) for task in sorted(tasks, key=_budget_order)))
    blocks = []
    for style, style_tasks in groupby(tasks, key=lambda task: task.style):
        columns = list(style_tasks)
        block_groups = tuple(
            (title, tuple(_row(row, transfers.get(row.id), columns, cells) for row in members))
            for title, members in groups
            if members
        )
        heads = tuple(_head(task, budgets) for task in columns)
        blocks.append(Block(one_line(style, 40), heads, block_groups))
    gains = tuple(_gain_row(transfers[row.id], row, list(kinds)) for row in trained)
    words = [word for block in blocks for head in block.heads for word in re.split(r"(?<=_)| ", head.text)]
    return Matrix(
        budgets=budgets,
        blocks=tuple(blocks),
        gains=gains,
        kinds=tuple(kinds.items()),
        longest=max(len(members) for _, members in groups),
        head_width=max(6, min(16, max(map(len, words)))),
        tests=_tests([cell for cell in board.cells if cell.checkpoint in transfers]),
    )


def _tests(cells: Sequence[Cell]) -> str:
    """Over how many tasks a row is adjusted: of the smallest and the largest row."""
    counts: dict[str, int] = {}
    for cell in cells:
        if cell.versus and cell.versus.p_holm is not None:
            counts[cell.checkpoint] = counts.get(cell.checkpoint, 0) + 1
    low, high = min(counts.values(), default=0), max(counts.values(), default=0)
    return counted(high, "task") if low == high else f"{low} to {high} tasks"


def _kinds(matrix: Sequence[Transfer]) -> dict[str, str]:
    """Kind -> words, for the kinds that this board has."""
    used = {kind for transfer in matrix for kind in transfer.off}
    known = {kind: words for kind, words in KINDS.items() if kind in used}
    return known | {kind: one_line(kind, 40) for kind in sorted(used - set(KINDS))}


def _budget(task: Task) -> str:
    return one_line(describe_budget(task.budget, task.unit), 40)


def _budget_order(task: Task) -> int:
    return list(BUDGETS).index(task.budget) if task.budget in BUDGETS else len(BUDGETS)


def _head(task: Task, budgets: Sequence[str]) -> ColumnHead:
    text = one_line(f"{task.dataset} {task.variant}".strip(), 60)
    return ColumnHead(text, budgets.index(_budget(task)), not task.trained_on)


def _row(checkpoint: Checkpoint, transfer: Transfer | None, tasks: Sequence[Task], cells: Cells) -> MatrixRow:
    name = one_line(checkpoint.name)
    if transfer is None:
        rates = tuple(
            _rate_cell(cells.get((checkpoint.id, task.id)), f"{name} on {task_label(task)}") for task in tasks
        )
        return MatrixRow(name, "base", rates)
    gains = tuple(
        _gain_cell(cells.get((checkpoint.id, task.id)), f"{name} on {task_label(task)}", task.id in transfer.trained)
        for task in tasks
    )
    label = short_training(checkpoint) if checkpoint.training else one_line(transfer.label, 200)
    return MatrixRow(name, label, gains)


def _gain_row(transfer: Transfer, checkpoint: Checkpoint, kinds: Sequence[str]) -> GainRow:
    ratio = transfer.ratio
    return GainRow(
        name=one_line(checkpoint.name),
        on=_mean_gain(transfer.on),
        off=tuple(_mean_gain(transfer.off.get(kind)) for kind in kinds),
        ratio=number_format.rate(ratio.estimate if ratio else None),
        ratio_interval=number_format.interval(ratio),
        ratio_note=ratio.note if ratio and ratio.estimate is None else "",
    )


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
