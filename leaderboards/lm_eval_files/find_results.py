"""Finds lm-eval's files: the results files below some folders, and the samples files that belong to each.

lm-eval writes `results_<date>.json` and, with --log_samples, `samples_<task>_<date>.jsonl` beside it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from faithful_se.errors import UsageError
from faithful_se.train_info import TRAIN_INFO
from leaderboards.board import Skipped

RESULTS = re.compile(r"results_(?P<date>.+)\.json")
SAMPLES = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT[\d.:-]+)\.jsonl")
# JSON files that may lie beside results. Other code reads them.
OTHER_JSON = (TRAIN_INFO, "submission.json", "adapter_config.json")


@dataclass(frozen=True)
class ResultsFile:
    """A results file, the date in its name, and the samples files beside it by task."""

    path: Path
    date: str
    samples: dict[str, Path]


@dataclass(frozen=True)
class Search:
    """Results files, what cannot be used, and the number of JSON files that lm-eval did not write."""

    files: tuple[ResultsFile, ...]
    skipped: tuple[Skipped, ...]
    foreign: int


def find_results(paths: Sequence[Path]) -> Search:
    """Find all results files below folders, or named, each once, in the order of their names.

    Symbolic links are followed. A folder that is reached twice is read once.

    Raises:
        UsageError: a path does not exist, or there is no results file at all.
    """
    files: dict[str, ResultsFile] = {}
    skipped: list[Skipped] = []
    foreign, visited = 0, set[str]()
    for root in paths:
        if not os.path.lexists(root):
            raise UsageError(f"{root}: no such file or folder; give the folder that lm_eval wrote (--output_path)")
        for folder, names in _walk(root, visited, skipped):
            samples_by_date = _samples_by_date(folder, names)
            for name in names:
                if match := RESULTS.fullmatch(name):
                    path = folder / name
                    samples = samples_by_date.pop(match["date"], {})
                    files.setdefault(os.path.realpath(path), ResultsFile(path, match["date"], samples))
                else:
                    foreign += name.endswith(".json") and name not in OTHER_JSON
            if root.is_dir():
                skipped += [
                    Skipped(str(path), "samples without their results file; copy results_<date>.json beside them")
                    for orphans in samples_by_date.values()
                    for path in orphans.values()
                ]
    if not files:
        roots = ", ".join(map(str, paths))
        reason = f"; {skipped[0].path}: {skipped[0].reason}" if skipped else ""
        raise UsageError(f"{roots}: no results_*.json of lm_eval in there; give its --output_path{reason}")
    return Search(tuple(files.values()), tuple(skipped), foreign)


def _walk(root: Path, visited: set[str], skipped: list[Skipped]) -> Iterator[tuple[Path, list[str]]]:
    """(folder, sorted names of its files) of the root and everything below it."""
    if not root.is_dir():
        # The samples beside a single results file belong to it. Other results files there do not.
        names = sorted(name for name in os.listdir(root.parent) if SAMPLES.fullmatch(name)) if root.exists() else []
        yield root.parent, [root.name, *names]
        return

    def skip(error: OSError) -> None:
        skipped.append(Skipped(str(error.filename), f"folder cannot be read ({error.strerror})"))

    for folder, subfolders, names in os.walk(root, onerror=skip, followlinks=True):
        real = os.path.realpath(folder)
        if real in visited:
            subfolders.clear()
            continue
        visited.add(real)
        subfolders.sort()
        yield Path(folder), sorted(names)


def _samples_by_date(folder: Path, names: Sequence[str]) -> dict[str, dict[str, Path]]:
    """date -> task -> samples file."""
    samples: dict[str, dict[str, Path]] = {}
    for name in names:
        if match := SAMPLES.fullmatch(name):
            samples.setdefault(match["date"], {})[match["task"]] = folder / name
    return samples
