"""Reads all runs below some folders, and records what could not be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from faithful_se.errors import UsageError
from leaderboards.board import Skipped
from leaderboards.lm_eval_files.find_results import Search, find_results
from leaderboards.lm_eval_files.large_files import BrokenError
from leaderboards.lm_eval_files.results_file import NoResultsError, Run, iso_date, read_results

# Files that are skipped for one kind of reason and still get a line each.
MOST_OF_A_KIND = 20


@dataclass
class ReadLog:
    """What a reader of the board must know besides the numbers.

    Attributes:
        skipped: files and runs that could not be used.
        notes: sentences.
        bytes_read: size of all samples files.
    """

    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bytes_read: int = 0

    def first_reason(self) -> str:
        """` (file: reason)` of the first skipped file, for an error message; "" if nothing was skipped."""
        return f" ({self.skipped[0].path}: {self.skipped[0].reason})" if self.skipped else ""


def read_runs(paths: Sequence[Path], log: ReadLog, date: str = "") -> list[Run]:
    """Read all faithful_se runs below the paths.

    Args:
        paths: folders, or results files.
        log: receives what could not be read.
        date: beginning of the date of the runs to read, such as "2026-11-23".

    Raises:
        UsageError: there are none.
    """
    search = find_results(paths)
    files = read_files(search)
    log.skipped += [*search.skipped, *files.skipped]
    runs = [run for run in files.runs if run.date.startswith(iso_date(date))]
    log.notes += _notes(files, search)
    if not runs:
        of_date = f" of {date}" if date else ""
        roots = ", ".join(map(str, paths))
        raise UsageError(f"{roots}: no results of faithful_se tasks{of_date} there{log.first_reason()}")
    return runs


def _notes(files: ReadFiles, search: Search) -> Iterator[str]:
    """What was left out, and what is not recorded."""
    if files.foreign_tasks:
        yield f"{files.foreign_tasks} results of other tasks than faithful_se are not on the board."
    if foreign := files.foreign + search.foreign:
        yield f"{foreign} JSON files beside the results are not lm-eval's and were not read."
    if search.backups:
        yield (
            f"{search.backups[0]}: hidden or a backup, so its results were not read"
            f"{f' (and {len(search.backups) - 1} more)' if len(search.backups) > 1 else ''}; name it to read it."
        )
    unknown = dict.fromkeys(run.file for run in files.runs if not run.is_prompt_recorded)
    if unknown:
        yield (
            f"{', '.join(path.name for path in unknown)}: written by json.dump, which does not say whether there was a "
            "chat template or a system instruction; taken for a run with the model's template."
        )
    in_memory = dict.fromkeys(run.file for run in files.runs if run.model.source)
    if len(in_memory) > 1:
        yield (
            f"{', '.join(path.name for path in in_memory)}: of models handed over in memory, which have no name: each "
            'file is a checkpoint; simple_evaluate(model="hf", model_args=…) records a name.'
        )


def grouped(skipped: Iterable[Skipped]) -> list[Skipped]:
    """The same, with one entry for all files that were skipped for one kind of reason, where there are many.

    Reasons are of one kind if they differ in numbers, names and what stands in brackets.
    """
    kinds: dict[str, list[Skipped]] = {}
    for item in skipped:
        kinds.setdefault(re.split(r"[\d([:\"]", item.reason)[0], []).append(item)
    return [
        entry
        for items in kinds.values()
        for entry in (
            items
            if len(items) <= MOST_OF_A_KIND
            else [replace(items[0], reason=f"{items[0].reason} (and {len(items) - 1:,} more files like it)")]
        )
    ]


@dataclass
class ReadFiles:
    """The runs of results files, and what is not among them.

    Attributes:
        skipped: files that could not be read, and samples that belong to none.
        foreign_tasks: number of results of other tasks.
        foreign: number of files that turned out not to be lm-eval's.
        without_runs: files of lm-eval without a faithful_se task.
    """

    runs: list[Run] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    foreign_tasks: int = 0
    foreign: int = 0
    without_runs: list[Path] = field(default_factory=list)


def read_files(search: Search) -> ReadFiles:
    """Read all results files."""
    files = ReadFiles()
    for file in search.files:
        try:
            runs, foreign, broken = read_results(file)
        except NoResultsError as error:
            if file.sure:
                files.skipped.append(Skipped(str(file.path), f"{error}; remove it, or give lm_eval's file"))
            files.foreign += not file.sure
            continue
        except BrokenError as error:
            files.skipped.append(Skipped(str(file.path), f"{error}; run it again, or remove the file"))
            continue
        files.skipped += [Skipped(str(file.path), f"{reason}; run the task again") for reason in broken]
        files.runs += runs
        files.foreign_tasks += foreign
        files.without_runs += [] if runs or broken else [file.path]
    used = {run.samples.path for run in files.runs if run.samples}
    reason = "samples without their results file; copy results_<date>.json beside them"
    files.skipped += [Skipped(str(path), reason) for path in search.orphans if path not in used]
    return files
