"""Reading a dataset: from the hub, from a folder, or the mini data. Read once a run, however many tasks share it."""

from __future__ import annotations

import difflib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import datasets
import yaml

from faithful_se.errors import UsageError
from faithfulness_metrics.words import words_of
from lm_eval_tasks import DATASETS, LOGGER
from lm_eval_tasks.classification import Question
from lm_eval_tasks.document import Document
from lm_eval_tasks.rationales import READERS

logger = logging.getLogger(LOGGER)


# Written by `python -m training.mini.write_data`; read as files, so that the tasks do not import the training package.
MINI = Path(__file__).parents[1] / "training" / "mini" / "data"


@dataclass(frozen=True)
class DatasetSpec:
    """One dataset, as its YAML declares it.

    Attributes:
        question: what the model is asked.
        folder: name of its folder under `data=DIR`.
        label_column: column of the gold label.
        label_values: code of each label, in label order.
        drop_label_values: codes of rows that are left out (no gold label; classes that are not asked about).
        hub: repository, config and revision on the hub.
        splits: name on the hub of train, validation, test, where it differs.
        labels_column: column of a row's own labels, where they differ from row to row; `label_column` then holds one of
            them, and there are no `label_values`.
        rationale: how the words that people marked are read, a key of `rationales.READERS`; None where nobody did.
    """

    question: Question
    folder: str
    label_column: str
    label_values: tuple[Any, ...]
    drop_label_values: tuple[Any, ...]
    hub: tuple[str, str | None, str | None]
    splits: tuple[tuple[str, str], ...] = ()
    labels_column: str | None = None
    rationale: str | None = None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> DatasetSpec:
        """From the configuration of a task, or of a dataset (`_dataset_yaml`)."""
        told = config["metadata"]["faithful_se"]
        kwargs = config.get("dataset_kwargs") or {}
        return cls(
            question=Question(
                dataset=told["dataset"],
                noun=told["noun"],
                question=told["question"],
                fields=tuple(told["fields"]),
                titles=tuple(told["titles"]),
                labels=tuple(told["labels"]),
            ),
            folder=told["folder"],
            label_column=told["label_column"],
            label_values=tuple(told["label_values"]),
            drop_label_values=tuple(told["drop_label_values"]),
            hub=(config["dataset_path"], config.get("dataset_name"), kwargs.get("revision")),
            splits=tuple((told.get("hub_splits") or {}).items()),
            labels_column=told.get("labels_column"),
            rationale=told.get("rationale"),
        )

    def document(self, row: Mapping[str, Any]) -> Document:
        """A row as the protocol sees it."""
        fields = {name: "" if row[name] is None else str(row[name]) for name in self.question.fields}
        marked = READERS[self.rationale](row, words_of(fields)) if self.rationale else None
        if self.labels_column:
            return Document(fields, row[self.label_column], tuple(row[self.labels_column]), marked)
        return Document(fields, self.question.labels[self.label_values.index(row[self.label_column])], (), marked)


def dataset_spec(name: str) -> DatasetSpec:
    """The dataset of that name, as task names spell it ("snli").

    Raises:
        UsageError: there is no such dataset.
    """
    path = DATASETS / name / "_dataset_yaml"
    if not path.is_file():
        raise UsageError(f"no dataset {name!r}; there are {', '.join(dataset_names())}")
    return DatasetSpec.of(yaml.safe_load(path.read_text(encoding="utf-8")))


@lru_cache(maxsize=1)
def dataset_names() -> tuple[str, ...]:
    """The datasets there are, as task names spell them."""
    return tuple(sorted(path.parent.name for path in DATASETS.glob("*/_dataset_yaml")))


def check_revisions(task: str, metadata: Mapping[str, Any]) -> None:
    """Refuse a name that is nearly `<dataset>_revision`: it would pin nothing.

    Raises:
        UsageError: there is such a name in `metadata`.
    """
    known = [f"{name}_revision" for name in dataset_names()]
    for name in map(str, metadata):
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.9)  # code_revision, a model's argument, is at 0.89
        if near and name not in known:
            raise UsageError(f"{task}: --metadata {name}=…: no such option; did you mean {near[0]}?")


@lru_cache(maxsize=64)
def load(spec: DatasetSpec, data: str, split: str = "test") -> datasets.Dataset:
    """The rows of one split whose label is asked about, checked.

    Args:
        spec: the dataset.
        data: ``hub``, ``mini``, or a folder that holds ``<spec.folder>/<split>.jsonl``, or a folder of the name that
            the tasks call the dataset.
        split: ``train``, ``validation`` or ``test``.

    Raises:
        UsageError: nothing there, a missing column, a label without a verbalizer, no rows left. Names file and row.
    """
    if data == "hub":
        rows, source = _from_hub(spec, split)
    else:
        if data == "mini" and not has_mini(spec.folder):
            raise UsageError(
                f"data=mini: there is no mini data of {spec.question.dataset}. --tasks faithful-se-mini takes the "
                "tasks that have some; the others read the hub or a folder (data=hub, data=DIR)"
            )
        base = MINI if data == "mini" else Path(data).expanduser()
        paths = [base / name / f"{split}.jsonl" for name in dict.fromkeys((spec.folder, spec.question.dataset))]
        path = next(filter(Path.is_file, paths), None)
        if path is None:
            wanted = " or ".join(str(path.relative_to(base)) for path in paths)
            raise UsageError(f"data={data}: no file {paths[0]}: data is hub, mini, or a folder with {wanted}")
        rows, source = _from_file(path), str(path)
    _check_columns(spec, rows.column_names, source)
    _check_texts(spec, rows, source)
    labels = rows[spec.label_column]
    for number, row in enumerate(rows.select_columns(_columns_of_labels(spec))):
        if told := _wrong_label(spec, row):
            raise UsageError(f"{source}: row {number + 1}: {told}")
    kept = [number for number, label in enumerate(labels) if label not in spec.drop_label_values]
    if not kept:
        raise UsageError(f"{source}: no rows with a label that {spec.question.dataset} asks about")
    if len(kept) < len(labels):
        dropped, unwanted = len(labels) - len(kept), f"{spec.label_column} in {list(spec.drop_label_values)}"
        logger.info("%s: %d of %d rows left out: %s", source, dropped, len(labels), unwanted)
        rows = rows.select(kept)
    if spec.rationale and all(spec.document(row).rationale is None for row in rows):
        logger.warning("%s: no row says which words people marked: plausibility is not measured", source)
    return rows


def has_mini(folder: str) -> bool:
    """Whether text of that dataset is shipped with the package."""
    return (MINI / folder).is_dir()


def _columns_of_labels(spec: DatasetSpec) -> list[str]:
    return [spec.label_column, *([spec.labels_column] if spec.labels_column else [])]


def _wrong_label(spec: DatasetSpec, row: Mapping[str, Any]) -> str:
    """What is wrong with the label of a row, in a few words; empty where nothing is."""
    label = row[spec.label_column]
    if spec.labels_column:
        choices = row[spec.labels_column]
        if len({str(choice).casefold() for choice in choices or ()}) < max(2, len(choices or ())):
            return f"{spec.labels_column} is {choices!r}: give two or more, all different"
        return "" if label in choices else f"{spec.label_column} is {label!r}, not one of {', '.join(choices)}"
    if label in (*spec.label_values, *spec.drop_label_values):
        return ""
    codes = (f"{value} ({name})" for value, name in zip(spec.label_values, spec.question.labels, strict=True))
    return f"{spec.label_column} is {label!r}, not one of {', '.join(codes)}"


def _check_columns(spec: DatasetSpec, columns: Sequence[str], source: str) -> None:
    missing = [name for name in (*spec.question.fields, *_columns_of_labels(spec)) if name not in columns]
    if missing:
        raise UsageError(f"{source}: no column {', '.join(missing)} (columns: {', '.join(columns)})")


def _check_texts(spec: DatasetSpec, rows: datasets.Dataset, source: str) -> None:
    """That what a model is shown is text: a list would be shown as Python writes it. null is an empty text."""
    for name in spec.question.fields:
        kind = getattr(rows.features[name], "dtype", None)
        if kind not in ("string", "large_string", "null"):
            raise UsageError(f"{source}: column {name} holds no text ({kind or 'a list'}): give strings")


def _from_hub(spec: DatasetSpec, split: str) -> tuple[datasets.Dataset, str]:
    path, name, revision = spec.hub
    source = f"{path} ({name}, revision {revision}) on the hub"
    try:
        rows = datasets.load_dataset(path, name, split=dict(spec.splits).get(split, split), revision=revision)
    except Exception as error:  # the hub's client raises a dozen kinds; each means: not to be had
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UsageError(
            f"cannot read {source}: {first}. Check the network and the revision "
            f"(--metadata {spec.question.dataset}_revision=…), or read a folder with --metadata data=DIR"
        ) from error
    return rows, source


def _writable(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _from_file(path: Path) -> datasets.Dataset:
    rows, mended = [], 0
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise UsageError(f"{path}: line {number} is not JSON: {error.msg} at column {error.colno}") from error
            if not isinstance(row, dict):
                raise UsageError(f"{path}: line {number} is not a JSON object")
            # A lone surrogate can be written in JSON but in no file: it would lose the run's results at the very end.
            clean = {key: _writable(value) for key, value in row.items()}
            mended += clean != row or "\ufffd" in line
            rows.append(clean)
    if not rows:
        raise UsageError(f"{path}: the file is empty")
    if mended:
        logger.warning("%s: %d rows hold broken characters, shown as '?' or U+FFFD: is it UTF-8?", path, mended)
    columns = dict.fromkeys(key for row in rows for key in row)
    for name in columns:
        bare = next((number for number, row in enumerate(rows, 1) if name not in row), None)
        if bare:
            raise UsageError(f"{path}: row {bare} has no column {name}, other rows have")
    try:
        return datasets.Dataset.from_list(rows)
    except Exception as error:  # pyarrow: values of different kinds in one column
        told = _mixed(rows, list(columns)) or str(error).splitlines()[0]
        raise UsageError(f"{path}: {told}") from error


def _mixed(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Where a column begins to hold another kind of value; empty where none does."""
    for name in columns:
        first: tuple[int, str] | None = None
        for number, row in enumerate(rows, 1):
            if row[name] is None:
                continue
            kind = type(row[name]).__name__
            if first is None:
                first = number, kind
            elif kind != first[1] and {kind, first[1]} != {"int", "float"}:
                return f"row {number}: {name} is {row[name]!r} ({kind}), in row {first[0]} it is a {first[1]}"
    return ""
