"""Rows that are there already: found by the hash of their text, in whatever file an earlier run left them.

A shard's name is a digest of its texts, so one that was cut short, emptied or changed is noticed, and its texts are
computed again. A finished file has no such mark: what is damaged in it is for the user to look at.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError
from faithful_se.files import parse_json_object, write_atomic
from faithfulness_metrics.words import seed_of
from training.attribution.folder import AttributionFolder
from training.attribution.sources import Source
from training.runs.folder import MANIFEST

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Where a row stands, and what of it the dataset decides.

    Attributes:
        path: the file.
        at: offset of its line, bytes.
        index: its number in the dataset.
        gold: its label in the dataset.
    """

    path: Path
    at: int
    index: int
    gold: str | None


@dataclass
class Found:
    """The rows of a dataset on disk.

    Attributes:
        places: hash of the text -> where its row stands. Those of the finished file first, in its order.
        finished: lines of the finished file.
        damaged: shards that are not what was written.
    """

    places: dict[str, Place] = field(default_factory=dict)
    finished: int = 0
    damaged: list[Path] = field(default_factory=list)


def shard_name(hashes: Iterable[str]) -> str:
    """The name of the shard of these texts, 16 hex digits."""
    return f"{seed_of(*hashes):016x}"


def find_rows(folder: AttributionFolder, dataset: str) -> Found:
    """The rows of a dataset, in its finished file and in shards.

    Raises:
        UsageError: the finished file is damaged. Names file and line.
    """
    found, path = Found(), folder.path / f"{dataset}.jsonl"
    if path.exists():
        for found.finished, (at, row) in enumerate(_rows(path, dataset), 1):
            if row is None:
                raise UsageError(
                    f"{path}: line {found.finished} is damaged, no whole row of {dataset}: "
                    "delete that line, and the same command computes its text again"
                )
            found.places.setdefault(row["hash"], Place(path, at, row["index"], row.get("gold")))
    for path in folder.shards(dataset):
        rows = list(_rows(path, dataset))
        whole = [(at, row) for at, row in rows if row is not None]
        name = path.stem.removeprefix(f"{dataset}-")
        if len(whole) < len(rows) or shard_name(row["hash"] for _, row in whole) != name:
            found.damaged.append(path)
            continue
        for at, row in whole:
            found.places.setdefault(row["hash"], Place(path, at, row["index"], row.get("gold")))
    return found


def check_found(folder: AttributionFolder, source: Source, found: Found) -> None:
    """Say what is damaged and is computed again.

    Raises:
        UsageError: all texts are other ones: a file of the same name, whose rows would take the place of these.
    """
    for path in found.damaged:
        logger.warning("%s: damaged, its texts are computed again", path)
    count = folder.row_counts().get(source.name)
    if (found.finished or None) != count and (folder.path / MANIFEST).exists():
        logger.warning(
            "%s: %s does not say how many rows there are (%d): it is written again, texts without a row are computed",
            *(folder.path / f"{source.name}.jsonl", MANIFEST, found.finished),
        )
    if source.whole and found.places and not any(document.hash in found.places for document in source.documents):
        raise UsageError(
            f"{folder.path}: none of the {len(found.places)} texts of {source.name} that are done is asked for any "
            "more, it is other text of the same name: give another --out"
        )


def gather(folder: AttributionFolder, source: Source, found: Found) -> int:
    """Put all rows into the finished file, numbered as the dataset is now; the number of rows.

    Rows of texts that the dataset no longer holds go where all of it was read. Where a limit left the rest unread they
    stay, behind the others: they may be there.

    Raises:
        UsageError: a text has no row.
    """
    missing = [document.hash for document in source.documents if document.hash not in found.places]
    if missing:
        raise UsageError(
            f"{folder.path}: the rows of {len(missing)} texts of {source.name} are gone, though they were written "
            f"({missing[0]}, …): has something else changed the folder? The same command computes them again"
        )
    wanted = [
        replace(found.places[document.hash], index=number, gold=document.gold)
        for number, document in enumerate(source.documents)
    ]
    asked = {document.hash for document in source.documents}
    others = sorted((place for key, place in found.places.items() if key not in asked), key=lambda place: place.index)
    if source.whole and others:
        logger.warning("%s: %d rows left out, their texts are not in the dataset any more", source.name, len(others))
    for place in () if source.whole else others:
        # Their own number, unless it is given to another text by now.
        wanted.append(replace(place, index=max(place.index, wanted[-1].index + 1)))
    path = folder.path / f"{source.name}.jsonl"
    if wanted != [place for place in found.places.values() if place.path == path] or len(wanted) != found.finished:
        (folder.path / MANIFEST).unlink(missing_ok=True)
        write_atomic(path, _lines(wanted))
    return len(wanted)


def _rows(path: Path, dataset: str) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """(offset, row) of each line; None for what is no row of the dataset."""
    try:
        with path.open("rb") as lines:
            at = 0
            for line in lines:
                row = parse_json_object(line)
                yield at, row if row is not None and _whole(row, dataset) else None
                at += len(line)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error


def _whole(row: dict[str, Any], dataset: str) -> bool:
    return row.get("dataset") == dataset and isinstance(row.get("hash"), str) and isinstance(row.get("index"), int)


def _lines(places: Sequence[Place]) -> Iterator[str]:
    files: dict[Path, Any] = {}
    try:
        for place in places:
            if place.path not in files:
                if len(files) > 64:  # a hundred thousand texts are a thousand shards: do not keep them all open
                    files.pop(next(iter(files))).close()
                files[place.path] = place.path.open("rb")
            files[place.path].seek(place.at)
            line = files[place.path].readline().decode("utf-8").rstrip("\n")
            row = json.loads(line)
            told = {"index": place.index, "gold": place.gold}
            same = all(row.get(name) == value for name, value in told.items())
            yield line if same else json.dumps({**row, **told}, ensure_ascii=False)
    finally:
        for file in files.values():
            file.close()
