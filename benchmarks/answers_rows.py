"""The tables of `answers.py`: rows of JSON Lines files, checked. `answers_table/README.md` describes the format."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import Options
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import BUDGETS, EXPLANATION_STYLES, STYLES

# A label, words, an edited document by field, or nothing.
Reading = str | list[str] | dict[str, str] | None

LABEL = "label"
READERS = (LABEL, *EXPLANATION_STYLES)
TEXTS = ("family", "reader", "shape", "dataset", "answer", "budget", "target", "mask", "reason")
REQUIRED = ("family", "reader", "shape", "dataset", "answer", "reading")
KEYS = (*TEXTS, "reading", "labels", "unknown", "fields")


@dataclass(frozen=True)
class Row:
    """An answer, and the reading of a careful person."""

    source: str  # file:line
    family: str  # the models that write such answers
    reader: str  # one of `READERS`
    shape: str  # the kind of answer
    spec: TaskSpec  # how the project would have asked
    document: Document  # the text; empty for labels
    target: str  # the label that the explanation must reach; "" where there is none
    answer: str  # what the model wrote
    reading: Reading  # what the person reads in it
    reason: str | None  # why the person reads nothing; None where the reason does not matter

    @property
    def style(self) -> str | None:
        """The style of the explanation; None for a label."""
        return None if self.reader == LABEL else self.reader


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a table.

    Raises:
        UsageError: no such file, no JSON, or a row that breaks the format. It names file and line.
    """
    try:
        lines = path.read_text("utf-8").split("\n")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; --table takes JSON Lines files") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            source = f"{path}:{number}"
            try:
                yield _row(source, json.loads(line))
            except json.JSONDecodeError as error:
                raise UsageError(f"{source}: not JSON: {error.msg} at column {error.colno}") from error
            except UsageError as error:
                raise UsageError(f"{source}: {error}") from error


_dataset = lru_cache(dataset_spec)


def _row(source: str, entries: Any) -> Row:
    _check_entries(entries)
    question = _dataset(entries["dataset"]).question
    reader = entries["reader"]
    fields = entries.get("fields", {} if reader != LABEL else dict.fromkeys(question.fields, ""))
    if tuple(fields) != question.fields:
        raise UsageError(f"fields are {list(fields)}; {question.dataset} has {list(question.fields)}")
    options = Options(mask=entries.get("mask", Options.mask), unknown=entries.get("unknown", False))
    # A label is read alike whatever is asked after it.
    style = next(iter(EXPLANATION_STYLES)) if reader == LABEL else reader
    spec = TaskSpec(question, style, entries.get("budget", BUDGETS[0]), options)
    document = Document(fields, labels=tuple(entries.get("labels", ())))
    row = Row(
        source=source,
        family=entries["family"],
        reader=reader,
        shape=entries["shape"],
        spec=spec,
        document=document,
        target=entries.get("target", ""),
        answer=entries["answer"],
        reading=entries["reading"],
        reason=entries.get("reason"),
    )
    _check_reading(row)
    return row


def _check_entries(entries: Any) -> None:
    if not isinstance(entries, Mapping):
        raise UsageError("not a JSON object")
    if missing := [key for key in REQUIRED if key not in entries]:
        raise UsageError(f"no {missing[0]!r}; a row has {', '.join(REQUIRED)}")
    if unknown := [key for key in entries if key not in KEYS]:
        raise UsageError(f"{unknown[0]!r} is no key of a row; the keys are {', '.join(KEYS)}")
    for key in TEXTS:
        if not isinstance(entries.get(key, ""), str):
            raise UsageError(f"{key} is {entries[key]!r}, not a text")
    if entries["reader"] not in READERS:
        raise UsageError(f"reader is {entries['reader']!r}, not one of {', '.join(READERS)}")
    if entries["reader"] != LABEL and entries.get("budget") not in BUDGETS:
        raise UsageError(f"budget is {entries.get('budget')!r}, not one of {', '.join(BUDGETS)}")
    labels = entries.get("labels", [])
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise UsageError(f"labels are {labels!r}, not a list of texts")


def _check_reading(row: Row) -> None:
    reading = row.reading
    if reading is None:
        return
    if row.reason is not None:
        raise UsageError("a reason says why there is no reading, and this row has one")
    if row.style is None:
        labels = row.spec.classify(row.document).labels
        if reading not in labels:
            raise UsageError(f"reading is {reading!r}, not null and not one of {', '.join(labels)}")
    elif STYLES[row.style].REMOVES_WORDS:
        if not isinstance(reading, list) or not reading or not all(isinstance(word, str) for word in reading):
            raise UsageError(f"reading is {reading!r}, not null and not a list of words")
    elif not isinstance(reading, dict) or tuple(reading) != row.spec.question.fields:
        raise UsageError(f"reading is {reading!r}, not null and not a document of {list(row.spec.question.fields)}")
