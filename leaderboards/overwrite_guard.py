"""Whose files a folder holds: a board is written over a board, over nobody else's files."""

from __future__ import annotations

import json
from pathlib import Path

from faithful_se.errors import UsageError

# What `faithful-se board` writes beside `board.json` and `index.html`.
TABLES = ("board.md", "board.csv", "checkpoints.csv", "board.tex", "board.png")

# `page/templates/page.html` has it in its head, before any text that is not its own.
GENERATOR = '<meta name="generator" content="faithful-se board">'

# Characters of a page within which its head says who made it.
_HEAD = 4_000


def refuse_strangers(out: Path) -> None:
    """Nothing that somebody else made is written over.

    The tables say nothing of their maker: they are a board's where `board.json` or the page beside them is. Pages have
    had a mark since `board.json` 1.1: one without it is a board's where a `board.json` 1.0 is.

    Raises:
        UsageError: a file of a name that a board writes, and no board wrote it.
    """
    version, page = _version(out / "board.json"), _marked(out / "index.html")
    own = {
        "board.json": bool(version),
        "index.html": page or version == "1.0",
        **dict.fromkeys(TABLES, bool(version) or page),
    }
    for name, its in own.items():
        if (out / name).exists() and not its:
            raise UsageError(
                f"{out / name}: is there, and no board wrote it; give another folder with --out, or move it away"
            )


def _version(path: Path) -> str:
    """The schema_version of a board.json; empty for anything else."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return ""
    needed = {"schema_version", "package", "checkpoints", "tasks", "cells"}
    return str(content["schema_version"]) if isinstance(content, dict) and needed <= set(content) else ""


def _marked(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as lines:
            return GENERATOR in lines.read(_HEAD)
    except (OSError, ValueError):
        return False
