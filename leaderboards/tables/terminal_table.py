"""Tables as plain text."""

from __future__ import annotations

from collections.abc import Sequence

from leaderboards.board import Board, Estimate


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they must be; the first to the left, the others to the right."""
    cells = [list(head), *[[clean(cell) for cell in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def clean(text: str) -> str:
    """One line without control characters: what a model wrote must not steer a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text.replace("\n", " "))


def rate(one: Estimate | None) -> str:
    """A share with its interval."""
    return _shown(one, "{:.3f}")


def gain(one: Estimate | None) -> str:
    """A difference with its interval, signed."""
    return _shown(one, "{:+.3f}")


def p_value(p: float | None) -> str:
    """As papers print it."""
    return "" if p is None else "<.001" if p < 0.001 else f"{p:.3f}".lstrip("0") if p < 1 else "1"


def main_table(board: Board) -> str:
    """Means over all tasks, mean gain over the base, and on how many tasks a checkpoint is better or worse."""
    names = {checkpoint.id: checkpoint.name for checkpoint in board.checkpoints}
    rows = []
    for checkpoint in board.checkpoints:
        means = checkpoint.means.get("all", {})
        markers = [cell.versus.marker for cell in board.cells if cell.checkpoint == checkpoint.id and cell.versus]
        against = f"{markers.count('better')}/{markers.count('worse')}/{markers.count('')}" if markers else ""
        base = names[checkpoint.base] if checkpoint.base else ""
        shown = [rate(means.get(name)) for name in ("faithful", "lift", "ccf", "valid", "acc")]
        rows.append([checkpoint.name, *shown, base, gain(checkpoint.gains.get("all")), against])
    head = ("checkpoint", "faithful", "lift", "ccf", "valid", "acc", "base", "against it", "better/worse/neither")
    return table(head, rows)


def _shown(one: Estimate | None, how: str) -> str:
    if one is None or one.estimate is None:
        return one.note.replace("not measurable (headroom ", "n.m. (") if one else ""
    text = how.format(one.estimate)
    return text if one.low is None or one.high is None else f"{text} [{how.format(one.low)}, {how.format(one.high)}]"
