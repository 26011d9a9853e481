"""The table of wordings: what a checkpoint's lift owes to the words in which explanations are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from leaderboards.board import Board, Estimate, WordingBand
from leaderboards.number_format import ascii_rate, ascii_with_interval
from leaderboards.sanitize import one_line
from leaderboards.tables.terminal_table import LONGEST_NAME, text_table

HEAD = ("checkpoint", "wordings", "tasks", "lift", "smallest", "mean", "largest")


@dataclass(frozen=True)
class WordingRow:
    """The band of one checkpoint.

    Attributes:
        checkpoint: its name, on one line.
        wordings: their numbers, as in "1, 2, 5".
        tasks: number of tasks that the lifts are means over.
        lift: under the first of the wordings, with its interval.
        smallest, mean, largest: of the lifts under all of them.
    """

    checkpoint: str
    wordings: str
    tasks: int
    lift: Estimate
    smallest: float
    mean: float
    largest: float

    @property
    def band(self) -> tuple[float, float, float]:
        """Smallest, mean, largest."""
        return self.smallest, self.mean, self.largest


def wording_rows(board: Board) -> list[WordingRow]:
    """The rows in the order of the board."""
    names = {row.id: one_line(row.name, LONGEST_NAME) for row in board.checkpoints}
    return [_row(names.get(band.checkpoint, ""), band) for band in board.wordings if values_of(band.lifts)]


def _row(name: str, band: WordingBand) -> WordingRow:
    values = values_of(band.lifts)
    first = next(iter(band.lifts.values()))
    return WordingRow(name, ", ".join(band.lifts), len(band.tasks), first, min(values), fmean(values), max(values))


def values_of(lifts: dict[str, Estimate]) -> list[float]:
    """The numbers of estimates that have one."""
    return [lift.estimate for lift in lifts.values() if lift.estimate is not None]


def wording_text_table(board: Board) -> str:
    """The table for the terminal; "" where every checkpoint has one wording."""
    rows = [
        [
            row.checkpoint,
            row.wordings,
            str(row.tasks),
            ascii_with_interval(row.lift, signed=True),
            *(ascii_rate(value, signed=True) for value in row.band),
        ]
        for row in wording_rows(board)
    ]
    return text_table(HEAD, rows) if rows else ""
