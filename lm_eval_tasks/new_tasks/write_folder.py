"""Writes a dataset as a folder of tasks: declaration, task files, rows, README. The folder is complete or absent."""

from __future__ import annotations

from pathlib import Path

import yaml

from faithful_se.errors import UsageError
from faithful_se.files import atomic_folder, jsonl_line, write_atomic, write_errors_as_usage
from lm_eval_tasks.dataset_index import DECLARATION, reserved_names
from lm_eval_tasks.declaration import SPLITS
from lm_eval_tasks.new_tasks.new_dataset import NewDataset
from lm_eval_tasks.write_tasks import files_of, shared_files

README = """\
# {dataset}

Tasks of [faithful-se](https://arxiv.org/abs/2512.07288), written by `faithful-se new`.

{question} {labels}

Rows: {source}

{counts}

The rows lie beside `_dataset_yaml`, so the folder may be moved. Give the folder that holds it as `--include_path`.
An edit of `_dataset_yaml` has effect at once.
"""


def check_folder(out: Path, dataset: str, overwrite: bool) -> None:
    """Refuse, before the work, a folder of that dataset that is there already.

    Raises:
        UsageError: it is there, and must not be replaced; `out` is a file; or the package has that name.
    """
    if dataset in reserved_names():
        raise UsageError(f"--name {dataset}: the package has a dataset of that name: give another --name")
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out}: is a file: give a folder")
    folder = out / dataset
    if folder.exists() and not overwrite:
        raise UsageError(f"{folder} is there already: give another --name or --out, or --overwrite")
    if folder.exists() and not (folder / DECLARATION).is_file():
        raise UsageError(f"{folder} holds no dataset, and is not replaced: give another --name or --out")


def write_folder(dataset: NewDataset, out: Path) -> Path:
    """Write a dataset below `out`; the folder that holds it. Other datasets below `out` stay.

    Raises:
        UsageError: a disk that is full, or no permission.
    """
    name, declaration = dataset.declaration.dataset, dataset.declaration
    config = yaml.safe_dump(declaration.config(), allow_unicode=True, sort_keys=False, width=1000)
    files = {DECLARATION: config, **files_of(name), "README.md": _readme(dataset)}
    with write_errors_as_usage(out):
        out.mkdir(parents=True, exist_ok=True)
        for file, text in shared_files().items():
            write_atomic(out / file, text)
        with atomic_folder(out / name) as folder:
            for file, text in files.items():
                write_atomic(folder / file, text)
            for split in SPLITS:
                if rows := dataset.splits.get(split):
                    write_atomic(folder / f"{split}.jsonl", map(jsonl_line, rows))
    return out / name


def _readme(dataset: NewDataset) -> str:
    declaration = dataset.declaration
    counts = [f"- {split}: {len(rows)}" for split in SPLITS if (rows := dataset.splits.get(split))]
    return README.format(
        dataset=declaration.dataset,
        question=declaration.question,
        labels=", ".join(declaration.labels),
        source=dataset.source,
        counts="\n".join(counts),
    )
