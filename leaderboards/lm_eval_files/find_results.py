"""Finds lm-eval's files: the results files below some folders, and the samples files that belong to each.

`lm_eval --output_path DIR` writes `results_<date>.json` below DIR. `--output_path DIR/name.json` writes
`name_<date>.json` into DIR. With --log_samples, `samples_<task>_<date>.jsonl` lies beside it. What `simple_evaluate`
returned, written by `json.dump`, has any name and holds its samples itself.
"""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from faithful_se.errors import UsageError
from faithful_se.train_info import TRAIN_INFO
from leaderboards.board import Skipped

DATE = r"\d{4}-\d\d-\d\dT[\d.:-]+"
DATED = re.compile(rf".+_(?P<date>{DATE})\.json")
RESULTS = re.compile(r"results_.+\.json")
SAMPLES = re.compile(rf"samples_(?P<task>.+)_(?P<date>{DATE})\.jsonl")
# JSON files that may lie beside results. Other code reads them.
OTHER_JSON = (TRAIN_INFO, "submission.json", "adapter_config.json")
# Every results file holds these keys. Other JSON files are not parsed.
_RESULTS_KEYS = (b'"results"', b'"configs"', b'"config"')
# Folders of copies: those of editors (.ipynb_checkpoints), of systems, and what people call a backup.
_BACKUP = re.compile(r"\..*|.*~|.*\.(bak|backup|orig|tmp)|__pycache__|__MACOSX|lost\+found|\$RECYCLE\.BIN", re.I)


@dataclass(frozen=True)
class ResultsFile:
    """A results file and the samples files beside it.

    Attributes:
        path: the file.
        date: in its name; "" if there is none.
        samples: task -> samples file of the same date.
        candidates: task -> samples files that may belong to it, where its name has no date.
        sure: whether its name, or the user, says that lm-eval wrote it.
    """

    path: Path
    date: str
    samples: dict[str, Path] = field(default_factory=dict)
    candidates: dict[str, tuple[Path, ...]] = field(default_factory=dict)
    sure: bool = True


@dataclass(frozen=True)
class Search:
    """Results files, and what lies beside them.

    Attributes:
        files: results files.
        skipped: what cannot be used.
        orphans: samples files without a results file of their date.
        foreign: number of JSON files that lm-eval did not write.
        backups: hidden folders and backups that hold results, not read.
    """

    files: tuple[ResultsFile, ...]
    skipped: tuple[Skipped, ...]
    orphans: tuple[Path, ...]
    foreign: int
    backups: tuple[Path, ...]


class _Folder(NamedTuple):
    """Names of the files in a folder, and those that shall be read. `is_named`: the user named the file itself."""

    path: Path
    names: list[str]
    read: list[str]
    is_named: bool = False


def find_results(paths: Sequence[Path]) -> Search:
    """Find all results files below folders, or named, each once, in the order of their names.

    Symbolic links are followed. A folder that is reached twice is read once. Hidden folders and backups below a folder
    are not read, unless named. A file that is named is read whatever its name. What `--output_path DIR/name.json` named
    stands for the files that lm-eval wrote instead.

    Raises:
        UsageError: a path does not exist, a file of samples is named, or there is no results file at all.
    """
    files: dict[str, ResultsFile] = {}
    skipped: list[Skipped] = []
    orphans, backups = list[Path](), list[Path]()
    foreign, visited = 0, set[str]()
    for root in (written for path in paths for written in as_written(path)):
        if not os.path.lexists(root):
            raise UsageError(f"{root}: no such file or folder; give the folder that lm_eval wrote (--output_path)")
        if SAMPLES.fullmatch(root.name) and not root.is_dir():
            raise UsageError(f"{root}: a file of samples; give the results file beside it, or their folder")
        for folder in _walk(root, visited, skipped, backups):
            skipped += _irregular(folder)
            results, n_foreign, unclaimed = _results_in(folder)
            foreign += n_foreign
            orphans += unclaimed
            for file in results:
                files.setdefault(os.path.realpath(file.path), file)
    if not files:
        roots = ", ".join(map(str, paths))
        reason = f"; {skipped[0].path}: {skipped[0].reason}" if skipped else ""
        if backups:
            reason += f"; {backups[0]} was left out, it is hidden or a backup: name it to read it"
        raise UsageError(f"{roots}: no results of lm_eval there; give its --output_path{reason}")
    return Search(tuple(files.values()), tuple(skipped), tuple(orphans), foreign, tuple(backups))


def as_written(path: Path) -> list[Path]:
    """The dated files that lm-eval wrote for `--output_path DIR/name.json`; the path itself where it exists."""
    if path.suffix != ".json" or os.path.lexists(path) or not path.parent.is_dir():
        return [path]
    names = (
        name
        for name in os.listdir(path.parent)
        if (match := DATED.fullmatch(name)) and name == f"{path.stem}_{match['date']}.json"
    )
    return [path.parent / name for name in sorted(names)] or [path]


def _results_in(folder: _Folder) -> tuple[list[ResultsFile], int, list[Path]]:
    """The results files of a folder, the number of other JSON files, and the samples files that no name claims."""
    samples = _samples_by_date(folder.path, folder.names)
    dates = {name: match["date"] for name in folder.names if (match := DATED.fullmatch(name))}
    unclaimed: dict[str, list[Path]] = {}
    for date in samples.keys() - set(dates.values()):
        for task, path in samples[date].items():
            unclaimed.setdefault(task, []).append(path)
    candidates = {task: tuple(sorted(paths)) for task, paths in unclaimed.items()}
    files, foreign = [], 0
    for name in folder.read:
        date, path = dates.get(name, ""), folder.path / name
        if not path.is_file() and not folder.is_named:
            continue
        sure = folder.is_named or bool(RESULTS.fullmatch(name)) or date in samples
        if sure or _may_be_results(path):
            own = {"samples": samples.get(date, {})} if date else {"candidates": candidates}
            files.append(ResultsFile(path, date, **own, sure=sure))
        else:
            foreign += 1
    orphans = [] if folder.is_named else [path for paths in candidates.values() for path in paths]
    return files, foreign, sorted(orphans)


def _irregular(folder: _Folder) -> Iterator[Skipped]:
    """Named pipes, devices and links to nothing with the name of a results or samples file: reading one may hang."""
    for name in folder.names:
        path = folder.path / name
        if (RESULTS.fullmatch(name) or SAMPLES.fullmatch(name)) and not folder.is_named and not path.is_file():
            yield Skipped(str(path), "is no regular file; remove it, or give lm_eval's file")


def _walk(root: Path, visited: set[str], skipped: list[Skipped], backups: list[Path]) -> Iterator[_Folder]:
    """The root and every folder below it."""
    if not root.is_dir():
        # The samples beside a single results file belong to it. Other results files there do not.
        yield _Folder(root.parent, sorted(os.listdir(root.parent)) if root.exists() else [], [root.name], is_named=True)
        return

    def skip(error: OSError) -> None:
        skipped.append(Skipped(str(error.filename), f"folder cannot be read ({error.strerror})"))

    for folder, subfolders, names in os.walk(root, onerror=skip, followlinks=True):
        real = os.path.realpath(folder)
        if real in visited:
            subfolders.clear()
            continue
        visited.add(real)
        hidden = [name for name in subfolders if _BACKUP.fullmatch(name)]
        backups += [path for path in (Path(folder, name) for name in sorted(hidden)) if _holds_results(path)]
        subfolders[:] = sorted(set(subfolders) - set(hidden))
        yield _Folder(Path(folder), sorted(names), [name for name in sorted(names) if _is_read(name)])


def _is_read(name: str) -> bool:
    return name.endswith(".json") and name not in OTHER_JSON and not name.startswith(".")


def _holds_results(folder: Path) -> bool:
    """Whether a results file lies below a folder, by its name."""
    return any(RESULTS.fullmatch(name) or DATED.fullmatch(name) for *_, names in os.walk(folder) for name in names)


def _may_be_results(path: Path) -> bool:
    """Whether a file holds the keys of a results file. It may be large, so it is searched and not parsed."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return all(content.find(key) >= 0 for key in _RESULTS_KEYS)
    except (OSError, ValueError):  # an empty file cannot be mapped
        return False


def _samples_by_date(folder: Path, names: Sequence[str]) -> dict[str, dict[str, Path]]:
    """date -> task -> samples file."""
    samples: dict[str, dict[str, Path]] = {}
    for name in names:
        if (match := SAMPLES.fullmatch(name)) and (folder / name).is_file():
            samples.setdefault(match["date"], {})[match["task"]] = folder / name
    return samples
