"""Writes all files of a board into a folder: the data, the tables and the page."""

from __future__ import annotations

from pathlib import Path

from faithful_se.files import make_folder, write_atomic
from leaderboards.board import Board
from leaderboards.overwrite_guard import refuse_foreign_files


def write_board(board: Board, out: Path) -> list[Path]:
    """Write `board.json`, the tables and `index.html`, in this order.

    Raises:
        UsageError: the folder cannot be written, or holds files of these names that no board wrote.
    """
    from leaderboards.board_json import save
    from leaderboards.page.render import write_page

    refuse_foreign_files(out)
    save(board, out / "board.json")
    tables = write_tables(board, out)
    write_page(board, out / "index.html")
    return [out / "board.json", *tables, out / "index.html"]


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
