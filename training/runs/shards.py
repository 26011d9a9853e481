"""Folders whose rows are written in shards, so that an interrupted run loses little."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faithful_se.files import write_errors_as_usage
from training.runs.folder import RunFolder, Settings

SHARDS = "shards"


class ShardedFolder(RunFolder[Settings]):
    """A run's folder with `shards/` in it until the run is finished. A shard is complete or absent."""

    results = (*RunFolder.results, f"{SHARDS}/*.jsonl")

    @contextmanager
    def open(self) -> Iterator[None]:
        """See `RunFolder.open`; makes `shards/` and removes what an interrupted run left half-written."""
        with super().open():
            with write_errors_as_usage(self.path):
                (self.path / SHARDS).mkdir(exist_ok=True)
                for unfinished in (self.path / SHARDS).glob(".*.tmp"):
                    unfinished.unlink(missing_ok=True)
            yield

    def shard(self, dataset: str, name: str) -> Path:
        """Path of a shard."""
        return self.path / SHARDS / f"{dataset}-{name}.jsonl"

    def drop_shards(self) -> None:
        """Remove `shards/`: its rows are in the results."""
        shutil.rmtree(self.path / SHARDS, ignore_errors=True)
