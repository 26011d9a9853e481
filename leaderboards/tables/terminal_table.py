"""Tables as plain text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from leaderboards.board import Board
from leaderboards.number_format import ascii_rate, ascii_with_interval
from leaderboards.sanitize import one_line, terminal_line
from leaderboards.tables.main_table import METRICS, in_group, table_rows

# Characters of a name that are shown, as in the verdict.
LONGEST_NAME = 60


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with the first entry of each row aligned left and the others aligned right."""
    lines = [list(head), *[[terminal_line(entry) for entry in row] for row in rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(entry.rjust(width) for entry, width in zip(line[1:], widths[1:], strict=True))]
        ).rstrip()
        for line in lines
    )


def main_text_table(board: Board) -> str:
    """Means over all tasks, mean gain over the base, and on how many tasks a checkpoint is better or worse.

    `majority` is the accuracy of always answering the most frequent label. `tasks` counts those that `faithful` is
    averaged over, of all.
    """
    names = {checkpoint.id: one_line(checkpoint.name, LONGEST_NAME) for checkpoint in board.checkpoints}
    rows_by_id = {row.checkpoint.id: row for row in table_rows(board)}
    rows, total = [], sum(in_group(task, "all") for task in board.tasks)
    for checkpoint in board.checkpoints:
        row = rows_by_id[checkpoint.id]
        gain = row.gain
        counts = f"{gain.better}/{gain.worse}/{gain.tasks - gain.better - gain.worse}" if gain else ""
        means = [ascii_with_interval(row.means[metric]) for metric in METRICS]
        mean_gain = ascii_with_interval(checkpoint.gains.get("all"), signed=True)
        majority = ascii_rate(row.majority.estimate)
        base = names.get(checkpoint.base or "", "")
        rows.append([names[checkpoint.id], *means, majority, f"{row.measured}/{total}", base, mean_gain, counts])
    head = ("checkpoint", *METRICS, "majority", "tasks", "base", "against it", "better/worse/neither")
    return text_table(head, rows)
