"""The JSON schema of `board.json`, made from the dataclasses: `python -m leaderboards.schema` writes it."""

from __future__ import annotations

import json
from typing import Any

from leaderboards.board import SCHEMA_VERSION
from leaderboards.board_json import SCHEMA, reader


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12. Fields that a later version adds are allowed."""
    made = reader().json_schema()
    # Has a default for those who make a board, but a file always says it.
    made["properties"]["schema_version"] = {"type": "string", "pattern": rf"^{SCHEMA_VERSION.split('.')[0]}\.\d+$"}
    made["required"].append("schema_version")
    # A position in the words: JSON has no keys but texts, and pydantic leaves them unsaid.
    made["$defs"]["Entry"]["properties"]["effects"]["propertyNames"] = {"pattern": r"^\d+$"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": f"Version {SCHEMA_VERSION}.",
        **made,
        "title": "Leaderboard of faithful-se",
    }


if __name__ == "__main__":
    SCHEMA.write_text(json.dumps(schema(), indent=1, ensure_ascii=False) + "\n", "utf-8")
