"""The rows to train on, and the check that each of them teaches an answer and its end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
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

FORM = 'give one JSON object a line, as in {"prompt": [...], "completion": [...]}, in UTF-8'

# The label of a token without a loss, as torch's cross entropy has it.
IGNORED = -100

# `prompt` and `completion`: messages with `role` and `content`. The loss is on the completion.
# `chat_template_kwargs`, which may be absent: arguments that TRL gives the chat template.
TrainingRow = dict[str, Any]


@dataclass(frozen=True)
class RowSource:
    """Where rows come from."""

    file: RowFile
    build: dict[str, Any]  # manifest of the build that made them; empty for a JSONL file


def read_training_rows(data: str) -> tuple[list[TrainingRow], list[RowSource]]:
    """Read rows of prompt and completion, and what is known about them.

    Args:
        data: folders of `faithful-se build` or JSONL files, separated by commas.

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
        numbered = read_numbered_jsonl(path, FORM, skip_blank=True)
        file_rows = [_training_row(row, f"{path}: line {number}") for number, row in numbered]
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


def _training_row(row: dict[str, Any], line: str) -> TrainingRow:
    with suppress(KeyError, TypeError):
        messages = [(message["role"], message["content"]) for message in (*row["prompt"], *row["completion"])]
        if messages and row["prompt"] and row["completion"]:
            return {name: row[name] for name in ("prompt", "completion", TEMPLATE_ARGS) if row.get(name)}
    remedy = "give what `faithful-se build` wrote, or rows of its form"
    raise UsageError(f"{line} is no row of messages under prompt and completion: {remedy}")


def check_supervision(
    labels: Sequence[Sequence[int]], rows: Sequence[TrainingRow], eos_token_ids: Collection[int], max_length: int | None
) -> int:
    """Count the tokens with a loss, and check that each row has some, the end of its turn among them.

    A wrong loss mask trains on nothing and reports a loss of 0. A model that does not learn where an answer ends
    generates until its token limit.

    Args:
        labels: per row, token ids [n_tokens], `IGNORED` where there is no loss.
        rows: which the labels were made from, for messages.
        eos_token_ids: tokens at which generation stops.
        max_length: tokens to which rows were cut.

    Raises:
        UsageError: names the first row that fails, and the remedy.
    """
    if len(labels) < len(rows):  # TRL drops rows whose loss its cut removed
        raise UsageError(
            f"{len(rows) - len(labels)} of {len(rows)} rows have no token with a loss: "
            f"are they longer than --max_length {max_length}?"
        )
    total = 0
    for number, (ids, row) in enumerate(zip(labels, rows, strict=True), 1):
        supervised = [token for token in ids if token != IGNORED]
        name = f"row {number} ({row['completion'][-1]['content'][:40]!r})"
        cut = f" (it was cut to --max_length {max_length})" if max_length and len(ids) >= max_length else ""
        if not supervised:
            raise UsageError(f"{name} has no token with a loss{cut}: nothing would be learnt from it")
        if not any(token in eos_token_ids for token in supervised):
            raise UsageError(
                f"{name}: the end-of-turn token is not in the loss{cut}, so generations would not stop: "
                "the chat template must end a turn with the token at which the model stops (--eos_token)"
            )
        total += len(supervised)
    return total
