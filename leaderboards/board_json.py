"""Writes a board to `board.json` and reads it back. The JSON schema of the file is `board.schema.json`."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from faithful_se.errors import UsageError
from faithful_se.files import make_folder, write_atomic
from leaderboards.board import SCHEMA_VERSION, Board

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SCHEMA = Path(__file__).parent / "board.schema.json"


@cache
def board_adapter() -> TypeAdapter[Board]:
    """The pydantic adapter that validates a board and generates its schema, from the types of the dataclasses."""
    from pydantic import TypeAdapter

    return TypeAdapter(Board)


def save(board: Board, path: Path) -> None:
    """Write a board. The file is complete or absent.

    Raises:
        UsageError: the file cannot be written.
        ValueError: a number of the board is nan or infinite.
    """
    text = json.dumps(asdict(board), ensure_ascii=False, allow_nan=False, default=str)
    make_folder(path.parent)
    write_atomic(path, text.encode("utf-8", "replace"))  # a path may hold bytes that are no text


def load(path: Path) -> Board:
    """Read a board. Fields that a later version added are ignored.

    Raises:
        UsageError: the file is missing, is no board, or has a schema version that this package cannot read.
    """
    from pydantic import ValidationError

    try:
        text = path.read_text("utf-8-sig")
        content = json.loads(text, parse_constant=_refuse_constant)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not a board.json ({error}); write one with faithful-se board") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if not isinstance(version, str):
        raise UsageError(f"{path}: not a board.json (no schema_version); write one with faithful-se board")
    if version.split(".")[0] != SCHEMA_VERSION.split(".")[0]:
        raise UsageError(
            f"{path}: schema {version}, but this package reads {SCHEMA_VERSION}; write it again with faithful-se board"
        )
    try:
        return board_adapter().validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"{path}: not a complete board.json ({field}: {first['msg']}); write it again with faithful-se board"
        ) from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")
