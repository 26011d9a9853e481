"""CSV and TSV: every cell is a text, and codes of labels are found among them.

The reader is Python's own. Readers that guess types turn the labels "None" and "NA" into missing values, and the text
"007" into 7.
"""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import datasets

from faithful_se.errors import UsageError
from lm_eval_tasks.data_checks import undeclared_label

if TYPE_CHECKING:
    from lm_eval_tasks.dataset_spec import DatasetSpec


def read_delimited(path: Path, text: str, delimiter: str = "") -> list[dict[str, Any]]:
    """The rows of a CSV or TSV file with a header, as texts. `path` is for messages.

    Args:
        path: the file.
        text: what it holds.
        delimiter: what separates cells; by default the most frequent in the header of comma, semicolon and tab.

    Raises:
        UsageError: columns of the same name, a row of another length, or an open quote.
    """
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # a long text is no mistake
    if not delimiter:
        header = text.lstrip().partition("\n")[0]
        delimiter = max(",;\t", key=header.count)
    try:
        return _rows(path, text, delimiter, csv.QUOTE_MINIMAL)
    except csv.Error as error:
        if delimiter != "\t":
            raise UsageError(f"{path}: {error}: put texts with quotes in quotes, and double those inside") from error
    return _rows(path, text, delimiter, csv.QUOTE_NONE)  # GLUE's files: "It 's fun" <tab> 1


def _rows(path: Path, text: str, delimiter: str, quoting: Any) -> list[dict[str, Any]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)
    cells = [row for row in reader if row]
    if not cells:
        return []
    header, *rows = cells
    if twice := [name for name, count in Counter(header).items() if count > 1]:
        raise UsageError(f"{path}: the column {twice[0]!r} is there twice; the first line names the columns")
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise UsageError(
                f"{path}: row {number} has {len(row)} cells, the first line names {len(header)} columns: put texts "
                "with separators in quotes"
            )
    return [dict(zip(header, row, strict=True)) for row in rows]


def with_codes(spec: DatasetSpec, rows: datasets.Dataset, source: str) -> datasets.Dataset:
    """Rows of a CSV or TSV file, with the codes of labels as the dataset declares them: "4" or "4.0" becomes 4.

    Raises:
        UsageError: a label that is not declared, or a column that must hold lists, which a cell cannot.
    """
    of_choices = spec.choices.columns if spec.choices and len(spec.choices.columns) == 1 else ()
    lists = [*of_choices, *(f"{name}_rationale" for name in spec.question.fields)]
    if held := [name for name in lists if name in rows.column_names]:
        raise UsageError(
            f"{source}: column {held[0]} holds lists, which CSV and TSV cannot: give JSON lines or Parquet"
        )
    if spec.label_column not in rows.column_names:
        return rows
    if spec.choices:
        return rows
    codes = (*spec.label_values, *spec.drop_label_values)
    labels = [_code(cell, codes) for cell in rows[spec.label_column]]
    for number, label in enumerate(labels, 1):
        if problem := undeclared_label(spec, label):
            raise UsageError(f"{source}: row {number}: {problem}")
    try:
        return rows.remove_columns(spec.label_column).add_column(spec.label_column, labels)
    except Exception as error:  # pyarrow has one for each pair of types
        raise UsageError(
            f"{source}: {spec.label_column} holds codes of several types, as declared in label_values and "
            "drop_label_values: declare numbers or texts"
        ) from error


def _code(cell: str, codes: tuple[Any, ...]) -> Any:
    """The code that a cell stands for; the cell itself where there is none, so that a check can name it."""
    if cell in codes:
        return cell
    text = cell.strip().lower()
    for code in codes:
        if text == ("" if code is None else str(code).lower()):
            return code
    try:
        number = float(text)
    except ValueError:
        return cell
    return next((code for code in codes if isinstance(code, (int, float)) and code == number), cell)
