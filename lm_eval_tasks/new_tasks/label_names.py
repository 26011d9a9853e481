"""The labels of a source: what its values are called in prompts, in which order, and whether answers can be read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from faithful_se.errors import UsageError
from lm_eval_tasks.declaration import label_problem
from lm_eval_tasks.label_checks import reading_problem
from lm_eval_tasks.new_tasks.settings import SourceSettings
from lm_eval_tasks.new_tasks.source_texts import SourceText

# More labels than this are a mistake more often than a question that a prompt can ask.
MOST_LABELS = 100


def label_names(texts: dict[str, list[SourceText]], settings: SourceSettings, classes: Sequence[str]) -> dict[str, str]:
    """Value -> name of each label.

    Raises:
        UsageError: labels that cannot be asked about, or one that no training row has.
    """
    names = _names(texts.get("train") or texts["test"], settings, classes)
    for text in (text for split in texts.values() for text in split):
        if text.value not in names:
            known = ", ".join(names)
            raise UsageError(
                f"{text.where} is {text.value!r}, a label that no training row has: they have {known}. Correct it, or "
                "leave such rows out with --drop"
            )
    return names


def _names(texts: Sequence[SourceText], settings: SourceSettings, classes: Sequence[str]) -> dict[str, str]:
    """Value -> name of each label.

    Raises:
        UsageError: one label, too many, or labels that answers cannot be told apart by.
    """
    first = {text.value: text.where for text in reversed(texts)}
    where, count = texts[0].where.partition(": row ")[0], len(first)
    if count < 2:
        value = next(iter(first))
        raise UsageError(
            f"{where}: {settings.label}: every row has the label {value!r}: give two or more to choose from"
        )
    if count > MOST_LABELS or (len(texts) >= 10 and count > len(texts) / 2):
        raise UsageError(
            f"{where}: {settings.label} has {count} different values in {len(texts)} rows: give --label, the column "
            f"of the label; at most {MOST_LABELS} can be asked about"
        )
    order = {" ".join(name.split()): number for number, name in enumerate(classes)}
    values = sorted(first, key=lambda value: (order.get(value, 0), *_sort_key(value)))
    names = _named_labels(settings, {value: first[value] for value in values})
    labels = tuple(dict.fromkeys(names.values()))
    if quoted := next((label for label in labels if '"' in label), ""):
        raise UsageError(
            f"{where}: {settings.label}: {quoted!r} holds a double quote, and prompts put labels in these: "
            "--labels VALUE=NAME gives names"
        )
    if problem := label_problem(labels) or reading_problem(labels):
        raise UsageError(f"{where}: {settings.label}: {problem}; --labels VALUE=NAME gives names")
    return names


def _named_labels(settings: SourceSettings, values: Mapping[str, str]) -> dict[str, str]:
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


def _sort_key(value: str) -> tuple[float, list[str | int], str]:
    """Numbers first. Digits within a label count as a number: "team 2" stands before "team 10"."""
    try:
        number = float(value)
    except ValueError:
        number = math.inf
    parts = [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", value.casefold())]
    return (number if math.isfinite(number) else math.inf, parts, value)
