"""Tables as CSV: a row per cell with every estimate, and the main table as plain numbers.

Names of models are untrusted: text that begins with `=` would be a formula in a spreadsheet.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from leaderboards.board import Board, Estimate
from leaderboards.frames import board_frame
from leaderboards.sanitize import visible
from leaderboards.tables.main_table import METRICS, TableRow, table_rows

_FORMULA_STARTS = tuple("=+-@＝＋－＠")


def cells_csv(board: Board) -> str:
    """One row per cell of the board, with the fields of `board_frame`. Undefined values are empty."""
    frame = board_frame(board)
    return _to_csv(frame.columns, frame.iter_rows(named=True))


def checkpoints_csv(board: Board) -> str:
    """One row per checkpoint: the main table over all tasks. Undefined values are empty."""
    names = {checkpoint.id: checkpoint.name for checkpoint in board.checkpoints}
    records = [_checkpoint_record(row, names) for row in table_rows(board)]
    return _to_csv(list(records[0]) if records else [], records)


def _checkpoint_record(row: TableRow, names: Mapping[str, str]) -> dict[str, Any]:
    checkpoint, gain = row.checkpoint, row.gain
    record: dict[str, Any] = {
        "checkpoint": checkpoint.name,
        "base": names.get(checkpoint.base or ""),
        "trained on": row.trained,
        "arm": row.arm,
        "tasks": row.tasks,
    }
    for metric in METRICS:
        record[metric] = row.means[metric].estimate
        record |= _bounds(metric, row.means[metric])
    record["acc_majority"] = row.majority.estimate
    return record | {
        "against base": gain and gain.mean,
        **_bounds("against base", gain.interval if gain else None),
        "tasks better": gain and gain.better,
        "tasks worse": gain and gain.worse,
        "tasks compared": gain and gain.tasks,
        "model": checkpoint.model,
        "arguments": checkpoint.arguments,
        "date": checkpoint.date,
    }


def _bounds(name: str, estimate: Estimate | None) -> dict[str, Any]:
    return {f"{name} {part}": estimate and getattr(estimate, part) for part in ("low", "high", "note")}


def _to_csv(fields: Sequence[str], records: Iterable[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_safe, fields))
    writer.writerows([_safe(record[name]) for name in fields] for record in records)
    return text.getvalue()


def _safe(value: Any) -> Any:
    """The value; text that a spreadsheet would take for a formula is quoted."""
    if not isinstance(value, str):
        return value
    text = visible(value)
    is_formula = text.lstrip().startswith(_FORMULA_STARTS) or text.startswith(("\t", "\n"))
    return f"'{text}" if is_formula else text
