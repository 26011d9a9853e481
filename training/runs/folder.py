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
from faithful_se.files import make_folder, parse_json_object, write_atomic, write_errors_as_usage
from training.runs.lock import only_one
from training.runs.settings import PROMPT, SETTINGS, compare, kind_of, read_settings

MANIFEST, SHARDS = "manifest.json", "shards"


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
            with write_errors_as_usage(self.folder):
                (self.folder / SHARDS).mkdir(exist_ok=True)
            for left in (self.folder / SHARDS).glob(".*.tmp"):
                left.unlink(missing_ok=True)
            yield

    def _claim(self) -> None:
        path, taken = self.folder / SETTINGS, _taken(self.folder)
        if not path.exists():
            if taken:
                raise UsageError(f"{self.folder}: there is {taken} but no {SETTINGS}: give another --out")
            write_atomic(path, [json.dumps(self.settings, indent=1)])
            return
        written = read_settings(self.folder)
        # A run that failed before its first row has made nothing that other settings could be mixed with.
        free = kind_of(self.settings) and kind_of(written)
        if not free or taken or any((self.folder / SHARDS).glob("*.jsonl")):
            compare(self.folder, written, self.settings)
            if PROMPT in self.settings:
                self.settings[PROMPT] = written[PROMPT] | self.settings[PROMPT]
        if written != self.settings:
            write_atomic(path, [json.dumps(self.settings, indent=1)])

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
            told = parse_json_object((self.folder / MANIFEST).read_bytes())
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
            write_atomic(self.folder / MANIFEST, [json.dumps(told, indent=1)])

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
