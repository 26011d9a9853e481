"""What the tests of reading share: a board from files in one call."""

from __future__ import annotations

from pathlib import Path

from leaderboards.board import Board, Settings
from leaderboards.build import Choice, make_board

OTHER = ("snli", "redaction", "oneword")
OLD = "2026-01-01T00-00-00.000000"
NEW = "2026-02-01T00-00-00.000000"
SOME = [1.0, 0.0, 1.0, 1.0]


def board(*paths: Path, **choice) -> Board:
    made, _ = make_board(paths, settings=Settings(draws=200), choice=Choice(**choice))
    return made


def only(found: Board):
    (cell,) = found.cells
    return cell


def faithful(found: Board, name: str = "base") -> list[float | None]:
    ids = [c.id for c in found.checkpoints if c.name == name]
    return [cell.metrics["faithful"].estimate for cell in found.cells if cell.checkpoint in ids]
