"""Strings that would break a page or a table, and a board with one of them everywhere."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

ATTACK = "</script><script>window.attacked = true; alert(1)</script>"
REVERSED = "nice\u202eecin"
CONTROL_CHARACTERS = "\x1b[31mred\x00"
QUOTES = """'"><img src=x onerror="window.attacked = true">"""
EVERYTHING = (
    ATTACK
    + QUOTES
    + "</style></title></textarea>--><!--{{ 7*7 }}{% raw %}]]>"
    + "${alert(1)}\\' + alert(1) + '\u202e\x00\x1b\ud800\n\r\u2028"
)
NAME = "=cmd|'/c calc'!A1 <b>bold</b>_50%"

# Strings that refer to something else, or are one of a few words.
UNCHANGED = {"id", "checkpoint", "task", "base", "trained", "marker", "created", "schema_version", "budget"}


def with_text_everywhere(value: Any, text: str, name: str = "") -> Any:
    """The same board with `text` appended to every string that comes from a file, keys of dicts included."""
    if isinstance(value, str):
        measured = name == "not_measurable" and not value  # any text there would blank the cell
        return value if name in UNCHANGED or measured else f"{value}{text}"
    if is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: with_text_everywhere(getattr(value, f.name), text, f.name) for f in fields(value)}
        # Names of metrics and groups are looked up. Names of rules, fields and options are only shown.
        changed |= {key: getattr(value, key) for key in ("metrics", "means") if key in changed}
        return replace(value, **changed)
    if isinstance(value, tuple):
        return tuple(with_text_everywhere(item, text, name) for item in value)
    if isinstance(value, dict):
        return {
            with_text_everywhere(key, text, name): with_text_everywhere(item, text, name) for key, item in value.items()
        }
    return value
