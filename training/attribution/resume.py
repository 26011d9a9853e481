"""Resumes a run: finds rows on disk by the hash of their text, and merges them into the finished files.

A shard's name is a digest of its texts. So a shard that was truncated, emptied or changed is noticed, and its texts are
computed again. A finished file has no such mark: the user must look at damage in it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from faithful_se.errors import UsageError
from faithful_se.files import jsonl_line, parse_json_object, write_atomic
from faithfulness_metrics.words import seed_of
from training.attribution.folder import AttributionFolder
from training.attribution.inputs import Source
from training.runs.artefacts import words_problem
from training.runs.folder import MANIFEST

logger = logging.getLogger(__name__)

# A hundred thousand texts are a thousand shards, which are not opened all at once.
MAX_OPEN_FILES = 64


@dataclass(frozen=True)
class RowLocation:
    """Where a row is on disk, and its fields that depend on the dataset as a whole."""

    path: Path
    offset: int  # of its line, bytes
    index: int  # its number in the dataset
    gold: str | None  # its label in the dataset


@dataclass
class RowsOnDisk:
    """The rows of a dataset on disk."""

    # Hash of the text -> where its row is. Those of the finished file come first, in its order.
    locations: dict[str, RowLocation] = field(default_factory=dict)
    finished: int = 0  # lines of the finished file
    damaged: list[Path] = field(default_factory=list)  # shards that do not hold what was written

    def add(self, path: Path, offset: int, row: Mapping[str, Any]) -> None:
        """Add a row, unless there is one of its text."""
        self.locations.setdefault(row["hash"], RowLocation(path, offset, row["index"], row.get("gold")))


def shard_name(hashes: Iterable[str]) -> str:
    """The name of the shard of these texts, 16 hex digits."""
    return f"{seed_of(*hashes):016x}"


def find_rows(folder: AttributionFolder, dataset: str) -> RowsOnDisk:
    """The rows of a dataset, in its finished file and in shards.

    Raises:
        UsageError: the finished file is damaged. Names file and line.
    """
    rows, path = RowsOnDisk(), folder.path / f"{dataset}.jsonl"
    if path.exists():
        for rows.finished, (offset, row) in enumerate(_read_rows(path, dataset), 1):
            if row is None:
                raise UsageError(
                    f"{path}: line {rows.finished} is damaged, it is no complete row of {dataset}: "
                    "delete that line, and the same command computes its text again"
                )
            rows.add(path, offset, row)
    for path in folder.shards(dataset):
        lines = list(_read_rows(path, dataset))
        intact = [(offset, row) for offset, row in lines if row is not None]
        name = path.stem.removeprefix(f"{dataset}-")
        if len(intact) < len(lines) or shard_name(row["hash"] for _, row in intact) != name:
            rows.damaged.append(path)
            continue
        for offset, row in intact:
            rows.add(path, offset, row)
    return rows


def report_damage(folder: AttributionFolder, source: Source, rows: RowsOnDisk) -> None:
    """Log what is damaged and will be computed again.

    Raises:
        UsageError: none of the rows is of these texts, so those of others would be lost.
    """
    for path in rows.damaged:
        logger.warning("%s: damaged, its texts are computed again", path)
    count = folder.row_counts().get(source.name)
    if (rows.finished or None) != count and (folder.path / MANIFEST).exists():
        logger.warning(
            "%s: %s does not give its number of rows (%d): it is written again, texts without a row are computed",
            *(folder.path / f"{source.name}.jsonl", MANIFEST, rows.finished),
        )
    hashes = {document.hash for document in source.documents}
    if source.complete and rows.locations and hashes.isdisjoint(rows.locations):
        raise UsageError(
            f"{folder.path}: none of the {len(rows.locations)} finished texts of {source.name} is in the data now: "
            "these are other texts of the same name; give another --out"
        )


def merge_rows(folder: AttributionFolder, source: Source, rows: RowsOnDisk) -> int:
    """Write all rows into the finished file, numbered as the dataset is now.

    Where the whole dataset was read, rows of other texts are left out. Where a limit left texts unread, such rows stay,
    after the others: their texts may be among the unread ones.

    Returns:
        The number of rows.

    Raises:
        UsageError: a text has no row.
    """
    hashes = [document.hash for document in source.documents]
    if missing := [text for text in hashes if text not in rows.locations]:
        raise UsageError(
            f"{folder.path}: the rows of {len(missing)} texts of {source.name} were written, but they are no longer "
            f"there ({missing[0]}, …): has something else changed the folder? The same command computes them again"
        )
    merged = [
        replace(rows.locations[document.hash], index=number, gold=document.gold)
        for number, document in enumerate(source.documents)
    ]
    current = set(hashes)
    others = [location for text, location in rows.locations.items() if text not in current]
    if source.complete and others:
        logger.warning("%s: %d rows left out, their texts are no longer in the dataset", source.name, len(others))
    for location in () if source.complete else sorted(others, key=lambda location: location.index):
        # They keep their number, unless another text has it now.
        merged.append(replace(location, index=max(location.index, merged[-1].index + 1)))
    path = folder.path / f"{source.name}.jsonl"
    finished = [location for location in rows.locations.values() if location.path == path]
    if merged != finished or len(merged) != rows.finished:
        (folder.path / MANIFEST).unlink(missing_ok=True)
        write_atomic(path, _renumbered_lines(merged))
    return len(merged)


def _read_rows(path: Path, dataset: str) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """(offset, row) of each line; None for a line that is no row of the dataset.

    Raises:
        UsageError: the file cannot be read, or a version with other words wrote it.
    """
    try:
        with path.open("rb") as lines:
            offset = 0
            for line in lines:
                row = parse_json_object(line) or {}
                intact = isinstance(row.get("hash"), str) and isinstance(row.get("index"), int)
                if intact and row.get("words") and (problem := words_problem(row)):
                    raise UsageError(f"{path}: {row['hash']}: {problem}")
                yield offset, row if intact and row.get("dataset") == dataset else None
                offset += len(line)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error


def _renumbered_lines(locations: Sequence[RowLocation]) -> Iterator[str]:
    files: dict[Path, BinaryIO] = {}
    try:
        for location in locations:
            path, index, gold = location.path, location.index, location.gold
            if path not in files:
                if len(files) > MAX_OPEN_FILES:
                    files.pop(next(iter(files))).close()
                files[path] = path.open("rb")
            files[path].seek(location.offset)
            line = files[path].readline().decode("utf-8").rstrip("\n")
            row = json.loads(line)
            unchanged = (row["index"], row.get("gold")) == (index, gold)
            yield line if unchanged else jsonl_line({**row, "index": index, "gold": gold})
    finally:
        for file in files.values():
            file.close()
