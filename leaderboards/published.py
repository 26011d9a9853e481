"""`faithful-se board --check` of a folder that holds a board: do its tables and its page say what `board.json` says?

A board can be published without the samples that it was made of, where their texts may not be passed on. Its numbers
then have one source, `board.json`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from faithful_se.errors import UsageError
from leaderboards.export import write_board

BOARD = "board.json"

# Drawn by a library: the same table may be other bytes on another machine.
_PICTURES = (".png",)


def is_board(path: Path) -> bool:
    """Whether a folder holds a board."""
    return (path / BOARD).is_file()


def find_problems(folder: Path) -> Iterator[tuple[str, str]]:
    """Files of a published board that say something else than its `board.json`: (file, what is wrong).

    Reads `board.json`, writes everything that follows from it anew, and compares byte by byte. Pictures must be there.
    """
    from leaderboards.board_json import load

    try:
        board = load(folder / BOARD)
    except UsageError as error:
        file, _, problem = str(error).partition(": ")
        yield file, problem
        return
    ids = {checkpoint.id for checkpoint in board.checkpoints}, {task.id for task in board.tasks}
    for cell in board.cells:
        if cell.checkpoint not in ids[0] or cell.task not in ids[1]:
            yield str(folder / BOARD), f"a cell of {cell.checkpoint} and {cell.task}, which the board does not list"
            return
    with TemporaryDirectory() as temporary:
        for written in write_board(board, Path(temporary) / "board"):
            path = folder / written.name
            if not path.is_file():
                yield str(path), "is missing; write the board again"
            elif path.suffix not in _PICTURES and path.name != BOARD and path.read_bytes() != written.read_bytes():
                yield str(path), f"is not what follows from {BOARD}; write the board again"
