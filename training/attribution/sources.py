"""Where the texts come from: a dataset of the evaluation, or a file of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonlines

from faithful_se.errors import UsageError
from faithfulness_metrics.flips import UNKNOWN
from lm_eval_tasks.classification import Question
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import Options
from lm_eval_tasks.spec import TaskSpec
from training.attribution.splits import load_split

# Asked about a file that comes with labels and no question of its own.
PLAIN_QUESTION = "Which label fits the text?"

# What a file of one's own is to be, where it is something else.
FORM = "give one JSON object a line, not compressed, in UTF-8"


@dataclass(frozen=True)
class Source:
    """Texts and what is asked about them.

    Attributes:
        spec: what is asked.
        documents: the texts, each once, in the order of the dataset.
        whole: whether that is all the dataset holds; False where a limit may have left some unread.
    """

    spec: TaskSpec
    documents: list[Document]
    whole: bool = False

    @property
    def name(self) -> str:
        """Name of the dataset in file names and rows."""
        return self.spec.question.dataset


def from_dataset(
    name: str, options: Options, split: str = "train", limit: int | None = None, system: str = ""
) -> Source:
    """A split of a dataset, as the evaluation reads it.

    Raises:
        UsageError: no such dataset, or it cannot be read, or its labels differ from text to text.
    """
    dataset = dataset_spec(name)
    if dataset.labels_column:
        raise UsageError(f"{name}: each text has labels of its own; attributions need one set of labels for all texts")
    spec = _spec(dataset.question, options, system)
    rows = load_split(dataset, options.data, split)
    taken = len(rows) if limit is None else min(limit, len(rows))
    documents = _distinct(dataset.document(row) for row in rows.select(range(taken)))
    return Source(spec, documents, taken == len(rows))


def from_file(path: Path, question: Question, options: Options, limit: int | None = None, system: str = "") -> Source:
    """Texts of a JSONL file whose columns are the question's fields. No gold label is needed.

    Raises:
        UsageError: no file, not JSON, an empty file, a missing column. Names file and line.
    """
    spec, documents, whole = _spec(question, options, system), list[Document](), True
    try:
        with path.open("rb") as file:
            lines = Numbered(file)
            for row in jsonlines.Reader(lines).iter(skip_empty=True):
                if limit is not None and len(documents) >= limit:
                    whole = False
                    break
                documents.append(_document(row, question, f"{path}: line {lines.number}"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except (jsonlines.Error, RecursionError) as error:
        raise UsageError(f"{path}: line {lines.number} is not JSON: {FORM}") from error
    if not documents:
        raise UsageError(f"{path}: the file is empty")
    return Source(spec, _distinct(documents), whole)


class Numbered:
    """Lines that know their number: a reader of rows skips empty ones."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.lines, self.number = lines, 0

    def __iter__(self) -> Iterator[bytes]:
        for number, line in enumerate(self.lines, 1):
            self.number = number
            yield line


def _document(row: Any, question: Question, where: str) -> Document:
    """A row of a file as a text; `where` begins the message about one that is none."""
    if not isinstance(row, dict):
        raise UsageError(f"{where} is {_kind(row)}: {FORM}")
    for name in question.fields:
        if name not in row:
            raise UsageError(f"{where} has no {name} (columns: {', '.join(row)}): name the text columns with --fields")
        if not isinstance(row[name], str):
            raise UsageError(f"{where}: {name} is {_kind(row[name])}: give a text, or leave the line out")
    # A lone surrogate can be written in JSON but not in a file of ours.
    return Document({name: row[name].encode("utf-8", "replace").decode() for name in question.fields})


def _kind(value: Any) -> str:
    kinds = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "an object",
    }
    return kinds.get(type(value), "null")


def question_of(
    labels: Sequence[str], fields: Sequence[str] = ("text",), question: str = "", name: str = "file"
) -> Question:
    """A question about texts of one's own.

    Raises:
        UsageError: labels or fields that repeat, or fewer than two labels.
    """
    # An answer is read without regard to case: two labels that differ in nothing else cannot be told apart.
    for what, values in (("label", [label.casefold() for label in labels]), ("field", list(fields))):
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise UsageError(f"the {what} {', '.join(twice)} is given twice")
    if len(labels) < 2:
        raise UsageError(f"--labels {' '.join(labels)}: give two or more to choose from")
    titles = tuple(field.replace("_", " ").capitalize() for field in fields)
    noun = " and ".join(field.replace("_", " ") for field in fields)
    return Question(name, noun, question or PLAIN_QUESTION, tuple(fields), titles, tuple(labels))


def _spec(question: Question, options: Options, system: str) -> TaskSpec:
    if options.unknown and UNKNOWN in map(str.casefold, question.labels):
        raise UsageError(f'--unknown offers the label "{UNKNOWN}", which is there already: leave --unknown out')
    return TaskSpec(question, "attribution", "oneword", options, system or None)


def _distinct(documents: object) -> list[Document]:
    """Documents without repeated texts: a text has one attribution, under its hash."""
    found: dict[str, Document] = {}
    for document in documents:  # type: ignore[attr-defined]
        found.setdefault(document.hash, document)
    return list(found.values())
