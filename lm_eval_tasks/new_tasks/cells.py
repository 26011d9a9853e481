"""The cells of a row that `faithful-se new` takes: texts that hold words, and a label."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from faithful_se.errors import UsageError, excerpt
from lm_eval_tasks.new_tasks.settings import SourceSettings
from lm_eval_tasks.new_tasks.source_parts import Part

KINDS = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}


def check_columns(part: Part, settings: SourceSettings) -> None:
    """Refuse, with a `UsageError`, a column that no row has."""
    columns = dict.fromkeys(name for row in part.rows for name in row)
    for option, names in (("--text", settings.text), ("--label", (settings.label,))):
        for name in names:
            if name not in columns:
                near = difflib.get_close_matches(name, map(str, columns), n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise UsageError(f"{part.origin}: no column {name} ({option}); there are {', '.join(columns)}{hint}")


def filled_rows(part: Part, settings: SourceSettings) -> Iterator[tuple[int, dict[str, str], str]]:
    """(number, texts, label) of the rows; those that `skip_empty` or `drop` leave out are not among them.

    Raises:
        UsageError: a cell that is empty, or holds something else. Names row and column.
    """
    check_columns(part, settings)
    for number, row in enumerate(part.rows, 1):
        texts = {name: row.get(name) for name in settings.text}
        label = label_text(row.get(settings.label), part.classes)
        where = f"{part.origin}: row {number}"
        for name, text in texts.items():
            if not (text is None or isinstance(text, str)):
                raise UsageError(f"{where}: {name} is {KINDS.get(type(text), 'no text')}: give texts")
        empty = next((name for name, text in texts.items() if not re.search(r"\w", text or "")), "")
        empty = empty or (settings.label if label == "" else "")
        if empty and settings.skip_empty:
            continue
        if empty:
            kind = "is empty" if not str(row.get(empty) or "").strip() else f"is {excerpt(row[empty])}, without a word"
            raise UsageError(f"{where}: {empty} {kind}: fill it in, or leave such rows out with --skip-empty")
        if label is None:
            raise UsageError(
                f"{where}: {settings.label} is {KINDS.get(type(row[settings.label]), 'no text')}: give one label a text"
            )
        if label not in settings.drop and str(row[settings.label]) not in settings.drop:
            yield number, {name: _writable(str(text)) for name, text in texts.items()}, label


def label_text(value: Any, classes: Sequence[str] = ()) -> str | None:
    """The code of a label as text, without blanks around it; "" where there is none, None where it is no code.

    >>> label_text(" Late  delivery "), label_text(4.0), label_text(1, ["no", "yes"]), label_text(-1, ["no", "yes"])
    ('Late delivery', '4', 'yes', '')
    """
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and classes:
        return " ".join(classes[value].split()) if 0 <= value < len(classes) else ""  # -1: without a label
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return " ".join(str(value).split()) if isinstance(value, (str, int, float)) else None


def named_labels(settings: SourceSettings, values: Mapping[str, str]) -> dict[str, str]:
    """Value -> name of each label, in the order of the prompt.

    Args:
        settings: whose `labels` are VALUE or VALUE=NAME, or empty.
        values: each value that occurs in the training rows -> where.

    Raises:
        UsageError: a label that no row has, or a value without a name.
    """
    if not settings.labels:
        return {value: value for value in values}
    names: dict[str, str] = {}
    for argument in settings.labels:
        value, equals, name = argument.partition("=")
        if argument in values or not equals:
            value, name = argument, argument
        if value not in values:
            raise UsageError(f"--labels {argument}: no row has {value!r}; there are {', '.join(values)}")
        names[value] = name
    for value, where in values.items():
        if value not in names:
            raise UsageError(f"{where} is {value!r}, which --labels does not name: add it there, or to --drop")
    return names


def _writable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
