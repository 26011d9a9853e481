"""Reads all runs below some folders, and records what could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faithful_se.errors import UsageError
from leaderboards.board import Skipped
from leaderboards.lm_eval_files.find_results import find_results
from leaderboards.lm_eval_files.results_file import BrokenError, Run, iso_date, read_results


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
    log.skipped += search.skipped
    runs: list[Run] = []
    foreign_tasks = 0
    for file in search.files:
        try:
            file_runs, foreign = read_results(file)
        except BrokenError as error:
            log.skipped.append(Skipped(str(file.path), f"{error}; run it again, or remove the file"))
            continue
        foreign_tasks += foreign
        runs += [run for run in file_runs if run.date.startswith(iso_date(date))]
    if foreign_tasks:
        log.notes.append(f"{foreign_tasks} results of other tasks than faithful_se are not on the board.")
    if search.foreign:
        log.notes.append(f"{search.foreign} JSON files beside the results are not lm-eval's and were not read.")
    if not runs:
        of_date = f" of {date}" if date else ""
        roots = ", ".join(map(str, paths))
        raise UsageError(f"{roots}: no results of faithful_se tasks{of_date} in there{log.first_reason()}")
    return runs
