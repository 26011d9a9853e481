"""Multiple choice from anyone's file: the choices of a row, and what the column of the label calls the right one."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from faithful_se.errors import UsageError, excerpt
from lm_eval_tasks.choices import LETTERS, value_at
from lm_eval_tasks.declaration import label_problem

# Choices of a row, in order; None for an empty one, which keeps its letter in the file.
Choices = tuple[str | None, ...]


def choices_of(row: Mapping[str, Any], columns: Sequence[str]) -> tuple[Choices, str]:
    """The choices of a row, and what is wrong with them: in a few words, empty where nothing is.

    Args:
        row: a row of the file.
        columns: the column that holds the list, such as ``choices`` or ``choices.text``; or one column for each.

    >>> choices_of({"a": "tea", "b": " hot  milk", "c": ""}, ["a", "b", "c"])
    (('tea', 'hot milk', None), '')
    >>> choices_of({"options": '["tea", "milk"]'}, ["options"])
    (('tea', 'milk'), '')
    """
    where = ", ".join(columns)
    values = [value_at(row, column) for column in columns]
    if len(columns) == 1:
        listed = _as_list(values[0])
        if listed is None:
            return (
                (),
                f"{where} is {excerpt(values[0])}, no list: give a list of choices, or one column for each choice",
            )
        values = listed
    choices = tuple(_text(value) for value in values)
    if wrong := next((value for value in values if isinstance(value, (list, tuple, Mapping))), None):
        return (), f"{where}: {excerpt(wrong)} is no text: give one text a choice"
    texts = [choice for choice in choices if choice is not None]
    if len(texts) > len(LETTERS):
        return (), f"{where}: {len(texts)} choices: there are letters for {len(LETTERS)}"
    problem = label_problem(texts)
    return choices, f"{where}: {problem}" if problem else ""


def _as_list(value: Any) -> list[Any] | None:
    """A list, also one that is written out in the cell of a CSV file; None where it is none."""
    if isinstance(value, str) and value.strip().startswith("["):
        for read in (json.loads, ast.literal_eval):
            try:
                value = read(value)
                break
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
    return list(value) if isinstance(value, (list, tuple)) else None


def _text(value: Any) -> str | None:
    return None if value is None else " ".join(str(value).split()) or None


def names_of(row: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    """What the column of the label calls the choices of a row: `names`, or what the column of that name holds."""
    if len(names) != 1:
        return tuple(names)
    return tuple("" if name is None else str(name) for name in _as_list(value_at(row, names[0])) or ())


def _readings(columns: Sequence[str]) -> dict[str, Callable[[str, Choices], int | None]]:
    """What a label may be -> its place, from label and choices. The first that fits all rows holds."""
    spoken = [column.rpartition(".")[2].casefold() for column in columns] if len(columns) > 1 else []
    letters = [letter.casefold() for letter in LETTERS]
    return {
        "the text of a choice": lambda label, choices: _index(choices, label),
        "a letter": lambda label, choices: _index(letters, label.casefold().strip("(). ")),
        "the column of a choice": lambda label, choices: _index(spoken, label.casefold()),
        "a number from 0": lambda label, choices: int(label) if label.isdecimal() else None,
        "a number from 1": lambda label, choices: int(label) - 1 if label.isdecimal() else None,
    }


def _index(values: Sequence[Any], value: str) -> int | None:
    return values.index(value) if value in values else None


def right_choices(
    labels: Sequence[str],
    choices: Sequence[Choices],
    names: Sequence[Sequence[str]],
    wheres: Sequence[str],
    columns: Sequence[str],
) -> tuple[list[int], str]:
    """The place of each right choice among those that are not empty, and what the labels were read as.

    Args:
        labels: of each row, [n].
        choices: of each row, [n].
        names: what the label column calls the choices of each row, [n]; empty ones to find that out.
        wheres: file, row and column of each label, [n].
        columns: of the choices.

    Raises:
        UsageError: a label that names no choice, or numbers that may count from 0 or from 1.
    """
    best: tuple[str, list[int | None]] = ("", [])
    fitting: dict[str, list[int | None]] = {}
    if any(names):
        candidates = {"one of --choice-names": list(map(_index, names, labels))}
    else:
        candidates = {reading: list(map(place, labels, choices)) for reading, place in _readings(columns).items()}
    for reading, of_file in candidates.items():
        places = list(map(_filled, of_file, choices))
        if None not in places:
            fitting.setdefault(reading, places)
        if not best[0] or places.count(None) < best[1].count(None):
            best = (reading, places)
    if fitting:
        reading, places = next(iter(fitting.items()))
        other = fitting.get("a number from 1", places)
        if reading == "a number from 0" and other != places:
            raise UsageError(
                f"{wheres[0]}: {', '.join(sorted(set(labels)))} may count from 0 or from 1: --choice-names says what "
                "the column calls the choices in order, such as 1 2 3 4"
            )
        return [place for place in places if place is not None], reading
    reading, places = best
    number = places.index(None)
    row = ", ".join(text for text in choices[number] if text is not None)
    hint = f", read as {reading}" if places.count(None) < len(places) else ""
    raise UsageError(
        f"{wheres[number]} is {labels[number]!r}, which names none of the choices {excerpt(row)}{hint}: correct it, or "
        "say with --choice-names what the column calls the choices in order"
    )


def _filled(place: int | None, choices: Choices) -> int | None:
    """The place among the choices that are not empty."""
    if place is None or not 0 <= place < len(choices) or choices[place] is None:
        return None
    return sum(text is not None for text in choices[:place])


def filled(choices: Choices) -> Iterator[str]:
    """The choices that are not empty."""
    return (text for text in choices if text is not None)
