"""`board.json`: the board as a file, and back. Its schema is `board.schema.json` beside this file."""

from __future__ import annotations

import json
import os
import types
import typing
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from leaderboards.board import SCHEMA_VERSION, Board
from leaderboards.errors import BoardError

SCHEMA = Path(__file__).parent / "board.schema.json"


def save(board: Board, path: Path) -> None:
    """Write the board, whole or not at all: JSON without nan, mapping keys as texts."""
    text = json.dumps(asdict(board), ensure_ascii=False, allow_nan=False, default=str)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(text.encode("utf-8", "replace"))  # a path need not be text
    os.replace(temporary, path)


def load(path: Path) -> Board:
    """Read a board.

    Raises:
        BoardError: no such file, no board, or of a schema that this version cannot read.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BoardError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise BoardError(f"{path}: not a board.json ({error}); make one with faithful-se board") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if not isinstance(version, str):
        raise BoardError(f"{path}: not a board.json (no schema_version); make one with faithful-se board")
    if version.split(".")[0] != SCHEMA_VERSION.split(".")[0]:
        raise BoardError(
            f"{path}: schema {version}, this package reads {SCHEMA_VERSION}; make it again with faithful-se board"
        )
    try:
        board: Board = _made(Board, content)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BoardError(f"{path}: not a whole board.json ({error!r}); make it again with faithful-se board") from error
    return board


@cache
def hints(of: Any) -> dict[str, Any]:
    """Field -> type of a dataclass."""
    return typing.get_type_hints(of)


def _made(wanted: Any, value: Any) -> Any:
    """JSON values as the type says: dataclasses, tuples, mappings with whole numbers as keys."""
    origin, inside = typing.get_origin(wanted), typing.get_args(wanted)
    if wanted is Any or value is None:
        return value
    if origin in (typing.Union, types.UnionType):
        return _made(next(one for one in inside if one is not type(None)), value)
    if is_dataclass(wanted):
        return _filled(wanted, value)
    if origin is tuple:
        kinds = inside[:1] * len(value) if inside[-1] is Ellipsis else inside
        return tuple(_made(kind, item) for kind, item in zip(kinds, value, strict=True))
    if origin is dict:
        return {_made(inside[0], key): _made(inside[1], item) for key, item in value.items()}
    if wanted is float:
        return float(value)
    if wanted is int:
        return int(value)
    return value


def _filled(kind: Any, value: Any) -> Any:
    """A dataclass from its mapping; fields that are not there keep their defaults."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{kind.__name__} expected, found {type(value).__name__}")
    types_of = hints(kind)
    return kind(**{one.name: _made(types_of[one.name], value[one.name]) for one in fields(kind) if one.name in value})
