"""Checks of a declared dataset, ours or a user's: the part `metadata.faithful_se` of its YAML.

A mistake is one line that names the file or task, the key, and the remedy. Without these checks, `labels: delivery` is
eight labels of one letter, and `labels: [yes, no]` are two truth values.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from faithful_se.errors import UsageError
from faithfulness_metrics.flips import UNKNOWN
from lm_eval_tasks.label_checks import reading_problem
from lm_eval_tasks.label_reading.names import read_synonyms
from lm_eval_tasks.label_reading.plain_text import key_of
from lm_eval_tasks.languages import ENGLISH, answers_problem, language_problem, prompts_problem
from lm_eval_tasks.options import Options
from lm_eval_tasks.rationales import READERS

SPLITS = ("train", "validation", "test")

# A problem in a few words, with its remedy; empty where there is none.
Problem = str

_TEXTS = ("dataset", "folder", "noun", "question", "label_column")
_LISTS = ("fields", "titles", "labels", "label_values", "drop_label_values")
_OPTIONAL = (
    *("hub_splits", "choices", "choice_names", "rationale", "synonyms"),
    *("language", "prompts", "answers"),
)
# The tasks of a dataset declare these two beside it. Options may have defaults of the dataset's own.
_OF_TASKS = ("style", "budget", *(option.name for option in fields(Options)))
_KNOWN = (*_TEXTS, *_LISTS, *_OPTIONAL, *_OF_TASKS)


def check_declaration(where: str, config: Mapping[str, Any]) -> None:
    """Check what a dataset declares; `where` is its file or task, for messages.

    Args:
        where: the file or the task.
        config: the configuration of a task, or of a dataset (`_dataset_yaml`).

    Raises:
        UsageError: names the key, what is wrong with it, and the remedy.
    """
    if not isinstance(config.get("dataset_path"), str):
        raise UsageError(f"{where}: dataset_path: give the dataset's name on the hub, or none for texts from data=DIR")
    split = config.get("test_split")
    if split != "test":
        raise UsageError(
            f"{where}: test_split: is {split!r}: give test; where the hub calls it otherwise, also "
            f"metadata.faithful_se.hub_splits: {{test: {split or 'validation'}}}"
        )
    metadata = config.get("metadata")
    declared = metadata.get("faithful_se") if isinstance(metadata, Mapping) else None
    if not isinstance(declared, Mapping):
        raise UsageError(f"{where}: metadata.faithful_se: is missing: it declares noun, question, fields, labels, …")
    for key, problem in _problems(declared):
        if problem:
            raise UsageError(f"{where}: metadata.faithful_se.{key}: {problem}")


def _problems(declared: Mapping[str, Any]) -> Iterator[tuple[str, Problem]]:
    """(key, problem) pairs, in an order in which each check may read what earlier ones have passed."""
    by_row = declared.get("choices") is not None
    yield from ((str(key), _unknown_key(str(key))) for key in declared if key not in _KNOWN)
    for key in (*_TEXTS, *_LISTS):
        if key not in declared and not (by_row and key in ("labels", "label_values")):
            yield key, "is missing: add it (docs/own_data.md shows every key)"
    yield from ((key, _text_problem(declared[key], lines=key == "question")) for key in _TEXTS)
    yield from ((key, _list_problem(declared[key])) for key in _LISTS if key in declared)
    yield from ((key, check(declared)) for key, check in _CHECKS)


def _unknown_key(key: str) -> Problem:
    near = difflib.get_close_matches(key, _KNOWN, n=1)
    if key == "labels_column":
        return "is called choices now: docs/multiple_choice.md"
    remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join((*_TEXTS, *_LISTS, *_OPTIONAL))}"
    return f"no such key; {remedy}"


def _text_problem(value: Any, lines: bool = False) -> Problem:
    if not isinstance(value, str):
        return f"is {value!r}: give a text, in quotes where YAML reads something else"
    if len(value.splitlines()) > 1 and not lines:
        return f"{value!r} holds a line break: give one line"
    return "" if value.strip() else "is empty: give a text"


def _list_problem(value: Any) -> Problem:
    if isinstance(value, (list, tuple)):
        return ""
    example = value if isinstance(value, (str, int, float)) else "…"
    return f"is {value!r}, no list: write [{example}, …], or [] for none"


def _fields(declared: Mapping[str, Any]) -> Problem:
    if problem := _texts_problem(declared["fields"]):
        return problem
    columns = [declared["label_column"], *_columns_of_choices(declared)]
    if letters := [name for name in declared["fields"] if _is_letter(declared, name)]:
        return f"{letters[0]!r} is a letter of a choice: rename the column"
    if doubled := [name for name in declared["fields"] if name in columns]:
        return f"{doubled[0]!r} is the column of the label, too: a prompt would show the answer"
    return ""


def _is_letter(declared: Mapping[str, Any], name: str) -> bool:
    """Whether a name of a field, or its title, is the letter of a choice."""
    return declared.get("choices") is not None and bool(re.fullmatch("[A-Z]", name))


def _titles(declared: Mapping[str, Any]) -> Problem:
    if problem := _texts_problem(declared["titles"]):
        return problem
    if letters := [title for title in declared["titles"] if _is_letter(declared, title)]:
        return f"{letters[0]!r} is the letter of a choice: give another title"
    titles, columns = len(declared["titles"]), declared["fields"]
    return "" if titles == len(columns) else f"{titles} titles for the fields {', '.join(columns)}: give one a field"


def _texts_problem(values: Sequence[Any]) -> Problem:
    if not values:
        return "is empty: give at least one"
    problem = next(filter(None, map(_text_problem, values)), "")
    return f"one {problem}" if problem else "" if len(set(values)) == len(values) else f"{values!r}: give each once"


def label_problem(labels: Any, unknown: bool = False) -> Problem:
    """What is wrong with labels to choose from, wherever they come from.

    Args:
        labels: the labels, in the order of the prompt.
        unknown: whether "unknown" is offered beside them.
    """
    if problem := _list_problem(labels):
        return problem
    by_key: dict[str, str] = {}
    for label in labels:
        if isinstance(label, bool):
            return f"{label} is no text: YAML reads yes, no, on and off as true or false, so put labels in quotes"
        if not isinstance(label, str):
            return f"{label!r} is no text: put labels in quotes"
        if not label.strip() or "\n" in label or label != label.strip():
            return f"{label!r} is empty, or has blanks around it or a line break: give plain text"
        key = key_of(label)
        if not re.search(r"\w", key):
            return f"{label!r} has no letter and no digit, so that no answer can be read as it: give a word"
        if label == by_key.get(key):
            return f"the label {label} is given twice: give each once"
        if key in by_key:
            return (
                f"the label {by_key[key]} is given twice: {label!r} differs from it by case, blanks, hyphens or "
                "Unicode form only, and answers are read without these"
            )
        by_key[key] = label
    if len(by_key) < 2:
        return f"{', '.join(labels) or 'none'}: give two or more to choose from"
    if unknown and UNKNOWN in by_key:
        return f'"{UNKNOWN}" is among them already: leave the option unknown out, or rename the label'
    return ""


def _labels(declared: Mapping[str, Any]) -> Problem:
    labels = declared.get("labels", ())
    if declared.get("choices") is None:
        return label_problem(labels) or reading_problem(labels)
    return "choices are labels of each row, so that these have no effect: give []" if labels else ""


def _label_values(declared: Mapping[str, Any]) -> Problem:
    values, labels = declared.get("label_values", ()), declared.get("labels", ())
    if declared.get("choices") is not None:
        return "choices are labels of each row, so that these have no effect: give []" if values else ""
    if problem := _codes_problem(values):
        return problem
    if len(values) != len(labels):
        return f"{len(values)} values for the {len(labels)} labels {', '.join(labels)}: give one a label, in that order"
    return ""


def _drop_label_values(declared: Mapping[str, Any]) -> Problem:
    dropped = declared["drop_label_values"]
    if problem := _codes_problem(dropped):
        return problem
    both = [value for value in dropped if value in declared.get("label_values", ())]
    return f"{both[0]!r} is the value of a label, too: leave it out of one of the two" if both else ""


def _codes_problem(values: Sequence[Any]) -> Problem:
    for number, value in enumerate(values):
        if not (value is None or isinstance(value, (str, int, float))):
            return f"{value!r} is no code of a label: give numbers or texts, as the column holds them"
        if value in values[:number]:
            return f"{value!r} is given twice: give each once"
    return ""


def _columns_of_choices(declared: Mapping[str, Any]) -> list[Any]:
    columns = declared.get("choices")
    return [columns] if isinstance(columns, str) else list(columns) if isinstance(columns, (list, tuple)) else []


def _choices(declared: Mapping[str, Any]) -> Problem:
    columns = declared.get("choices")
    if columns is None or isinstance(columns, str):
        return "" if columns is None else _text_problem(columns)
    if not isinstance(columns, (list, tuple)):
        return f"is {columns!r}: give the column that holds the list of choices, or a list with one column for each"
    problem = _texts_problem(columns)
    return problem or ("is one column: give its name, without a list" if len(columns) < 2 else "")


def _choice_names(declared: Mapping[str, Any]) -> Problem:
    names = declared.get("choice_names")
    if names is None:
        return ""
    if declared.get("choices") is None:
        return "is for multiple choice: declare choices, or leave it out"
    return _text_problem(names) if isinstance(names, str) else _list_problem(names) or _codes_problem(names)


def _hub_splits(declared: Mapping[str, Any]) -> Problem:
    splits = declared.get("hub_splits")
    if splits is None:
        return ""
    if not isinstance(splits, Mapping) or not all(isinstance(name, str) and name for name in splits.values()):
        return f"is {splits!r}: give the hub's names of splits, such as {{test: validation}}"
    unknown = [str(name) for name in splits if name not in SPLITS]
    return f"{unknown[0]} is no split: there are {', '.join(SPLITS)}" if unknown else ""


def _rationale(declared: Mapping[str, Any]) -> Problem:
    name = declared.get("rationale")
    return "" if name is None or name in READERS else f"is {name!r}: give one of {', '.join(READERS)}"


def _synonyms(declared: Mapping[str, Any]) -> Problem:
    try:
        read_synonyms(declared)
    except UsageError as error:
        return str(error).partition(": synonyms: ")[2]
    return ""


def _language(declared: Mapping[str, Any]) -> Problem:
    return language_problem(
        declared.get("language", ENGLISH), declared.get("prompts"), declared.get("choices") is not None
    )


def _prompts(declared: Mapping[str, Any]) -> Problem:
    return prompts_problem(declared.get("prompts", {}))


def _answers(declared: Mapping[str, Any]) -> Problem:
    return answers_problem(declared.get("answers", {}))


_CHECKS: tuple[tuple[str, Callable[[Mapping[str, Any]], Problem]], ...] = (
    ("choices", _choices),
    ("choice_names", _choice_names),
    ("fields", _fields),
    ("titles", _titles),
    ("labels", _labels),
    ("label_values", _label_values),
    ("drop_label_values", _drop_label_values),
    ("hub_splits", _hub_splits),
    ("rationale", _rationale),
    ("synonyms", _synonyms),
    ("prompts", _prompts),
    ("language", _language),
    ("answers", _answers),
)
