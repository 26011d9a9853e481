"""The rows to train on: conversational rows of the columns that a trainer of TRL wants."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError
from faithful_se.files import read_json_object, read_numbered_jsonl
from faithful_se.train_info import RowFile
from training.runs.folder import MANIFEST

# TRL's name for the arguments of the chat template.
TEMPLATE_ARGS = "chat_template_kwargs"

# Columns of the rows to imitate and of preference pairs, and the command that trains on them.
COMPLETIONS, PAIRS = ("prompt", "completion"), ("prompt", "chosen", "rejected")
COMMANDS = {COMPLETIONS: "faithful-se sft", PAIRS: "faithful-se dpo"}

# Each column holds messages with `role` and `content`.
# `chat_template_kwargs`, which may be absent: arguments that TRL gives the chat template.
TrainingRow = dict[str, Any]


@dataclass(frozen=True)
class RowSource:
    """Where rows come from."""

    file: RowFile
    build: dict[str, Any]  # manifest of the build that made them; empty for a JSONL file


def read_training_rows(data: str, columns: Sequence[str] = COMPLETIONS) -> tuple[list[TrainingRow], list[RowSource]]:
    """Read rows of messages, and what is known about them.

    Args:
        data: folders of `faithful-se build` or JSONL files, separated by commas.
        columns: that each row has.

    Raises:
        UsageError: nothing there, an unfinished build, a row that is not conversational. Names file and line.
    """
    rows: list[TrainingRow] = []
    sources = []
    for name in filter(None, map(str.strip, data.split(","))):
        path, build = Path(name), {}
        if path.is_dir():
            if not (path / MANIFEST).is_file():
                raise UsageError(f"{path} is no finished build: run the same `faithful-se build` again")
            build = read_json_object(path / MANIFEST, "the same `faithful-se build` writes it again")
            path /= "train.jsonl"
        if not path.is_file():
            raise UsageError(f"--data {name}: no such file or folder; give what `faithful-se build` wrote")
        form = ", ".join(f'"{column}": [...]' for column in columns)
        remedy = f"give one JSON object a line, as in {{{form}}}, in UTF-8"
        numbered = read_numbered_jsonl(path, remedy, skip_blank=True)
        file_rows = [_training_row(row, columns, f"{path}: line {number}") for number, row in numbered]
        if not file_rows:
            raise UsageError(f"{path}: the file is empty")
        rows += file_rows
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        sources.append(RowSource({"path": name, "rows": len(file_rows), "sha256": digest}, build))
    if not rows:
        raise UsageError("--data: give a folder of faithful-se build, or a JSONL file")
    return rows, sources


def with_template_args(
    rows: Sequence[TrainingRow], requested: Mapping[str, Any]
) -> tuple[list[TrainingRow], dict[str, Any]]:
    """Give all rows the same arguments of the chat template, and return both.

    Args:
        rows: as they were read.
        requested: what the user gives; rows that were built with arguments must have these.

    Raises:
        UsageError: rows with different arguments, or with others than the requested ones.
    """
    built = [dict(row.get(TEMPLATE_ARGS, {})) for row in rows]
    arguments = dict(requested) or built[0]
    if not requested and any(other != arguments for other in built):
        raise UsageError(
            f"--data: rows of different chat template arguments ({built[0]} and others): train them separately, "
            "or give --chat_template_args for all"
        )
    if other := next((other for other in built if other and other != arguments), None):
        raise UsageError(
            f"--chat_template_args {json.dumps(arguments)}: the rows were built with {json.dumps(other)}, which the "
            "evaluation needs too: leave the option out, or build with the other arguments"
        )
    return [{**row, TEMPLATE_ARGS: arguments} if arguments else row for row in rows], arguments


def _training_row(row: dict[str, Any], columns: Sequence[str], line: str) -> TrainingRow:
    with suppress(KeyError, TypeError):
        messages = [(message["role"], message["content"]) for column in columns for message in row[column]]
        if messages and all(row[column] for column in columns):
            return {name: row[name] for name in (*columns, TEMPLATE_ARGS) if row.get(name)}
    other = next((command for names, command in COMMANDS.items() if names != columns and {*names} <= {*row}), "")
    if other:
        raise UsageError(f"{line} is a row for {other}: give it to that command")
    remedy = "give what `faithful-se build` wrote, or rows of its form"
    raise UsageError(f"{line} is no row of messages under {_listed(columns)}: {remedy}")


def _listed(columns: Sequence[str]) -> str:
    return f"{', '.join(columns[:-1])} and {columns[-1]}" if len(columns) > 1 else columns[0]
