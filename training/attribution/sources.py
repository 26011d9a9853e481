"""Where the texts come from: a dataset of the evaluation, or a file of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jsonlines

from lm_eval_tasks.calls import Document, TaskSpec
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.errors import UsageError
from lm_eval_tasks.options import Options
from lm_eval_tasks.question import Question

# Asked about a file that comes with labels and no question of its own.
PLAIN_QUESTION = "Which label fits the text?"


@dataclass(frozen=True)
class Source:
    """Texts and what is asked about them."""

    spec: TaskSpec
    documents: list[Document]

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
    rows = load(dataset, options.data, split)
    if limit is not None:
        rows = rows.select(range(min(limit, len(rows))))
    return Source(_spec(dataset.question, options, system), _distinct(dataset.document(row) for row in rows))


def from_file(path: Path, question: Question, options: Options, limit: int | None = None, system: str = "") -> Source:
    """Texts of a JSONL file whose columns are the question's fields. No gold label is needed.

    Raises:
        UsageError: no file, not JSON, an empty file, a missing column. Names file and line.
    """
    documents = []
    try:
        with jsonlines.open(path) as rows:
            for number, row in enumerate(rows.iter(type=dict, skip_empty=True), 1):
                missing = [name for name in question.fields if not isinstance(row.get(name), str)]
                if missing:
                    raise UsageError(
                        f"{path}: row {number} has no text {', '.join(missing)} (columns: {', '.join(row)})"
                    )
                # A lone surrogate can be written in JSON but not in a file of ours.
                fields = {name: row[name].encode("utf-8", "replace").decode() for name in question.fields}
                documents.append(Document(fields))
                if limit is not None and len(documents) >= limit:
                    break
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except (jsonlines.Error, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {str(error).splitlines()[0]}") from error
    if not documents:
        raise UsageError(f"{path}: the file is empty")
    return Source(_spec(question, options, system), _distinct(documents))


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
    return TaskSpec(question, "attribution", "oneword", options, system or None)


def _distinct(documents: object) -> list[Document]:
    """Documents without repeated texts: a text has one attribution, under its hash."""
    found: dict[str, Document] = {}
    for document in documents:  # type: ignore[attr-defined]
        found.setdefault(document.hash, document)
    return list(found.values())
