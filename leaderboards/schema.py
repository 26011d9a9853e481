"""Generates the JSON schema of `board.json` from the dataclasses. `python -m leaderboards.schema` writes the file."""

from __future__ import annotations

import json
from typing import Any

from leaderboards.board import SCHEMA_VERSION
from leaderboards.board_json import SCHEMA, board_adapter


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12. Fields that a later version adds are allowed."""
    board = board_adapter().json_schema()
    # The field has a default in Python, but every file states it.
    board["properties"]["schema_version"] = {"type": "string", "pattern": rf"^{SCHEMA_VERSION.split('.')[0]}\.\d+$"}
    board["required"].append("schema_version")
    # Keys are positions of words. JSON keys are always strings, and pydantic does not describe them.
    board["$defs"]["CardEntry"]["properties"]["effects"]["propertyNames"] = {"pattern": r"^\d+$"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": f"Version {SCHEMA_VERSION}.",
        **board,
        "title": "Leaderboard of faithful-se",
    }


if __name__ == "__main__":
    SCHEMA.write_text(json.dumps(schema(), indent=1, ensure_ascii=False) + "\n", "utf-8")
