"""`board.json`: the board as a file, and back. Its schema is `board.schema.json` beside this file."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from faithful_se.errors import UsageError
from leaderboards.board import SCHEMA_VERSION, Board

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SCHEMA = Path(__file__).parent / "board.schema.json"


@cache
def reader() -> TypeAdapter[Board]:
    """What reads a board and knows its schema: pydantic, by the types of the dataclasses."""
    from pydantic import TypeAdapter

    return TypeAdapter(Board)


def save(board: Board, path: Path) -> None:
    """Write the board, whole or not at all: JSON without nan, mapping keys as texts."""
    text = json.dumps(asdict(board), ensure_ascii=False, allow_nan=False, default=str)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(text.encode("utf-8", "replace"))  # a path need not be text
    os.replace(temporary, path)


def load(path: Path) -> Board:
    """Read a board. Fields that a later version added are passed over.

    Raises:
        UsageError: no such file, no board, or of a schema that this version cannot read.
    """
    from pydantic import ValidationError

    try:
        text = path.read_text("utf-8-sig")
        content = json.loads(text, parse_constant=_no_number)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not a board.json ({error}); make one with faithful-se board") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if not isinstance(version, str):
        raise UsageError(f"{path}: not a board.json (no schema_version); make one with faithful-se board")
    if version.split(".")[0] != SCHEMA_VERSION.split(".")[0]:
        raise UsageError(
            f"{path}: schema {version}, this package reads {SCHEMA_VERSION}; make it again with faithful-se board"
        )
    try:
        return reader().validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"{path}: not a whole board.json ({where}: {first['msg']}); make it again with faithful-se board"
        ) from error


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")
