"""The datasets: how each is declared, and where its rows come from.

That is the hub, a folder, the shipped mini data, or the folder of the declaration itself.
"""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import datasets
import yaml

from faithful_se.errors import UsageError
from faithfulness_metrics.words import words_of
from lm_eval_tasks import DATASETS, LOGGER
from lm_eval_tasks.choices import LETTERS, ChoiceColumns
from lm_eval_tasks.classification import Question
from lm_eval_tasks.data_checks import check_rows
from lm_eval_tasks.data_files import files_of_split, is_delimited, read_dataset
from lm_eval_tasks.declaration import check_declaration
from lm_eval_tasks.delimited import with_codes
from lm_eval_tasks.document import Document
from lm_eval_tasks.label_reading.names import read_synonyms
from lm_eval_tasks.languages import ENGLISH
from lm_eval_tasks.options import OF_CHOICES, Options
from lm_eval_tasks.rationales import READERS

logger = logging.getLogger(LOGGER)

# What a folder may hold instead of JSON lines.
OTHER_FORMATS = "the ending may also be .json, .csv, .tsv or .parquet, and .gz behind it"

# Positions of the words that people marked; None where nobody did.
Rationale = tuple[int, ...] | None

COMMIT = re.compile(r"[0-9a-f]{40}")

# The value of `data` for rows that lie beside the declaration.
OWN = "own"
DECLARATION = "_dataset_yaml"


@dataclass(frozen=True)
class DatasetSpec:
    """One dataset, as its YAML declares it."""

    question: Question  # what the model is asked
    folder: str  # name of its folder under `data=DIR`
    label_column: str  # column of the gold label
    label_values: tuple[Any, ...]  # code of each label, in label order
    # codes of rows to leave out: no gold label, or a class that the question does not offer
    drop_label_values: tuple[Any, ...]
    hub: tuple[str, str | None, str | None]  # repository, config and revision on the hub
    splits: tuple[tuple[str, str], ...] = ()  # name on the hub of train, validation, test, where it differs
    # where a row's own choices are (multiple choice). `label_column` then says which is right, and `label_values` is
    # empty
    choices: ChoiceColumns | None = None
    # how to read the words that people marked, a key of `rationales.READERS`; None where nobody did
    rationale: str | None = None
    home: str = ""  # the folder of the declaration, where rows lie beside it

    @classmethod
    def from_config(cls, config: Mapping[str, Any], where: str = "", home: str | Path = "") -> DatasetSpec:
        """Read the configuration of a task, or of a dataset (`_dataset_yaml`).

        `where` is the file or task that messages name; by default the task. `home` is the folder that it is in.

        Raises:
            UsageError: a mistake in the declaration.
        """
        check_declaration(where or str(config.get("task", "the task")), config)
        declared = config["metadata"]["faithful_se"]
        kwargs = config.get("dataset_kwargs") or {}
        return cls(
            question=Question(
                dataset=declared["dataset"],
                noun=declared["noun"],
                question=declared["question"],
                fields=tuple(declared["fields"]),
                titles=tuple(declared["titles"]),
                labels=tuple(declared.get("labels") or ()),
                synonyms=read_synonyms(declared),
                words_of=Options.words_of if declared.get("choices") else "",
                language=declared.get("language", ENGLISH),
                prompts=tuple((declared.get("prompts") or {}).items()),
                answers=tuple((key, tuple(values)) for key, values in (declared.get("answers") or {}).items()),
            ),
            folder=declared["folder"],
            label_column=declared["label_column"],
            label_values=tuple(declared.get("label_values") or ()),
            drop_label_values=tuple(declared["drop_label_values"]),
            hub=(config["dataset_path"], config.get("dataset_name"), kwargs.get("revision")),
            splits=tuple((declared.get("hub_splits") or {}).items()),
            choices=ChoiceColumns.from_declaration(declared),
            rationale=declared.get("rationale"),
            home=str(Path(home).resolve()) if home and files_of_split(Path(home), "test") else "",
        )

    @property
    def has_rationales(self) -> bool:
        """Whether people marked words of the text. They marked none of the choices."""
        return bool(self.rationale) and self.question.words_of != "choices"

    def data(self, wanted: str) -> str:
        """Where the rows are: as wanted, or ``own`` where they lie beside the declaration.

        A folder that is wanted, and that holds this dataset, has precedence.
        """
        if not self.home or (wanted not in ("hub", "mini", OWN) and any(map(Path.is_dir, self.folders(wanted)))):
            return wanted
        return OWN

    def folders(self, data: str) -> list[Path]:
        """Where the files of the splits may be, in order of precedence; `data` is a folder, or ``own``."""
        if data == OWN and self.home:
            return [Path(self.home)]
        return [Path(data).expanduser() / name for name in dict.fromkeys((self.folder, self.question.dataset))]

    def document(self, row: Mapping[str, Any]) -> Document:
        """The document that a row holds."""
        fields = {name: "" if row[name] is None else str(row[name]) for name in self.question.fields}
        rationale = READERS[self.rationale](row, words_of(fields)) if self.rationale else None
        if self.choices:
            return self._with_choices(fields, row, rationale)
        return Document(fields, self.question.labels[self.label_values.index(row[self.label_column])], (), rationale)

    def _with_choices(self, fields: dict[str, str], row: Mapping[str, Any], rationale: Rationale) -> Document:
        assert self.choices is not None
        texts, words_of_ = list(map(str, self.choices.texts(row))), self.question.words_of
        choices = dict(zip(LETTERS, texts, strict=False))
        labels = tuple(texts) if self.question.answer_with == "text" else tuple(choices)
        place = self.choices.place(row, row[self.label_column])
        gold = None if place is None else labels[place]
        if words_of_ == "question":
            return Document(fields, gold, labels, rationale, context=choices)
        if words_of_ == "choices":  # the words that people marked are those of the question
            return Document(choices, gold, labels, None, context=fields)
        return Document({**fields, **choices}, gold, labels, rationale)

    def with_options(self, options: Options) -> DatasetSpec:
        """The dataset as the options ask about it: whose words count in multiple choice, and what its labels are.

        Raises:
            UsageError: an option of multiple choice, and the dataset's labels are the same in all rows.
        """
        if self.choices:
            question = replace(self.question, words_of=options.words_of, answer_with=options.answer_with)
            return replace(self, question=question)
        for name in OF_CHOICES:
            if (value := getattr(options, name)) != getattr(Options, name):
                raise UsageError(
                    f"{self.question.dataset}: {name}={value} is for multiple choice, whose labels are the row's own: "
                    "leave it out"
                )
        return self


def dataset_spec(name: str, include_path: str | Path = "") -> DatasetSpec:
    """The dataset of that name, as task names spell it ("snli").

    Args:
        name: the name.
        include_path: a folder of datasets outside the package, which are looked through first; as lm-eval has it.

    Raises:
        UsageError: no such dataset, or a mistake in its declaration.
    """
    external = external_datasets(include_path) if include_path else {}
    path = external.get(name, DATASETS / name / DECLARATION)
    if not path.is_file():
        where = f" in {include_path}" if include_path else ""
        hint = "" if include_path else "; --include_path FOLDER finds those outside the package"
        known = ", ".join([*external, *dataset_names()])
        raise UsageError(f"no dataset {name!r}{where}; there are {known}{hint}")
    return _read_spec(path)


@lru_cache(maxsize=64)
def _read_spec(path: Path) -> DatasetSpec:
    return DatasetSpec.from_config(read_declaration(path), str(path), path.parent)


def external_datasets(include_path: str | Path) -> dict[str, Path]:
    """The datasets below a folder: name -> declaration.

    Raises:
        UsageError: no such folder, no dataset in it, or two of the same name.
    """
    folder = Path(include_path).expanduser()
    if not folder.is_dir():
        raise UsageError(f"--include_path {include_path}: there is no such folder")
    paths: dict[str, Path] = {}  # by name
    for path in sorted(folder.resolve().rglob(DECLARATION)):
        metadata = read_declaration(path).get("metadata")
        declared = metadata.get("faithful_se") if isinstance(metadata, dict) else None
        name = str(declared.get("dataset")) if isinstance(declared, dict) else path.parent.name
        if name in paths:
            raise UsageError(f"--include_path {include_path}: {paths[name]} and {path} are both {name}: remove one")
        paths[name] = path
    if not paths:
        raise UsageError(f"--include_path {include_path}: holds no dataset; `faithful-se new` writes such folders")
    return paths


def read_declaration(path: Path) -> dict[str, Any]:
    """What a `_dataset_yaml` holds; a `UsageError` where it is no YAML, or no mapping."""
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"{path}: cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(config, dict):
        raise UsageError(f"{path}: is empty, or no mapping from keys to values")
    return config


@lru_cache(maxsize=1)
def dataset_names() -> tuple[str, ...]:
    """The names of all datasets, as task names spell them."""
    return tuple(sorted(path.parent.name for path in DATASETS.glob(f"*/{DECLARATION}")))


def check_revisions(task: str, metadata: Mapping[str, Any], dataset: str = "") -> None:
    """Refuse, with a `UsageError`, a name that is nearly `<dataset>_revision`: it would pin nothing."""
    known = [f"{name}_revision" for name in (dataset, *dataset_names()) if name]
    for name in map(str, metadata):
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.9)  # code_revision, a model's argument, is at 0.89
        if near and name not in known:
            raise UsageError(f"{task}: --metadata {name}=…: no such option; did you mean {near[0]}?")


@lru_cache(maxsize=64)
def load(spec: DatasetSpec, data: str, split: str = "test") -> datasets.Dataset:
    """Read and check one split, without the rows that `drop_label_values` names. A run reads each split once.

    `data` is ``hub``, ``mini`` or a folder. A folder holds ``<spec.folder>/<split>.jsonl`` (or another of `FORMATS`),
    or a folder with the name that the tasks give the dataset. Rows beside the declaration: see `DatasetSpec.data`.
    `split` is ``train``, ``validation`` or ``test``.

    Raises:
        UsageError: no such file, a missing column, a label that is not declared, or no rows left. Names file and row.
    """
    data = spec.data(data)
    if data == "hub":
        rows, source = _load_from_hub(spec, split)
    else:
        path = _mini_path(spec, split) if data == "mini" else _path_in_folder(spec, data, split)
        rows, source = read_dataset(path), str(path)
        if is_delimited(path):
            rows = with_codes(spec, rows, source)
    check_rows(spec, rows, source)
    labels = rows[spec.label_column]
    indices = [index for index, label in enumerate(labels) if label not in spec.drop_label_values]
    if not indices:
        raise UsageError(f"{source}: no rows with a label that {spec.question.dataset} asks about")
    if len(indices) < len(labels):
        dropped, reason = len(labels) - len(indices), f"{spec.label_column} in {list(spec.drop_label_values)}"
        logger.info("%s: %d of %d rows left out: %s", source, dropped, len(labels), reason)
        rows = rows.select(indices)
    if spec.has_rationales and all(spec.document(row).rationale is None for row in rows):
        logger.warning("%s: no row says which words people marked: plausibility is not measured", source)
    return rows


def has_mini(dataset: str) -> bool:
    """Whether the package ships mini data of that dataset."""
    return (DATASETS / dataset / "mini").is_dir()


def _mini_path(spec: DatasetSpec, split: str) -> Path:
    if not has_mini(spec.question.dataset):
        raise UsageError(
            f"data=mini: there is no mini data of {spec.question.dataset}. --tasks faithful-se-mini takes the "
            "tasks that have some; the others read the hub or a folder (data=hub, data=DIR)"
        )
    return DATASETS / spec.question.dataset / "mini" / f"{split}.jsonl"


def _path_in_folder(spec: DatasetSpec, data: str, split: str) -> Path:
    folders = spec.folders(data)
    for folder in folders:
        if paths := files_of_split(folder, split):
            if len(paths) > 1:
                logger.warning("%s is read, and not %s", paths[0], ", ".join(path.name for path in paths[1:]))
            return paths[0]
    if data == OWN and not spec.home:
        raise UsageError(f"data=own: {spec.question.dataset} has no rows beside its declaration: give data=DIR, or hub")
    files = [f"{split}.jsonl" if data == OWN else f"{folder.name}/{split}.jsonl" for folder in folders]
    others = sorted(path.name for folder in folders if folder.is_dir() for path in folder.glob(f"{split}*"))
    there = f" ({', '.join(others)} is there, and not read)" if others else ""
    raise UsageError(
        f"data={data}: no file {folders[0] / f'{split}.jsonl'}{there}: data is hub, mini, or a folder with "
        f"{' or '.join(files)}" + (f"; {OTHER_FORMATS}" if others else "")
    )


def _load_from_hub(spec: DatasetSpec, split: str) -> tuple[datasets.Dataset, str]:
    path, name, revision = spec.hub
    option = f"--metadata {spec.question.dataset}_revision=…"
    source = f"{path} ({name}, revision {revision}) on the hub"
    try:
        rows = datasets.load_dataset(path, name, split=dict(spec.splits).get(split, split), revision=revision)
    except Exception as error:  # the hub's client raises a dozen kinds, all for a dataset that cannot be read
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise UsageError(
            f"cannot read {source}: {lines[0]}. Check the network and the revision "
            f"({option}), or read a folder with --metadata data=DIR"
        ) from error
    if not COMMIT.fullmatch(str(revision)):
        branch = revision or "the default branch"
        logger.warning("%s is not pinned: %s can change. Pin a commit with %s", source, branch, option)
    return rows, source


def hub_commit(rows: datasets.Dataset) -> str | None:
    """The commit of the hub that rows were read from; None for rows of a file.

    `datasets` keeps a split of the hub in a cache folder that is named after its commit.
    """
    folders = [Path(file["filename"]).parent.name for file in rows.cache_files]
    return next(filter(COMMIT.fullmatch, folders), None)
