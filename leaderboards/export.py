"""Writes all files of a board into a folder: the data, the tables and the page. Refuses to overwrite other files."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from faithful_se.errors import UsageError
from faithful_se.files import atomic_folder, make_folder, parse_json_object, write_atomic, write_errors_as_usage
from leaderboards.board import Board

# The files beside `board.json` and `index.html`.
TABLES = ("board.md", "board.csv", "checkpoints.csv", "board.tex", "board.png")

# `page/templates/page.html` has this in its head, before any untrusted text.
GENERATOR = '<meta name="generator" content="faithful-se board">'

# The generator is within this many characters of the beginning of a page.
_HEAD = 4_000


def refuse_foreign_files(out: Path) -> None:
    """Check that every file that a board would overwrite was written by a board.

    Tables do not name their writer, so they count as a board's if `board.json` or the page beside them is one. Pages
    name their writer since schema 1.1. A page without it counts as a board's beside a `board.json` 1.0.

    Raises:
        UsageError: a file has the name of a board's file, and no board wrote it.
    """
    version, page = _schema_version(out / "board.json"), _has_generator(out / "index.html")
    written_by_board = {
        "board.json": bool(version),
        "index.html": page or version == "1.0",
        **dict.fromkeys(TABLES, bool(version) or page),
    }
    for name, ours in written_by_board.items():
        if (out / name).exists() and not ours:
            raise UsageError(
                f"{out / name}: exists and was not written by faithful-se board; choose another --out, or move the file"
            )


def _schema_version(path: Path) -> str:
    """The schema_version of a board.json; "" for anything else."""
    try:
        content = parse_json_object(path.read_bytes()) or {}
    except OSError:
        return ""
    required = {"schema_version", "package", "checkpoints", "tasks", "cells"}
    return str(content["schema_version"]) if required <= set(content) else ""


def _has_generator(page: Path) -> bool:
    try:
        with page.open(encoding="utf-8") as file:
            return GENERATOR in file.read(_HEAD)
    except (OSError, ValueError):
        return False


def write_board(board: Board, out: Path) -> list[Path]:
    """Write `board.json`, the tables and `index.html`: all or none.

    All files are written into a hidden folder first. A new folder is then renamed as a whole. A folder that is there
    may hold other files of the user: each file is renamed over the older one, the page last.

    Raises:
        UsageError: the folder cannot be written, or holds files of these names that no board wrote.
    """
    from leaderboards.board_json import save
    from leaderboards.page.render import write_page

    def write_all(folder: Path) -> list[str]:
        save(board, folder / "board.json")
        tables = write_tables(board, folder)
        write_page(board, folder / "index.html")
        return ["board.json", *(path.name for path in tables), "index.html"]

    refuse_foreign_files(out)
    with write_errors_as_usage(out):
        if not out.exists():
            with atomic_folder(out) as new:
                names = write_all(new)
        else:
            with TemporaryDirectory(prefix=".board.", dir=out) as workspace:
                names = write_all(Path(workspace))
                for name in names:
                    os.replace(Path(workspace, name), out / name)
    return [out / name for name in names]


def write_tables(board: Board, out: Path) -> list[Path]:
    """Write the tables: `board.md`, `board.csv` (cells), `checkpoints.csv`, `board.tex` and `board.png`.

    Raises:
        UsageError: the folder cannot be written.
    """
    from leaderboards.tables.table_csv import cells_csv, checkpoints_csv
    from leaderboards.tables.table_markup import latex, markdown
    from leaderboards.tables.table_png import table_png

    make_folder(out)
    contents: dict[str, str | bytes] = {
        "board.md": markdown(board),
        "board.csv": cells_csv(board),
        "checkpoints.csv": checkpoints_csv(board),
        "board.tex": latex(board),
        "board.png": table_png(board),
    }
    for name, content in contents.items():
        write_atomic(out / name, content)
    return [out / name for name in contents]
