"""The training rows, and the check that every one of them teaches something."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError
from faithful_se.files import parse_json_object, read_json_object
from training.attribution.inputs import FORM
from training.runs.folder import MANIFEST

IGNORED = -100


def read_training_rows(data: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows of prompt and completion, and what is known about them.

    Args:
        data: folders of `faithful-se build` or JSONL files, several separated by commas.

    Returns:
        rows with `prompt` and `completion` only, and per source its path, number of rows, digest, and the build's
        settings where it has any.

    Raises:
        UsageError: nothing there, an unfinished build, a row that is not conversational. Names file and line.
    """
    rows: list[dict[str, Any]] = []
    sources = []
    for name in [part.strip() for part in data.split(",") if part.strip()]:
        path, told = Path(name), {}
        if path.is_dir():
            if not (path / MANIFEST).is_file():
                raise UsageError(f"{path} is no finished build: run the same `faithful-se build` again")
            remedy = "the same `faithful-se build` writes it again"
            told, path = read_json_object(path / MANIFEST, remedy), path / "train.jsonl"
        if not path.is_file():
            raise UsageError(f"--data {name}: no such file or folder; give what `faithful-se build` wrote")
        try:
            text = path.read_bytes()
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror or error}") from error
        # Not `splitlines`: texts hold separators that end no line of JSON (U+2028, U+0085).
        found = [_row(path, number, line) for number, line in enumerate(text.split(b"\n"), 1) if line.strip()]
        if not found:
            raise UsageError(f"{path}: the file is empty")
        rows += found
        digest = hashlib.sha256(text).hexdigest()[:16]
        sources.append({"path": name, "rows": len(found), "sha256": digest, "build": told})
    if not rows:
        raise UsageError("--data: give a folder of faithful-se build, or a JSONL file")
    return rows, {"sources": sources}


def _row(path: Path, number: int, line: bytes) -> dict[str, Any]:
    row = parse_json_object(line)
    if row is None:
        raise UsageError(f"{path}: line {number} is not JSON: {FORM}")
    try:
        messages = [(turn["role"], turn["content"]) for part in ("prompt", "completion") for turn in row[part]]
        if messages and row["prompt"] and row["completion"]:
            return {"prompt": row["prompt"], "completion": row["completion"]}
    except (KeyError, TypeError):
        pass
    raise UsageError(
        f"{path}: line {number} is no row of messages under prompt and completion: give what "
        "`faithful-se build` wrote, or rows of its form"
    )


def check_supervision(
    labels: Sequence[Sequence[int]], rows: Sequence[dict[str, Any]], stops: Collection[int], longest: int | None
) -> int:
    """That each row has tokens with a loss, and that the end of the turn is among them.

    A wrong loss mask trains on nothing and reports a loss of 0; an answer whose end is not learnt never stops.

    Args:
        labels: per row, token ids, `IGNORED` where there is no loss.
        rows: what they were made from, for messages.
        stops: ids at which generation stops.
        longest: tokens to which rows were cut.

    Returns:
        Tokens with a loss, in all rows.

    Raises:
        UsageError: names the first row that fails, and the remedy.
    """
    if len(labels) < len(rows):  # TRL drops what its cut has left without a loss
        raise UsageError(
            f"{len(rows) - len(labels)} of {len(rows)} rows have no token with a loss: "
            f"are they longer than --max_length {longest}?"
        )
    total = 0
    for number, (ids, row) in enumerate(zip(labels, rows, strict=True), 1):
        learnt = [token for token in ids if token != IGNORED]
        said = row["completion"][-1]["content"]
        cut = f" (it was cut to --max_length {longest})" if longest and len(ids) >= longest else ""
        if not learnt:
            raise UsageError(
                f"row {number} ({said[:40]!r}) has no token with a loss{cut}: nothing would be learnt from it"
            )
        if not any(token in stops for token in learnt):
            raise UsageError(
                f"row {number} ({said[:40]!r}): the end of the turn has no loss{cut}, so answers would never stop: "
                "the chat template must end a turn with the token at which the model stops (--eos_token)"
            )
        total += len(learnt)
    return total
