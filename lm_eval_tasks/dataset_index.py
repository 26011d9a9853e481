"""Finds the declaration of a dataset by its name: in the package, or below a folder outside it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from faithful_se.errors import UsageError
from lm_eval_tasks import DATASETS
from lm_eval_tasks.dataset_spec import DatasetSpec

DECLARATION = "_dataset_yaml"


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


@lru_cache(maxsize=1)
def reserved_names() -> tuple[str, ...]:
    """Names that no dataset outside the package may have: those of the package, also as folders under `data=DIR`."""
    return tuple(dict.fromkeys((*dataset_names(), *(dataset_spec(name).folder for name in dataset_names()))))


def check_revisions(task: str, metadata: Mapping[str, Any], dataset: str = "") -> None:
    """Refuse, with a `UsageError`, a name that is nearly `<dataset>_revision`: it would pin nothing."""
    known = [f"{name}_revision" for name in (dataset, *dataset_names()) if name]
    for name in map(str, metadata):
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.9)  # code_revision, a model's argument, is at 0.89
        if near and name not in known:
            raise UsageError(f"{task}: --metadata {name}=…: no such option; did you mean {near[0]}?")
