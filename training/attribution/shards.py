"""Rows on disk: shards written whole or not at all, merged at the end, the manifest last.

A folder belongs to one model and one set of options. While a run is under way it holds `shards/`; a finished one holds
a file per dataset and `manifest.json`, whose existence means that all is there.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lm_eval_tasks.errors import UsageError
from training.alone import only_one

SETTINGS, MANIFEST, SHARDS = "settings.json", "manifest.json", "shards"


class Store:
    """The folder of a run.

    Args:
        folder: where; made if absent.
        settings: what makes a score what it is (model, options, data). Another run's folder is refused.

    Raises:
        UsageError: the folder holds rows of another model or other options, or cannot be written.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder, self.settings = folder, json.loads(json.dumps(settings))

    @contextmanager
    def open(self) -> Iterator[None]:
        """Claim the folder for a block. For one process of a run, before the others look at it."""
        with _readable(self.folder):
            (self.folder / SHARDS).mkdir(parents=True, exist_ok=True)
        with only_one(self.folder):
            for left in (self.folder / SHARDS).glob(".*.tmp"):
                left.unlink(missing_ok=True)
            path = self.folder / SETTINGS
            if path.exists():
                self._compare(json.loads(path.read_text("utf-8")))
            elif taken := _taken(self.folder):
                raise UsageError(f"{self.folder}: there is {taken} but no {SETTINGS}: give another --out")
            else:
                write_whole(path, [json.dumps(self.settings, indent=1)])
            yield

    def _compare(self, written: Mapping[str, Any]) -> None:
        # Another dtype is another model too, and its name says more than a digest.
        for name in sorted({*written, *self.settings}, key=lambda name: (name == "model", name)):
            was, now = written.get(name), self.settings.get(name)
            if was != now:
                if isinstance(was, dict) and isinstance(now, dict):
                    name, was, now = next(
                        (f"{name}.{key}", was.get(key), now.get(key))
                        for key in sorted({*was, *now})
                        if was.get(key) != now.get(key)
                    )
                raise UsageError(
                    f"{self.folder} was begun with {name} = {was!r}, now {now!r}: "
                    "give the same settings or another --out"
                )

    def merged(self, dataset: str) -> set[str]:
        """Hashes of the texts of a dataset in finished files."""
        path = self.folder / f"{dataset}.jsonl"
        return {row["hash"] for row in read_rows(path)} if path.exists() else set()

    def shard(self, dataset: str, name: str) -> Path:
        """Where a shard stands, once it is complete."""
        return self.folder / SHARDS / f"{dataset}-{name}.jsonl"

    def merge(self, dataset: str, shards: Sequence[Path]) -> int:
        """Put finished rows and shards into one file in the order of the dataset; the number of rows."""
        target = self.folder / f"{dataset}.jsonl"
        places: dict[str, tuple[int, Path, int]] = {}
        for path in [*([target] if target.exists() else []), *shards]:
            with path.open("rb") as lines:
                at = 0
                for line in lines:
                    row = json.loads(line)
                    places.setdefault(row["hash"], (row["index"], path, at))
                    at += len(line)
        order = sorted(places.values(), key=lambda place: (place[0], str(place[1]), place[2]))
        write_whole(target, _lines_at(order))
        return len(order)

    def finish(self, counts: Mapping[str, int]) -> None:
        """Write the manifest."""
        for path in self.folder.glob("*.jsonl"):
            counts = {path.stem: sum(1 for _ in path.open("rb")), **counts}
        write_whole(
            self.folder / MANIFEST, [json.dumps({**self.settings, "rows": dict(sorted(counts.items()))}, indent=1)]
        )

    def tidy(self) -> None:
        """Drop the shards of a finished run."""
        if (self.folder / MANIFEST).exists():
            shutil.rmtree(self.folder / SHARDS, ignore_errors=True)


def _taken(folder: Path) -> str:
    """A file of somebody else that a run would write over; empty where there is none."""
    found = [*sorted(folder.glob("*.jsonl")), folder / "README.md", folder / MANIFEST]
    return next((path.name for path in found if path.exists()), "")


def _lines_at(places: Iterable[tuple[int, Path, int]]) -> Iterator[str]:
    files: dict[Path, Any] = {}
    try:
        for _, path, at in places:
            if path not in files:
                if len(files) > 64:  # a hundred thousand texts are a thousand shards: do not keep them all open
                    files.pop(next(iter(files))).close()
                files[path] = path.open("rb")
            files[path].seek(at)
            yield files[path].readline().decode("utf-8").rstrip("\n")
    finally:
        for file in files.values():
            file.close()


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


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
            raise UsageError(f"{self.folder}: cannot write: {error.strerror or error}") from error
