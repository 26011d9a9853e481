"""The generalization matrix as rows of cells for an HTML table: readable text first, colour beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from leaderboards import number_format
from leaderboards.board import Board, Cell, Checkpoint, Estimate, Task, Transfer
from leaderboards.main_table import BUDGETS, ordered, trained_on
from leaderboards.page.view import label
from leaderboards.sanitize import one_line

# Shades of one hue; 10 is the deepest. A difference of 1 has all of it.
SHADES = 10
KINDS = {"style": "new style", "dataset": "new dataset", "budget": "new budget", "several": "several of them new"}


@dataclass(frozen=True)
class Square:
    """One cell: the number, its interval, why it is empty; shade from -10 (worse) to 10 (better)."""

    text: str
    interval: str
    marker: str
    shade: int
    trained: bool
    tip: str


@dataclass(frozen=True)
class Gained:
    """A mean gain: the number, its interval, over which tasks."""

    text: str
    interval: str
    tip: str


@dataclass(frozen=True)
class Line:
    """One row."""

    name: str
    label: str
    base: bool
    ratio: str
    ratio_interval: str
    ratio_note: str
    on: Gained
    off: tuple[Gained, ...]
    squares: tuple[Square, ...]


@dataclass(frozen=True)
class Head:
    """A head over one or several columns."""

    text: str
    columns: int
    unseen: bool = False
    first: bool = False


@dataclass(frozen=True)
class HeatMap:
    """Heads by level (style, dataset, budget) and groups of lines by title."""

    heads: tuple[tuple[Head, ...], ...]
    groups: tuple[tuple[str, tuple[Line, ...]], ...]
    kinds: tuple[tuple[str, str], ...]


def heat_map(board: Board) -> HeatMap | None:
    """The matrix; None without a trained checkpoint."""
    if not board.matrix:
        return None
    tasks = ordered(board.tasks)
    cells = {(cell.checkpoint, cell.task): cell for cell in board.cells}
    people = {checkpoint.id: checkpoint for checkpoint in board.checkpoints}
    kinds = tuple((kind, KINDS.get(kind, one_line(kind, 40))) for kind in _kinds(board.matrix))
    bases = list(dict.fromkeys(people[row.checkpoint].base for row in board.matrix))
    reference = tuple(_base(people[base], tasks, cells, kinds) for base in bases if base)
    trained = tuple(_line(row, people, tasks, cells, kinds) for row in board.matrix if not row.control)
    control = tuple(_line(row, people, tasks, cells, kinds) for row in board.matrix if row.control)
    groups = (("Base: share of faithful explanations", reference), ("Trained", trained), ("Control arms", control))
    return HeatMap(_heads(tasks), tuple((title, lines) for title, lines in groups if lines), kinds)


def _heads(tasks: Sequence[Task]) -> tuple[tuple[Head, ...], ...]:
    styles, datasets, budgets = [], [], []
    for style, columns in groupby(tasks, key=lambda task: task.style):
        of_style = list(columns)
        styles.append(Head(one_line(style, 40), len(of_style), first=True))
        first = True
        for dataset, inner in groupby(of_style, key=lambda task: task.dataset):
            of_dataset = list(inner)
            unseen = not of_dataset[0].trained_on
            datasets.append(Head(one_line(dataset, 40), len(of_dataset), unseen, first))
            for task in of_dataset:
                words = BUDGETS.get(task.budget, task.budget).removesuffix(" word").removesuffix(" words")
                budgets.append(Head(one_line(f"{words} {task.variant}".strip(), 60), 1, unseen, first))
                first = False
    return tuple(styles), tuple(datasets), tuple(budgets)


def _line(
    row: Transfer,
    people: dict[str, Checkpoint],
    tasks: Sequence[Task],
    cells: dict[tuple[str, str], Cell],
    kinds: Sequence[tuple[str, str]],
) -> Line:
    name = one_line(people[row.checkpoint].name)
    trained = set(row.trained)
    squares = tuple(_square(cells.get((row.checkpoint, task.id)), task, task.id in trained, name) for task in tasks)
    return Line(
        name,
        trained_on(people[row.checkpoint]) if people[row.checkpoint].training else one_line(row.label, 200),
        False,
        _number(row.ratio, signed=False),
        number_format.interval(row.ratio),
        row.ratio.note if row.ratio and row.ratio.estimate is None else "",
        _gained(row.on),
        tuple(_gained(row.off.get(kind)) for kind, _ in kinds),
        squares,
    )


def _base(
    base: Checkpoint, tasks: Sequence[Task], cells: dict[tuple[str, str], Cell], kinds: Sequence[tuple[str, str]]
) -> Line:
    squares = tuple(_reference(cells.get((base.id, task.id)), task, one_line(base.name)) for task in tasks)
    return Line(one_line(base.name), "reference", True, "", "", "", Gained("", "", ""), (), squares)


def _square(cell: Cell | None, task: Task, trained: bool, name: str) -> Square:
    where = f"{name} on {label(task)}"
    if cell is None:
        return Square("", "", "", 0, trained, f"{where}: not run")
    if cell.versus is None or cell.versus.faithful.estimate is None:
        return Square("–", "", "", 0, trained, f"{where}: no documents in common with the base")
    found = cell.versus.faithful
    value = found.estimate or 0.0
    said = {"better": "better", "worse": "worse"}.get(cell.versus.marker, "not significant")
    tip = (
        f"{where}: {number_format.with_interval(found, signed=True)}, {said} (p after Holm "
        f"{number_format.p_value(cell.versus.p_holm)}), {cell.versus.n} documents"
    )
    tip = f"{tip}; {one_line(found.note, 200)}" if found.note else tip
    return Square(
        number_format.rate(value, signed=True),
        number_format.interval(found, signed=True),
        cell.versus.marker,
        max(-SHADES, min(SHADES, round(value * SHADES))),
        trained,
        f"{tip}; trained on this task" if trained else tip,
    )


def _reference(cell: Cell | None, task: Task, name: str) -> Square:
    where = f"{name} on {label(task)}"
    found = cell.metrics.get("faithful") if cell else None
    if found is None or found.estimate is None:
        return Square("–" if cell else "", "", "", 0, False, f"{where}: no value")
    tip = f"{where}: faithful {number_format.with_interval(found)}, {found.n} documents"
    return Square(number_format.rate(found.estimate), number_format.interval(found), "", 0, False, tip)


def _number(estimate: Estimate | None, signed: bool = True) -> str:
    return number_format.rate(None if estimate is None else estimate.estimate, signed=signed)


def _gained(estimate: Estimate | None) -> Gained:
    tip = one_line(estimate.note, 200) if estimate else ""
    return Gained(_number(estimate), number_format.interval(estimate, signed=True), tip)


def _kinds(matrix: Sequence[Transfer]) -> list[str]:
    found = {kind for row in matrix for kind in row.off}
    return [*(kind for kind in KINDS if kind in found), *sorted(found - set(KINDS))]
