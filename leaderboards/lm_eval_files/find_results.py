"""Finding lm-eval's files: which results files lie in the folders, and which samples belong to them.

lm-eval writes `results_<date>.json` and, with --log_samples, `samples_<task>_<date>.jsonl` beside it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from faithful_se.errors import UsageError
from leaderboards.board import Skipped

RESULTS = re.compile(r"results_(?P<date>.+)\.json")
# Beside the results, and read elsewhere.
OWN = ("train_info.json", "submission.json", "adapter_config.json")
SAMPLES = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT[\d.:-]+)\.jsonl")


@dataclass(frozen=True)
class Found:
    """A results file and the samples beside it.

    Attributes:
        path: of the results file.
        date: as in its name.
        samples: task -> file.
    """

    path: Path
    date: str
    samples: dict[str, Path]


@dataclass(frozen=True)
class Search:
    """What folders hold: results files, unreadable places, and how many JSON files are not lm-eval's."""

    found: tuple[Found, ...]
    skipped: tuple[Skipped, ...]
    foreign: int


def find(paths: Sequence[Path]) -> Search:
    """All results files below the paths, each once, in the order of their names.

    Symbolic links are followed; a folder reached twice is read once.

    Raises:
        UsageError: a path that does not exist, or no results file at all.
    """
    found: dict[Path, Found] = {}
    skipped: list[Skipped] = []
    foreign, seen = 0, set[str]()
    for given in paths:
        if not os.path.lexists(given):
            raise UsageError(f"{given}: no such file or folder; give the folder that lm_eval wrote (--output_path)")
        for folder, names in _walk(given, seen, skipped):
            samples = _samples(folder, names)
            for name in names:
                match = RESULTS.fullmatch(name)
                if match:
                    date, path = match["date"], folder / name
                    beside = samples.pop(date, {})
                    found.setdefault(_real(path), Found(path, date, beside))
                else:
                    foreign += name.endswith(".json") and name not in OWN
            for left in samples.values():
                skipped += [
                    Skipped(str(path), "samples without their results file; copy results_<date>.json beside them")
                    for path in left.values()
                    if given.is_dir()
                ]
    if not found:
        where = ", ".join(str(path) for path in paths)
        why = f"; {skipped[0].path}: {skipped[0].reason}" if skipped else ""
        raise UsageError(f"{where}: no results_*.json of lm_eval in there; give its --output_path{why}")
    return Search(tuple(found.values()), tuple(skipped), foreign)


def _walk(given: Path, seen: set[str], skipped: list[Skipped]) -> Iterator[tuple[Path, list[str]]]:
    if not given.is_dir():
        # The samples beside a single file belong to it, other results files there do not.
        names = sorted(name for name in os.listdir(given.parent) if SAMPLES.fullmatch(name)) if given.exists() else []
        yield given.parent, [given.name, *names]
        return

    def unreadable(error: OSError) -> None:
        skipped.append(Skipped(str(error.filename), f"folder cannot be read ({error.strerror})"))

    for folder, inside, names in os.walk(given, onerror=unreadable, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            inside.clear()
            continue
        seen.add(real)
        inside.sort()
        yield Path(folder), sorted(names)


def _samples(folder: Path, names: Sequence[str]) -> dict[str, dict[str, Path]]:
    """date -> task -> file."""
    samples: dict[str, dict[str, Path]] = {}
    for name in names:
        if match := SAMPLES.fullmatch(name):
            samples.setdefault(match["date"], {})[match["task"]] = folder / name
    return samples


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
