"""The table of explainers: a checkpoint's own explanations of its answers beside those of others."""

from __future__ import annotations

from dataclasses import dataclass

from leaderboards.board import Board, Estimate
from leaderboards.number_format import ascii_with_interval, interval, rate
from leaderboards.sanitize import one_line
from leaderboards.tables.main_table import NO_ESTIMATE
from leaderboards.tables.terminal_table import LONGEST_NAME, text_table

HEAD = ("checkpoint", "explained by", "lift", "own lift", "own minus other", "own better/worse/neither")


@dataclass(frozen=True)
class ExplainerRow:
    """One explainer of a checkpoint's answers.

    Attributes:
        checkpoint, explained_by: names, on one line.
        lift, own_lift: means over the same tasks.
        lead: own minus other, in lift.
        better, worse, neither: number of tasks where the own explanations are significantly more often faithful, less
            often, or neither is shown.
    """

    checkpoint: str
    explained_by: str
    lift: Estimate
    own_lift: Estimate
    lead: Estimate
    better: int
    worse: int
    neither: int

    @property
    def counts(self) -> str:
        """`2/0/1`."""
        return f"{self.better}/{self.worse}/{self.neither}"


def explainer_rows(board: Board, checkpoint: str = "") -> list[ExplainerRow]:
    """The rows in the order of the board; of one checkpoint, where its id is given."""
    names = {row.id: one_line(row.name, LONGEST_NAME) for row in board.checkpoints}
    rows = []
    for explainer in board.explainers:
        if checkpoint in ("", explainer.checkpoint):
            compared = [cell.own_versus for cell in explainer.cells if "~" not in cell.task and cell.own_versus]
            markers = [versus.marker for versus in compared]
            rows.append(
                ExplainerRow(
                    checkpoint=names.get(explainer.checkpoint, ""),
                    explained_by=one_line(explainer.explained_by, LONGEST_NAME),
                    lift=explainer.means.get("lift", NO_ESTIMATE),
                    own_lift=explainer.own_means.get("lift", NO_ESTIMATE),
                    lead=explainer.own_leads.get("lift", NO_ESTIMATE),
                    better=markers.count("better"),
                    worse=markers.count("worse"),
                    neither=markers.count(""),
                )
            )
    return rows


def explainer_text_table(board: Board) -> str:
    """The table for the terminal; "" without explainers."""
    rows = [
        [
            row.checkpoint,
            row.explained_by,
            ascii_with_interval(row.lift, signed=True),
            ascii_with_interval(row.own_lift, signed=True),
            ascii_with_interval(row.lead, signed=True),
            row.counts,
        ]
        for row in explainer_rows(board)
    ]
    return text_table(HEAD, rows) if rows else ""


def whose_knowledge(board: Board, checkpoint: str) -> str:
    """Lift of a checkpoint's own explanations minus that of others, as a sentence; "" without others."""
    leads = [
        f"“{row.explained_by}” {rate(row.lead.estimate, True)} {interval(row.lead, True)}".rstrip()
        for row in explainer_rows(board, checkpoint)
        if row.lead.estimate is not None
    ]
    return f"Lift of its own explanations, minus that of others: {', '.join(leads)}." if leads else ""
