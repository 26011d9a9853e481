"""Reads the parts of a source: a file, a folder of files named by split, a folder of `datasets`, a name on the hub."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets

from faithful_se.errors import UsageError
from lm_eval_tasks.data import COMMIT, hub_commit
from lm_eval_tasks.data_files import FORMATS, PARQUET, files_of_split, is_decodable, read_dataset, read_rows
from lm_eval_tasks.new_tasks.new_dataset import Row
from lm_eval_tasks.new_tasks.settings import SourceSettings

# Names of splits in the wild.
SPLIT_NAMES = {"train": ("train", "training"), "validation": ("validation", "valid", "val", "dev"), "test": ("test",)}

# Rows are held in memory, where they take several times the room of the file.
LARGEST_FILE = 500_000_000

HUB_NAME = re.compile(r"[\w-][\w.-]*(/[\w.-]+)?")


@dataclass(frozen=True)
class Part:
    """Rows of one file or split."""

    rows: list[Row]
    origin: str  # the file or split, for messages
    classes: tuple[str, ...] = ()  # what the codes of the label column stand for, where the source says it
    commit: str = ""  # on the hub


def read_parts(settings: SourceSettings) -> dict[str, Part]:
    """The splits that a source has; a single file is the training split.

    Raises:
        UsageError: nothing there, not readable, too large, or not in its encoding.
    """
    path = Path(settings.source).expanduser()
    for option, value in (("--config", settings.config), ("--revision", settings.revision)):
        if value and path.exists():
            raise UsageError(
                f"{option} {value}: is for a dataset on the hub, and {settings.source} is here: leave it out"
            )
    if path.is_file():
        others = {"test": settings.test, "validation": settings.validation}
        return {"train": read_file(path, settings)} | {
            split: read_file(other.expanduser(), settings) for split, other in others.items() if other
        }
    if settings.test or settings.validation:
        raise UsageError(f"--test and --validation go with one file, and {settings.source} is none: leave them out")
    if path.is_dir():
        if any((path / name).is_file() for name in ("dataset_dict.json", "state.json")):
            return _read_with_datasets(settings, on_disk=True)
        files = {split: _file_of(path, names) for split, names in SPLIT_NAMES.items()}
        parts = {split: read_file(file, settings) for split, file in files.items() if file}
        if not parts:
            endings = ", ".join(f".{name}" for name in FORMATS)
            raise UsageError(f"{path}: holds no file named train or test, with the ending {endings}: name one file")
        return parts
    if path.suffix.lstrip(".").lower() in (*FORMATS, "gz", "txt", "xlsx") or not HUB_NAME.fullmatch(settings.source):
        raise UsageError(f"{settings.source}: there is no such file or folder")
    return _read_with_datasets(settings, on_disk=False)


def _file_of(folder: Path, names: Iterable[str]) -> Path | None:
    return next((file for name in names for file in files_of_split(folder, name)), None)


def read_file(path: Path, settings: SourceSettings) -> Part:
    """The rows of a file.

    Raises:
        UsageError: too large, damaged, or not in its encoding. Names row and column.
    """
    try:
        with path.open("rb") as file:
            is_parquet = file.read(len(PARQUET)) == PARQUET
        size = path.stat().st_size
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    if size > LARGEST_FILE:
        raise UsageError(
            f"{path}: has {size / 1e9:.1f} GB, and rows are held in memory: give a part of at most "
            f"{LARGEST_FILE / 1e9:.1f} GB, such as its first rows"
        )
    if is_parquet:
        rows = read_dataset(path)
        return Part(_as_rows(rows, settings), str(path), _classes(rows, settings.label))
    lines = read_rows(path, settings.encoding, warn=False)
    broken = next(
        ((n, name) for n, row in enumerate(lines, 1) for name, cell in row.items() if "\ufffd" in f"{name}{cell}"), None
    )
    if broken and not is_decodable(path, settings.encoding):
        number, name = broken
        cell = str(lines[number - 1][name]).partition("\ufffd")[0][-20:]
        raise UsageError(
            f"{path}: row {number}: {name}: not in {settings.encoding or 'UTF-8'} after {cell!r}: save the file in "
            "UTF-8, or say what it is in, such as --encoding latin-1"
        )
    return Part(lines, str(path))


def _read_with_datasets(settings: SourceSettings, on_disk: bool) -> dict[str, Part]:
    try:
        if on_disk:
            loaded = datasets.load_from_disk(settings.source)
        else:
            loaded = datasets.load_dataset(settings.source, settings.config or None, revision=settings.revision or None)
    except Exception as error:  # the library raises a dozen kinds
        lines = str(error).strip().splitlines() or [type(error).__name__]
        kind = "a folder of the datasets library" if on_disk else "no file or folder; as a dataset of the hub it"
        raise UsageError(f"{settings.source}: {kind} cannot be read: {lines[0]}") from error
    splits: Mapping[str, Any] = loaded if isinstance(loaded, Mapping) else {"train": loaded}
    named = {split: next((name for name in names if name in splits), "") for split, names in SPLIT_NAMES.items()}
    if not any(named.values()):
        if len(splits) > 1:
            raise UsageError(f"{settings.source}: has the splits {', '.join(splits)}, and none is train or test")
        named["train"] = next(iter(splits))
    return {
        split: Part(
            _as_rows(splits[name], settings),
            f"{settings.source} ({name})",
            _classes(splits[name], settings.label),
            "" if on_disk else _commit(splits[name], settings),
        )
        for split, name in named.items()
        if name
    }


def _commit(rows: datasets.Dataset, settings: SourceSettings) -> str:
    return hub_commit(rows) or (settings.revision if COMMIT.fullmatch(settings.revision) else "")


def _as_rows(rows: datasets.Dataset, settings: SourceSettings) -> list[Row]:
    wanted = dict.fromkeys(name for names in settings.columns.values() for name in names)
    columns = [name for name in wanted if name in rows.column_names]
    # Without these, the message names the columns that there are.
    complete = len(columns) == len(wanted)
    return list(rows.select_columns(columns) if complete else rows.select(range(min(1, len(rows)))))


def _classes(rows: datasets.Dataset, label: str) -> tuple[str, ...]:
    return tuple(getattr(rows.features.get(label), "names", None) or ())
