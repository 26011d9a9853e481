"""The JSON schema of `board.json`, made from the dataclasses: `python -m leaderboards.schema` writes it."""

from __future__ import annotations

import json
import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from leaderboards.board import SCHEMA_VERSION, Board
from leaderboards.file import SCHEMA, hints

PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12. Fields that a later version adds are allowed."""
    parts: dict[str, Any] = {}
    _part(Board, parts)
    board = parts.pop("Board")
    board["properties"]["schema_version"] = {"type": "string", "pattern": rf"^{SCHEMA_VERSION.split('.')[0]}\.\d+$"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Leaderboard of faithful-se",
        "$comment": f"Version {SCHEMA_VERSION}. Fields are described in leaderboards/board.py.",
        **board,
        "$defs": dict(sorted(parts.items())),
    }


def _part(of: Any, parts: dict[str, Any]) -> None:
    if of.__name__ in parts:
        return
    parts[of.__name__] = {}
    kinds = hints(of)
    required = [f.name for f in fields(of) if f.default is MISSING and f.default_factory is MISSING]
    if of is Board:
        required.append("schema_version")
    parts[of.__name__] = {
        "type": "object",
        "description": (of.__doc__ or "").strip().splitlines()[0],
        "properties": {f.name: _type(kinds[f.name], parts) for f in fields(of)},
        "required": required,
    }


def _type(of: Any, parts: dict[str, Any]) -> dict[str, Any]:
    origin, inside = typing.get_origin(of), typing.get_args(of)
    if of is Any:
        return {}
    if is_dataclass(of):
        _part(of, parts)
        return {"$ref": f"#/$defs/{of.__name__}"}  # type: ignore[union-attr]
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_type(one, parts) for one in inside]}
    if origin is tuple:
        if inside[-1] is Ellipsis:
            return {"type": "array", "items": _type(inside[0], parts)}
        return {"type": "array", "prefixItems": [_type(one, parts) for one in inside], "items": False}
    if origin is dict:
        keys = {"propertyNames": {"pattern": r"^\d+$"}} if inside[0] is int else {}
        return {"type": "object", **keys, "additionalProperties": _type(inside[1], parts)}
    return {"type": PLAIN[of]}


if __name__ == "__main__":
    SCHEMA.write_text(json.dumps(schema(), indent=1) + "\n", "utf-8")
