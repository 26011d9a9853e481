"""The numbers of a study's board, by arm and task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leaderboards.board import BaseComparison, Board, Cell, Checkpoint, Estimate, Task


def arms_of(board: Board) -> dict[str, Checkpoint]:
    """Arm -> its checkpoint, in the order of the board. The arm is the folder that an evaluation was written to."""
    return {Path(checkpoint.files[0]).parts[-3]: checkpoint for checkpoint in board.checkpoints}


@dataclass(frozen=True)
class Evaluations:
    """The tasks of a board, and its cells by arm and task."""

    tasks: tuple[Task, ...]
    cells: dict[tuple[str, str], Cell]

    @classmethod
    def of(cls, board: Board) -> Evaluations:
        """The cells of a study's board."""
        arms = {checkpoint.id: arm for arm, checkpoint in arms_of(board).items()}
        return cls(board.tasks, {(arms[cell.checkpoint], cell.task): cell for cell in board.cells})

    def rate(self, arm: str, task: str, metric: str = "faithful") -> float:
        """A metric of an arm on a task; nan where it was not measured."""
        cell = self.cells.get((arm, task))
        return number(cell.metrics.get(metric) if cell else None)

    def versus(self, arm: str, task: str) -> BaseComparison:
        """An arm against the base."""
        versus = self.cells[arm, task].versus
        assert versus is not None, f"{task}: {arm} and base have no texts in common"
        return versus


def number(estimate: Estimate | None) -> float:
    """An estimate as a number."""
    return float("nan") if estimate is None or estimate.estimate is None else estimate.estimate
