"""The rows of a dataset: from the hub, a folder, the shipped mini data, or the folder of the declaration itself.

`dataset_spec.py` holds what a dataset is, `dataset_index.py` finds its declaration. Both are also importable from here.
"""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from pathlib import Path

import datasets

from faithful_se.errors import UsageError
from lm_eval_tasks import DATASETS, LOGGER
from lm_eval_tasks.data_checks import check_rows
from lm_eval_tasks.data_files import files_of_split, is_delimited, read_dataset
from lm_eval_tasks.dataset_index import (
    DECLARATION,
    check_revisions,
    dataset_names,
    dataset_spec,
    external_datasets,
    read_declaration,
)
from lm_eval_tasks.dataset_spec import OWN, DatasetSpec, Rationale
from lm_eval_tasks.delimited import with_codes

__all__ = [
    "COMMIT",
    "DECLARATION",
    "OTHER_FORMATS",
    "OWN",
    "DatasetSpec",
    "Rationale",
    "check_revisions",
    "dataset_names",
    "dataset_spec",
    "external_datasets",
    "has_mini",
    "hub_commit",
    "load",
    "read_declaration",
]

logger = logging.getLogger(LOGGER)

# What a folder may hold instead of JSON lines.
OTHER_FORMATS = "the ending may also be .json, .csv, .tsv or .parquet, and .gz behind it"

COMMIT = re.compile(r"[0-9a-f]{40}")


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
    if path == "none":
        raise UsageError(
            f"{spec.question.dataset} is on no hub, and there is no {split}.jsonl beside its declaration: put it "
            "there, or give data=DIR"
        )
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
