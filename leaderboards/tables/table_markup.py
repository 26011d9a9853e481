"""The main table as Markdown and as LaTeX.

Names of models are untrusted: a `|` would end a cell of Markdown, an `&` a cell of LaTeX.
"""

from __future__ import annotations

import re

from leaderboards import number_format
from leaderboards.board import Board
from leaderboards.sanitize import one_line
from leaderboards.tables.explainer_table import HEAD as EXPLAINER_HEAD
from leaderboards.tables.explainer_table import explainer_rows
from leaderboards.tables.main_table import METRICS, TableRow, accuracy, has_majority, narrow_row, table_rows
from leaderboards.tables.wording_table import HEAD as WORDING_HEAD
from leaderboards.tables.wording_table import wording_rows

HEAD = ("checkpoint", "trained on", "arm", "faithful", "against base", "lift", "ccf", "valid", "acc")

# Characters that the standard fonts of LaTeX lack.
_LATEX_SYMBOLS = {
    number_format.MINUS: "$-$",
    number_format.BETTER: r"$\blacktriangle$",
    number_format.WORSE: r"$\blacktriangledown$",
    "·": r"$\cdot$",
    "–": "--",
}


def markdown(board: Board) -> str:
    """The main table, with notes and skipped files below it."""
    lines = [f"# {escape(board.title)}", ""]
    lines += [f"{escape(board.created[:10])}, {escape(board.package)}. {_legend(board)}", ""]
    lines += [f"| {' | '.join(HEAD)} |", "|---|---|---" + "|--:" * (len(HEAD) - 3) + "|"]
    lines += [f"| {' | '.join(_markdown_cells(row))} |" for row in table_rows(board)]
    lines += [*_explainer_lines(board), *_wording_lines(board)]
    if board.notes:
        lines += ["", *(f"- {escape(note)}" for note in board.notes)]
    if board.skipped:
        lines += ["", "Not on the board:", ""]
        lines += [f"- {escape(skipped.path)}: {escape(skipped.reason)}" for skipped in board.skipped]
    return "\n".join([*lines, ""])


def _explainer_lines(board: Board) -> list[str]:
    """The table of explainers; empty without any."""
    rows = explainer_rows(board)
    if not rows:
        return []
    head = ["", "Whose knowledge: own explanations and those of others, of the same answers.", ""]
    head += [f"| {' | '.join(EXPLAINER_HEAD)} |", "|---|---" + "|--:" * (len(EXPLAINER_HEAD) - 2) + "|"]
    numbers = [
        [number_format.with_interval(estimate, signed=True) for estimate in (row.lift, row.own_lift, row.lead)]
        for row in rows
    ]
    cells = [
        [escape(row.checkpoint), escape(row.explained_by), *estimates, row.counts]
        for row, estimates in zip(rows, numbers, strict=True)
    ]
    return [*head, *(f"| {' | '.join(line)} |" for line in cells)]


def _wording_lines(board: Board) -> list[str]:
    """The table of wordings; empty where every checkpoint has one."""
    rows = wording_rows(board)
    if not rows:
        return []
    head = ["", "Lift by wording of the request for an explanation (`template=1` to `5`).", ""]
    head += [f"| {' | '.join(WORDING_HEAD)} |", "|---|---" + "|--:" * (len(WORDING_HEAD) - 2) + "|"]
    lines = []
    for row in rows:
        lift = number_format.with_interval(row.lift, signed=True)
        band = [number_format.rate(value, signed=True) for value in row.band]
        lines.append(f"| {' | '.join([escape(row.checkpoint), row.wordings, str(row.tasks), lift, *band])} |")
    return [*head, *lines]


def latex(board: Board) -> str:
    r"""The main table for `\input`, in 8 pt with booktabs rules. A comment lists the packages that it needs."""
    import great_tables
    import polars

    rows = [narrow_row(row, 60) for row in table_rows(board)]
    names = [name for name in HEAD if name != "trained on"]
    frame = polars.DataFrame(rows, schema=dict.fromkeys(names, polars.String))
    table = great_tables.GT(frame).cols_align("right", columns=names[2:]).tab_options(table_font_size="8pt")
    # A star or bracket at the beginning of a line would become an argument of the `\\` before it.
    text = re.sub(r"(?m)^(?=[\[*])", "{}", str(table.as_latex()))
    for symbol, command in _LATEX_SYMBOLS.items():
        text = text.replace(symbol, command)
    comments = [
        f"% {one_line(board.title)}, {one_line(board.created)}. {_legend(board)}",
        r"% \usepackage{booktabs,amssymb}, \setlength{\tabcolsep}{3pt} before \input",
    ]
    return "\n".join([*comments, re.sub(r"\n{2,}", "\n", text.strip()), ""])


def _markdown_cells(row: TableRow) -> list[str]:
    """A row as text, in the order of `HEAD`."""
    means = {metric: number_format.with_interval(row.means[metric], signed=metric == "lift") for metric in METRICS}
    words = [escape(one_line(row.checkpoint.name)), escape(row.trained), escape(row.arm)]
    means["acc"] = accuracy(row)
    return [*words, means["faithful"], _gain(row), *(means[metric] for metric in METRICS[1:])]


def _gain(row: TableRow) -> str:
    gain = row.gain
    if gain is None:
        return number_format.short_note(row.gain_note) or "–"
    counts = f"({number_format.BETTER} {gain.better} {number_format.WORSE} {gain.worse} of {gain.tasks})"
    mean, interval = number_format.rate(gain.mean, signed=True), number_format.interval(gain.interval, signed=True)
    return " ".join(filter(None, (mean, interval, counts)))


def _legend(board: Board) -> str:
    settings = board.settings
    majority = " In brackets after acc: always answering the most frequent label." if has_majority(board) else ""
    return (
        f"Means over tasks, {settings.confidence * 100:g} % intervals. Against base: mean difference in faithful, and "
        f"on how many tasks it is significantly better or worse ({settings.alpha * 100:g} % level after Holm)."
        f"{majority}"
    )


def escape(text: str) -> str:
    """Text for a cell of a Markdown table: on one line, and nothing in it is markup."""
    escaped = one_line(text, 500).replace("&", "&amp;").replace("<", "&lt;")
    escaped = re.sub(r"([\\`*|\[\]~$#])", r"\\\1", escaped)
    # GitHub's Markdown leaves underscores inside words alone, but `_so_` is emphasis.
    escaped = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", escaped)
    # A bare address would become a link.
    return re.sub(r"(?i)\b(https?|ftp|www)(?=[:.])", r"\1&#8203;", escaped)
