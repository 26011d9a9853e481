"""A folder of results: who may write there, files that are whole or absent, the manifest last.

A folder belongs to one model and one set of options. While a run is under way it holds `shards/`; a finished one holds
a file per dataset and `manifest.json`, whose existence means that all is there.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError
from training.runs.lock import only_one
from training.runs.settings import PROMPT, SETTINGS, compare, kind_of, parsed, read_settings

MANIFEST, SHARDS = "manifest.json", "shards"
WRITTEN_AGAIN = "delete the file, and the same command writes it again"


class Store:
    """The folder of a run.

    Args:
        folder: where; made if absent.
        settings: what makes a score or a row what it is (model, options, data). Another run's folder is refused, unless
            that run has left no row; `prompt` takes further datasets.

    Raises:
        UsageError: the folder holds rows of another model or other options, or cannot be written.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder, self.settings = folder, json.loads(json.dumps(settings))

    @contextmanager
    def open(self) -> Iterator[None]:
        """Claim the folder for a block. For one process of a run, before the others look at it."""
        make_folder(self.folder)
        with only_one(self.folder):
            self._claim()
            with _readable(self.folder):
                (self.folder / SHARDS).mkdir(exist_ok=True)
            for left in (self.folder / SHARDS).glob(".*.tmp"):
                left.unlink(missing_ok=True)
            yield

    def _claim(self) -> None:
        path, taken = self.folder / SETTINGS, _taken(self.folder)
        if not path.exists():
            if taken:
                raise UsageError(f"{self.folder}: there is {taken} but no {SETTINGS}: give another --out")
            write_whole(path, [json.dumps(self.settings, indent=1)])
            return
        written = read_settings(self.folder)
        # A run that failed before its first row has made nothing that other settings could be mixed with.
        free = kind_of(self.settings) and kind_of(written)
        if not free or taken or any((self.folder / SHARDS).glob("*.jsonl")):
            compare(self.folder, written, self.settings)
            if PROMPT in self.settings:
                self.settings[PROMPT] = written[PROMPT] | self.settings[PROMPT]
        if written != self.settings:
            write_whole(path, [json.dumps(self.settings, indent=1)])

    def shard(self, dataset: str, name: str) -> Path:
        """Where a shard stands, once it is complete."""
        return self.folder / SHARDS / f"{dataset}-{name}.jsonl"

    def shards(self, dataset: str) -> list[Path]:
        """The shards of a dataset whose name is a digest of 16 digits."""
        wanted = re.compile(rf"{re.escape(dataset)}-[0-9a-f]{{16}}\.jsonl")
        return sorted(path for path in (self.folder / SHARDS).glob("*.jsonl") if wanted.fullmatch(path.name))

    def manifest(self) -> dict[str, Any]:
        """What the manifest says; nothing where there is none, or a damaged one: it is written again."""
        with suppress(OSError):
            told = parsed((self.folder / MANIFEST).read_bytes())
            if told and isinstance(told.get("rows"), dict):
                return {**told, "rows": {name: count for name, count in told["rows"].items() if type(count) is int}}
        return {}

    def finish(self, counts: Mapping[str, int], before: Mapping[str, int]) -> None:
        """Write the manifest, where it does not say so already.

        Args:
            counts: rows of the datasets of this run.
            before: what the manifest said of all; datasets of earlier runs that it did not name are counted.
        """
        known = self.settings.get(PROMPT, {})
        rows = {**{name: count for name, count in before.items() if name in known}, **counts}
        for name in known:
            path = self.folder / f"{name}.jsonl"
            if name not in rows and path.exists():
                with path.open("rb") as lines:
                    rows[name] = sum(1 for _ in lines)
        told = {**self.settings, "rows": dict(sorted(rows.items()))}
        if self.manifest() != told:
            write_whole(self.folder / MANIFEST, [json.dumps(told, indent=1)])

    def tidy(self, datasets: Collection[str]) -> None:
        """Drop the shards of datasets that are finished; those of others are still to be gone on with."""
        for path in (path for name in datasets for path in self.shards(name)):
            path.unlink(missing_ok=True)
        if not any(self.shards(name) for name in self.settings.get(PROMPT, {})):
            shutil.rmtree(self.folder / SHARDS, ignore_errors=True)


def _taken(folder: Path) -> str:
    """A file of somebody else that a run would write over; empty where there is none."""
    found = [*sorted(folder.glob("*.jsonl")), folder / "README.md", folder / MANIFEST]
    return next((path.name for path in found if path.exists()), "")


def read_rows(path: Path, remedy: str = WRITTEN_AGAIN) -> Iterator[dict[str, Any]]:
    """The rows of a file that a command wrote, one a line.

    A line ends with a line feed alone: texts hold other separators (U+2028, U+0085) at which `str.splitlines` cuts.

    Args:
        path: the file.
        remedy: against a line that is no row.

    Raises:
        UsageError: no such file, or a line that is no row. Names file and line.
    """
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                row = parsed(line)
                if row is None:
                    raise UsageError(f"{path}: line {number} is damaged: {remedy}")
                yield row
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error


def make_folder(folder: Path) -> None:
    """Make a folder to write into, where there is none.

    Raises:
        UsageError: it or a folder above it is a file, or there is no right to make it.
    """
    with _readable(folder):
        folder.mkdir(parents=True, exist_ok=True)


def write_whole(path: Path, lines: Iterable[str]) -> None:
    """Write a file that is complete or absent, also after a power cut.

    Raises:
        UsageError: no space left, or no right to write. What was there before is still there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with _readable(path.parent, temporary):
        with temporary.open("w", encoding="utf-8") as file:
            for line in lines:
                file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)


class _readable:  # noqa: N801  reads as a statement
    """Turn the operating system's errors into one line, and leave no half-written file."""

    def __init__(self, folder: Path, temporary: Path | None = None) -> None:
        self.folder, self.temporary = folder, temporary

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None:
            return
        if self.temporary:
            with suppress(OSError):
                self.temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise UsageError(
                    f"{self.folder}: no space left; what is written is whole: free some, and the same command goes on"
                ) from error
            if isinstance(error, FileExistsError | NotADirectoryError):
                raise UsageError(f"{self.folder}: it, or a part of its path, is a file: give a folder") from error
            raise UsageError(
                f"{self.folder}: cannot write: {error.strerror or error}; give a folder that can be written to"
            ) from error
