"""Makes a board of result files in one call, and reads its only cell or the values of one checkpoint."""

from __future__ import annotations

from pathlib import Path

from leaderboards.board import Board, Cell, Settings
from leaderboards.build import RunSelection, make_board

OTHER_TASK = ("snli", "redaction", "oneword")
OLD = "2026-01-01T00-00-00.000000"
NEW = "2026-02-01T00-00-00.000000"
OUTCOMES = [1.0, 0.0, 1.0, 1.0]


def board_of(*paths: Path, **selection) -> Board:
    board, _ = make_board(paths, settings=Settings(draws=200), selection=RunSelection(**selection))
    return board


def only_cell(board: Board) -> Cell:
    (cell,) = board.cells
    return cell


def faithful(board: Board, name: str = "base") -> list[float | None]:
    ids = [checkpoint.id for checkpoint in board.checkpoints if checkpoint.name == name]
    return [cell.metrics["faithful"].estimate for cell in board.cells if cell.checkpoint in ids]
