"""Checks on the rows of a dataset before a run: columns, texts and labels are what the dataset's YAML declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import datasets

from faithful_se.errors import UsageError
from faithfulness_metrics.segmentation import PACKAGE, has_segmenter, is_without_blanks

# So many texts of a column show its script.
MOST_TEXTS = 100

if TYPE_CHECKING:
    from lm_eval_tasks.dataset_spec import DatasetSpec


def check_rows(spec: DatasetSpec, rows: datasets.Dataset, source: str) -> None:
    """Check every row of one split. `source` is the file or hub repository that they come from, for messages.

    Raises:
        UsageError: a missing column, a text that is no string, or a label that is not declared. Names column and row.
    """
    label_columns = [spec.label_column, *(spec.choices.top_level if spec.choices else ())]
    missing = [name for name in (*spec.question.fields, *label_columns) if name not in rows.column_names]
    if missing:
        raise UsageError(f"{source}: no column {', '.join(missing)} (columns: {', '.join(rows.column_names)})")
    for name in spec.question.fields:
        kind = getattr(rows.features[name], "dtype", None)
        # A prompt would show a list as Python writes it. null is an empty text.
        if kind not in ("string", "large_string", "null"):
            raise UsageError(f"{source}: column {name} holds no text ({kind or 'a list'}): give strings")
    for name in spec.question.fields:
        check_segmenter(rows[name], f"{source}: column {name}")
    for number, row in enumerate(rows.select_columns(label_columns), 1):
        if problem := _label_problem(spec, row):
            raise UsageError(f"{source}: row {number}: {problem}")


def check_segmenter(texts: Sequence[str | None], source: str) -> None:
    """Refuse texts in a script without blanks where nothing is installed that parts their words.

    Raises:
        UsageError: a clause would be one word.
    """
    if not has_segmenter() and is_without_blanks(text for text in texts[:MOST_TEXTS] if text):
        raise UsageError(
            f"{source}: is in a script without blanks between words; {PACKAGE}, which parts them, is not installed: "
            "pip install 'faithful-se[languages]'"
        )


def _label_problem(spec: DatasetSpec, row: Mapping[str, Any]) -> str:
    """What is wrong with the label of a row, in a few words; empty where nothing is."""
    label = row[spec.label_column]
    if spec.choices:
        return "" if label in spec.drop_label_values else spec.choices.problem(row, spec.label_column)
    return undeclared_label(spec, label)


def undeclared_label(spec: DatasetSpec, label: Any) -> str:
    """That a code of a label is not declared, in a few words; empty where it is."""
    if label in (*spec.label_values, *spec.drop_label_values):
        return ""
    codes = (f"{value} ({name})" for value, name in zip(spec.label_values, spec.question.labels, strict=True))
    return f"{spec.label_column} is {label!r}, not one of {', '.join(codes)}"
