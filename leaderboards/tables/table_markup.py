"""The main table for papers, spreadsheets and pull requests: Markdown, CSV, PNG, LaTeX.

Names of models are untrusted in each of them: a bar ends a cell of Markdown, `=` begins a formula in a spreadsheet, `&`
ends a cell of LaTeX.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from leaderboards import number_format
from leaderboards.board import Board, Cell, Estimate
from leaderboards.main_table import METRICS, Gain, Row, narrow, ordered, rows
from leaderboards.sanitize import one_line, visible

HEAD = ("checkpoint", "trained on", "arm", "faithful", "against base", "lift", "ccf", "valid", "acc")
# Of cells beyond their metrics: (column, how it is read from `Versus`).
VERSUS = ("only_checkpoint", "only_base", "p", "p_holm", "marker", "detectable", "agreement", "entropy", "entropy_base")
DRIFT = ("unknown", "unknown_base", "unparsed", "unparsed_base")


def write_tables(board: Board, out: Path) -> list[Path]:
    """Write `board.md`, `board.csv` (a row per cell), `checkpoints.csv`, `board.tex` and `board.png` into a folder."""
    from leaderboards.table_png import picture

    texts = {
        "board.md": markdown(board),
        "board.csv": cells_csv(board),
        "checkpoints.csv": checkpoints_csv(board),
        "board.tex": latex(board),
    }
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    written = [_write(out / name, text.encode()) for name, text in texts.items()]
    return [*written, _write(out / "board.png", picture(board))]


def markdown(board: Board) -> str:
    """The main table, and what a reader must know beside it."""
    lines = [f"# {_md(board.title)}", "", f"{_md(board.created[:10])}, {_md(board.package)}. {_legend(board)}", ""]
    lines += [f"| {' | '.join(HEAD)} |", "|---|---|---" + "|--:" * (len(HEAD) - 3) + "|"]
    for row in rows(board):
        told = _told(row)
        lines.append(f"| {' | '.join([*map(_md, told[:3]), *told[3:]])} |")
    if board.notes:
        lines += ["", *(f"- {_md(note)}" for note in board.notes)]
    if board.skipped:
        lines += ["", "Not on the board:", ""]
        lines += [f"- {_md(one.path)}: {_md(one.reason)}" for one in board.skipped]
    return "\n".join([*lines, ""])


def cells_csv(board: Board) -> str:
    """A row per checkpoint and task with every estimate and interval, as plain numbers; empty where there is none."""
    tasks, people = {task.id: task for task in board.tasks}, {one.id: one for one in board.checkpoints}
    place = {task.id: i for i, task in enumerate(ordered(board.tasks))}
    cells = sorted(board.cells, key=lambda cell: (list(people).index(cell.checkpoint), place[cell.task]))
    metrics = _distinct(name for cell in cells for name in cell.metrics)
    rules = _distinct(name for cell in cells for name in cell.rules)
    names = [*metrics, *(f"rule {rule}" for rule in rules), *(f"versus {name}" for name in ("faithful", "lift", "acc"))]
    head = ["checkpoint", "task", "dataset", "style", "budget", "variant", "n", "missing"]
    head += [f"{name}{part}" for name in names for part in ("", " low", " high", " note")]
    head += [f"versus {name}" for name in ("base", "n", *VERSUS, *DRIFT)] + ["date", "file"]
    lines: list[Sequence[Any]] = [head]
    for cell in cells:
        task, base = tasks[cell.task], people[cell.checkpoint].base
        faithful, versus = cell.metrics.get("faithful"), cell.versus
        line: list[Any] = [people[cell.checkpoint].name, task.name, task.dataset, task.style, task.budget, task.variant]
        line += [faithful.n if faithful else None, cell.missing]
        for estimate in _estimates(cell, metrics, rules):
            line += [None] * 4 if estimate is None else [estimate.estimate, estimate.low, estimate.high, estimate.note]
        line += [people[base].name if base and versus else None, versus.n if versus else None]
        line += [getattr(versus, name) if versus else None for name in (*VERSUS, *DRIFT)]
        lines.append([*line, cell.date, cell.file])
    return _csv(lines)


def checkpoints_csv(board: Board) -> str:
    """The main table as plain numbers: means over all tasks."""
    head = ["checkpoint", "base", "trained on", "arm", "tasks"]
    head += [f"{metric}{part}" for metric in METRICS for part in ("", " low", " high", " note")]
    head += [
        "against base",
        "against base low",
        "against base high",
        "against base note",
        "tasks better",
        "tasks worse",
        "tasks compared",
        "model",
        "arguments",
        "date",
    ]
    names = {one.id: one.name for one in board.checkpoints}
    lines: list[Sequence[Any]] = [head]
    for row in rows(board):
        line: list[Any] = [row.checkpoint.name, names.get(row.checkpoint.base or ""), row.trained, row.arm, row.tasks]
        for metric in METRICS:
            found = row.means[metric]
            line += [found.estimate, found.low, found.high, found.note]
        if row.gain:
            known = row.gain.interval
            line += [row.gain.mean, known and known.low, known and known.high, known and known.note]
            line += [row.gain.better, row.gain.worse, row.gain.tasks]
        else:
            line += [None] * 7
        lines.append([*line, row.checkpoint.model, row.checkpoint.arguments, row.checkpoint.date])
    return _csv(lines)


def latex(board: Board) -> str:
    r"""The main table for `\input`, in 8 pt: booktabs, escaped by great_tables. It says in a comment what it needs."""
    import great_tables
    import polars

    found = [narrow(row, 60) for row in rows(board)]
    names = [name for name in HEAD if name != "trained on"]
    frame = polars.DataFrame(
        {name: [told[name] for told in found] for name in names}, schema_overrides=dict.fromkeys(names, polars.String)
    )
    table = great_tables.GT(frame).cols_align("right", columns=names[2:]).tab_options(table_font_size="8pt")
    # `\\` at the end of a row takes a star or a bracket at the beginning of the next one as its own.
    text = re.sub(r"(?m)^(?=[\[*])", "{}", str(table.as_latex()))
    for sign, command in _SIGNS.items():
        text = text.replace(sign, command)
    notes = [
        f"% {one_line(board.title)}, {one_line(board.created)}. {_legend(board)}",
        r"% \usepackage{booktabs,amssymb}, \setlength{\tabcolsep}{3pt} before \input",
    ]
    return "\n".join([*notes, re.sub(r"\n{2,}", "\n", text.strip()), ""])


# Signs that LaTeX's usual fonts lack.
_SIGNS = {
    number_format.MINUS: "$-$",
    number_format.BETTER: r"$\blacktriangle$",
    number_format.WORSE: r"$\blacktriangledown$",
    "·": r"$\cdot$",
    "–": "--",
}


def _told(row: Row) -> list[str]:
    """A row as text, in the order of `HEAD`."""
    told = {metric: number_format.with_interval(row.means[metric], signed=metric == "lift") for metric in METRICS}
    name = one_line(row.checkpoint.name)
    return [name, row.trained, row.arm, told["faithful"], _gain(row.gain), *(told[metric] for metric in METRICS[1:])]


def _gain(gain: Gain | None) -> str:
    if gain is None:
        return "–"
    counts = f"{number_format.BETTER} {gain.better} {number_format.WORSE} {gain.worse} of {gain.tasks}"
    shown = " ".join(
        filter(None, (number_format.rate(gain.mean, signed=True), number_format.interval(gain.interval, signed=True)))
    )
    return f"{shown} ({counts})"


def _legend(board: Board) -> str:
    settings = board.settings
    return (
        f"Means over tasks, {settings.confidence * 100:g} % intervals. Against base: mean difference in faithful, and "
        f"on how many tasks it is significantly better or worse ({settings.alpha * 100:g} % level after Holm)."
    )


def _md(text: str) -> str:
    """Text for a cell of a Markdown table: nothing in it is markup, and it stays on its line."""
    shown = one_line(text, 500).replace("&", "&amp;").replace("<", "&lt;")
    shown = re.sub(r"([\\`*|\[\]~$#])", r"\\\1", shown)
    # Underscores inside words are plain in GitHub's Markdown; `_so_` is not. A bare address would become a link.
    shown = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", shown)
    return re.sub(r"(?i)\b(https?|ftp|www)(?=[:.])", r"\1&#8203;", shown)


def _csv(lines: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for line in lines:
        writer.writerow([_plain(value) for value in line])
    return text.getvalue()


def _plain(value: Any) -> Any:
    """A value of a CSV: no text begins as a formula does in a spreadsheet."""
    if not isinstance(value, str):
        return value
    shown = visible(value)
    return f"'{shown}" if shown.lstrip()[:1] in tuple("=+-@＝＋－＠") or shown[:1] in ("\t", "\n") else shown


def _estimates(cell: Cell, metrics: Sequence[str], rules: Sequence[str]) -> list[Estimate | None]:
    versus = cell.versus
    found = [cell.metrics.get(name) for name in metrics] + [cell.rules.get(rule) for rule in rules]
    return [*found, *((versus.faithful, versus.lift, versus.acc) if versus else (None, None, None))]


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _write(path: Path, content: bytes) -> Path:
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)
    return path
