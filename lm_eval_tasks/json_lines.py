"""A JSON Lines file of the user's as a dataset. Damage is reported with file, line and column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json import JSONDecodeError
from logging import getLogger
from pathlib import Path
from typing import Any

import datasets
import jsonlines

from faithful_se.errors import UsageError
from lm_eval_tasks import LOGGER

logger = getLogger(LOGGER)


def read_dataset(path: Path) -> datasets.Dataset:
    """Read the rows of a file. A byte order mark, empty lines and Windows line ends are accepted.

    Characters that cannot be written as UTF-8 are replaced, with a warning: they would lose the results of the run.

    Raises:
        UsageError: no rows, a line that is no JSON object, a missing column, or values of two kinds in one column.
    """
    rows = list(_read_objects(path))
    if not rows:
        raise UsageError(f"{path}: the file is empty")
    clean_rows = [{name: _replace_surrogates(value) for name, value in row.items()} for row in rows]
    broken = sum(row != clean or "\ufffd" in str(row) for row, clean in zip(rows, clean_rows, strict=True))
    if broken:
        logger.warning("%s: %d rows hold broken characters, shown as '?' or U+FFFD: is it UTF-8?", path, broken)
    columns = list(dict.fromkeys(name for row in clean_rows for name in row))
    for number, row in enumerate(clean_rows, 1):
        if missing := [name for name in columns if name not in row]:
            raise UsageError(f"{path}: row {number} has no column {missing[0]}, other rows have")
    try:
        return datasets.Dataset.from_list(clean_rows)
    except Exception as error:  # pyarrow has an exception for each kind of value that does not fit its column
        reason = _mixed_kinds(clean_rows, columns) or str(error).splitlines()[0]
        raise UsageError(f"{path}: {reason}") from error


def _read_objects(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        try:
            return list(jsonlines.Reader(lines).iter(type=dict, skip_empty=True))
        except jsonlines.InvalidLineError as error:
            cause, reason = error.__cause__, "is not a JSON object"
            if isinstance(cause, JSONDecodeError):
                reason = f"is not JSON: {cause.msg} at column {cause.colno}"
            raise UsageError(f"{path}: line {error.lineno} {reason}") from error


def _replace_surrogates(value: Any) -> Any:
    # A lone surrogate can be written in JSON ("\ud800") and in no file.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _mixed_kinds(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Where a column begins to hold another kind of value; empty where none does."""
    for name in columns:
        first_number, first_kind = 0, ""
        for number, row in enumerate(rows, 1):
            kind = type(row[name]).__name__
            if row[name] is None:
                continue
            if not first_kind:
                first_number, first_kind = number, kind
            elif kind != first_kind and {kind, first_kind} != {"int", "float"}:
                return f"row {number}: {name} is {row[name]!r} ({kind}), in row {first_number} it is a {first_kind}"
    return ""
