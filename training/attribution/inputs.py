"""Texts to attribute: a split of one of the evaluation's datasets, or a JSON Lines file of the user's own."""

from __future__ import annotations

import codecs
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

import datasets
import jsonlines

from faithful_se.errors import UsageError
from faithfulness_metrics.flips import UNKNOWN
from lm_eval_tasks.classification import Question
from lm_eval_tasks.data import DatasetSpec, has_mini, load
from lm_eval_tasks.data_checks import MOST_TEXTS, check_segmenter
from lm_eval_tasks.data_files import PACKED, line_problem, loads, read_rows
from lm_eval_tasks.declaration import SPLITS, label_problem
from lm_eval_tasks.document import Document
from lm_eval_tasks.examples import add_examples_and_prior_texts
from lm_eval_tasks.languages import ENGLISH, language_problem, prompts_of
from lm_eval_tasks.options import Options
from lm_eval_tasks.order import ordered
from lm_eval_tasks.spec import TaskSpec
from training.attribution.options import LabelOptions

# The remedy for a file that is no JSON Lines file.
FORM = "give one JSON object a line, a JSON array, or a file whose name ends in .csv, .tsv or .parquet"

# Characters of the names of columns that a message shows.
COLUMNS = 200

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """Texts and the question about them."""

    spec: TaskSpec  # the question, as the evaluation asks it
    documents: list[Document]  # each once, in the order of the dataset
    complete: bool = False  # whether these are all texts of the dataset; a limit may have left some unread

    @property
    def name(self) -> str:
        """Name of the dataset in file names and rows."""
        return self.spec.question.dataset


def from_dataset(
    dataset: DatasetSpec,
    options: Options,
    split: str = "train",
    limit: int | None = None,
    system: str = "",
    labels: LabelOptions | None = None,
) -> Source:
    """A split of a dataset, as the evaluation reads it, without the texts that are examples in the prompt.

    Raises:
        UsageError: no such dataset, or it cannot be read, or labels of its texts' own that cannot be calibrated.
    """
    dataset = dataset.with_options(options)
    if dataset.choices and options.classifier == "calibrated":
        raise UsageError(
            f"{dataset.question.dataset}: --classifier calibrated is for labels that are the same in all texts: leave "
            "it out, and the letters are ranked"
        )
    spec = _spec(dataset.question, options, system)
    rows = ordered(load_split(dataset, options.data, split), dataset, options.order, options.order_seed)
    count = len(rows) if limit is None else min(limit, len(rows))
    documents = _distinct(dataset.document(row) for row in rows.select(range(count)))
    spec, documents = _prepared(spec, documents, labels or LabelOptions(), dataset)
    return Source(spec, documents, count == len(rows))


def load_split(dataset: DatasetSpec, data: str, split: str = "test") -> datasets.Dataset:
    """The rows of a split, with error messages that name `--data` instead of the options of `lm_eval`.

    Raises:
        UsageError: no such split, nothing there, or rows that cannot be used.
    """
    if split not in SPLITS:
        raise UsageError(f"--split {split}: give one of {', '.join(SPLITS)}")
    name, data = dataset.question.dataset, dataset.data(data)
    files = [f"{folder}/{split}.jsonl" for folder in dict.fromkeys((dataset.folder, name))]
    remedy = f"--data DIR, a folder with {' or '.join(files)}"
    if data == "mini" and not has_mini(name):
        raise UsageError(f"--data mini: there is no mini data of {name}; give {remedy}, or --data hub")
    try:
        return load(dataset, data, split)
    except UsageError as error:
        if str(error).startswith(f"data={data}:"):
            raise UsageError(
                f"--data {data}: no file {Path(data).expanduser() / files[0]}; give {remedy}, or --data hub"
            ) from error
        cause = error.__cause__
        if data != "hub" or cause is None:  # unusable rows: the message already says which
            raise
        reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
        raise UsageError(
            f"cannot read {name} from the hub ({dataset.hub[0]}): {reason}. Check the network, or give {remedy}"
        ) from cause


def check_evaluation(dataset: DatasetSpec, data: str) -> None:
    """Check, before the work, that `faithful-se build` will find the evaluation's texts to keep them apart.

    The hub is asked only if that costs nothing, which is offline. The build may run on a machine that is online, so
    texts that are missing there are only warned about.

    Raises:
        UsageError: the user's folder does not hold them.
    """
    if data == "hub" and not datasets.config.HF_HUB_OFFLINE:
        return
    try:
        load_split(dataset, data)
    except UsageError as error:
        if data != "hub":
            raise
        logger.warning("`faithful-se build` will need the evaluation's texts, to keep them apart: %s", error)


def from_file(
    path: Path,
    question: Question,
    options: Options,
    limit: int | None = None,
    system: str = "",
    labels: LabelOptions | None = None,
    dataset: DatasetSpec | None = None,
) -> Source:
    """Texts of a file whose columns are the question's fields. No gold label is needed.

    The file holds JSON lines, a JSON array, CSV, TSV or Parquet.

    Examples and the texts of a prior are those of `dataset`, whose question it is.

    Raises:
        UsageError: no file, not JSON, an empty file, a missing column. Names file and line.
    """
    spec, documents, complete = _spec(question, options, system), list[Document](), True
    for origin, row in _rows(path):
        if limit is not None and len(documents) >= limit:
            complete = False
            break
        documents.append(_document(row, question, f"{path}: {origin}"))
    if not documents:
        raise UsageError(f"{path}: the file is empty")
    check_segmenter([text for document in documents[:MOST_TEXTS] for text in document.fields.values()], str(path))
    spec, documents = _prepared(spec, _distinct(documents), labels or LabelOptions(), dataset)
    return Source(spec, documents, complete)


def _prepared(
    spec: TaskSpec, documents: list[Document], labels: LabelOptions, dataset: DatasetSpec | None
) -> tuple[TaskSpec, list[Document]]:
    """The task with its examples and the texts of its prior; and the documents that are no examples."""
    if dataset is None:
        if labels.num_fewshot:
            raise UsageError("--num-fewshot takes examples from a dataset's training split: give --tasks")
        if spec.calibrated and spec.options.prior == "texts":
            raise UsageError("--prior texts are those of a dataset's other split: give --tasks, or --prior contextual")
        return spec, documents
    spec, examples = add_examples_and_prior_texts(spec, dataset, labels.num_fewshot, labels.seed)
    kept = [document for document in documents if document.hash not in examples]
    if len(kept) < len(documents):
        logger.warning("%s: %d texts left out, they are examples", dataset.question.dataset, len(documents) - len(kept))
    return spec, kept


def _rows(path: Path) -> Iterator[tuple[str, Any]]:
    """(where, row) of a file. JSON lines in UTF-8 are read one by one: with a limit, the rest may be anything."""
    if not _is_json_lines(path):
        for number, row in enumerate(read_rows(path), 1):
            yield f"row {number}", row
        return
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield f"line {number}", jsonlines.Reader([line], loads=loads).read()
    except (jsonlines.Error, RecursionError) as error:
        if isinstance(error, jsonlines.InvalidLineError) and (problem := line_problem(error)):
            raise UsageError(f"{path}: line {number} {problem}") from error
        raise UsageError(f"{path}: line {number} is not JSON: {FORM}") from error


def _is_json_lines(path: Path) -> bool:
    """Whether a file is to be read line by line: not an array, not packed, not in UTF-16, not of another name."""
    try:
        with path.open("rb") as file:
            start = file.read(1024).removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    named = path.suffix.lower() not in (".csv", ".tsv", ".parquet")
    utf8 = json.detect_encoding(start).startswith("utf-8")
    return named and utf8 and not start.startswith(PACKED) and start.lstrip()[:1] != b"["


def _document(row: Any, question: Question, origin: str) -> Document:
    if not isinstance(row, dict):
        raise UsageError(f"{origin} is {_json_type(row)}: {FORM}")
    for name in question.fields:
        if name not in row:
            columns = ", ".join(column if column.isprintable() else repr(column) for column in row)
            columns = shorten(columns, COLUMNS, placeholder=" …")
            raise UsageError(f"{origin} has no {name} (columns: {columns}): name the text columns with --fields")
        if not isinstance(row[name], str):
            raise UsageError(f"{origin}: {name} is {_json_type(row[name])}: give a text, or leave the line out")
    # JSON can hold a lone surrogate, a UTF-8 file cannot.
    return Document({name: row[name].encode("utf-8", "replace").decode() for name in question.fields})


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    names = {int: "a number", float: "a number", str: "a text", list: "a list", dict: "an object"}
    return names.get(type(value), "null")


def question_of(
    labels: Sequence[str],
    fields: Sequence[str] = ("text",),
    question: str = "",
    name: str = "file",
    language: str | None = None,
) -> Question:
    """A question about the user's own texts; `language` is that of the prompts, English by default.

    Raises:
        UsageError: labels or fields that repeat, fewer than two labels, or a language without prompts.
    """
    language = ENGLISH if language is None else language
    if problem := language_problem(language, None):
        raise UsageError(f"--language {problem}")
    if problem := label_problem(tuple(labels)):
        raise UsageError(f"--labels {problem}")
    if repeated := sorted({field for field in fields if list(fields).count(field) > 1}):
        raise UsageError(f"--fields: the field {', '.join(repeated)} is given twice")
    titles = tuple(field.replace("_", " ").capitalize() for field in fields)
    noun = " and ".join(field.replace("_", " ") for field in fields)
    asked = question or prompts_of(language)["plain_question"]
    return Question(name, noun, asked, tuple(fields), titles, tuple(labels), language=language)


def _spec(question: Question, options: Options, system: str) -> TaskSpec:
    if options.unknown and UNKNOWN in map(str.casefold, question.labels):
        raise UsageError(f'--unknown adds the label "{UNKNOWN}", which the question has already: leave --unknown out')
    return TaskSpec(question, "attribution", "oneword", options, system or None)


def _distinct(documents: Iterable[Document]) -> list[Document]:
    """Documents without repeated texts. A text has one attribution, under its hash."""
    by_hash: dict[str, Document] = {}
    for document in documents:
        by_hash.setdefault(document.hash, document)
    return list(by_hash.values())
