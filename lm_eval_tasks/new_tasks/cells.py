"""The cells of a row that `faithful-se new` takes: texts that hold words, a label, and choices where it has some."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from faithful_se.errors import UsageError, excerpt
from lm_eval_tasks.new_tasks.choice_cells import choices_of, names_of
from lm_eval_tasks.new_tasks.settings import SourceSettings
from lm_eval_tasks.new_tasks.source_parts import Part

KINDS = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}


class Cells(NamedTuple):
    """What is taken from a row.

    Attributes:
        number: of the row, from 1.
        texts: column -> text.
        label: the code of the label.
        choices: the row's own, in order; None where one is empty.
        choice_names: what the label calls them; empty where nobody says.
    """

    number: int
    texts: dict[str, str]
    label: str
    choices: tuple[str | None, ...] = ()
    choice_names: tuple[str, ...] = ()


def check_columns(part: Part, settings: SourceSettings) -> None:
    """Refuse, with a `UsageError`, a column that no row has."""
    columns = dict.fromkeys(name for row in part.rows for name in row)
    for option, names in settings.columns.items():
        for name in names:
            if name not in columns:
                near = difflib.get_close_matches(name, map(str, columns), n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise UsageError(f"{part.origin}: no column {name} ({option}); there are {', '.join(columns)}{hint}")


def filled_rows(part: Part, settings: SourceSettings) -> Iterator[Cells]:
    """The cells of the rows; those that `skip_empty` or `drop` leave out are not among them.

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
        if label in settings.drop or str(row[settings.label]) in settings.drop:
            continue
        choices, problem = choices_of(row, settings.choices) if settings.choices else ((), "")
        if problem and settings.skip_empty:
            continue
        if problem:
            raise UsageError(f"{where}: {problem}; correct it, or leave such rows out with --skip-empty")
        names = names_of(row, settings.choice_names)
        yield Cells(number, {name: _writable(str(text)) for name, text in texts.items()}, label, choices, names)


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


def _writable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
