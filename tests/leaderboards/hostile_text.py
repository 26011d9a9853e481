"""Strings that would break a page or a table, and a board with one of them everywhere."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

ATTACK = "</script><script>window.attacked = true; alert(1)</script>"
REVERSED = "nice\u202eecin"
BARE = "\x1b[31mred\x00"
QUOTES = """'"><img src=x onerror="window.attacked = true">"""
NASTY = (
    ATTACK
    + QUOTES
    + "</style></title></textarea>--><!--{{ 7*7 }}{% raw %}]]>"
    + "${alert(1)}\\' + alert(1) + '\u202e\x00\x1b\ud800\n\r\u2028"
)
NAME = "=cmd|'/c calc'!A1 <b>bold</b>_50%"

# What refers to something else, or is one of a few words.
KEPT = {"id", "checkpoint", "task", "base", "trained", "marker", "created", "schema_version", "budget"}


def poisoned(value: Any, text: str, name: str = "") -> Any:
    """The same board with `text` in every string that comes from a file, keys of dicts included."""
    if isinstance(value, str):
        return value if name in KEPT else f"{value}{text}"
    if is_dataclass(value) and not isinstance(value, type):
        told = {one.name: poisoned(getattr(value, one.name), text, one.name) for one in fields(value)}
        # Names of metrics and groups are looked up; of rules, fields and options they are shown.
        return replace(value, **{**told, **{key: getattr(value, key) for key in ("metrics", "means") if key in told}})
    if isinstance(value, tuple):
        return tuple(poisoned(one, text, name) for one in value)
    if isinstance(value, dict):
        return {poisoned(key, text, name): poisoned(one, text, name) for key, one in value.items()}
    return value
