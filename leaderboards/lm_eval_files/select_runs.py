"""Runs of one task with one set of options, side by side: which run of a model counts, and which documents it has.

A sheet is what may be compared: same task, version and options. Within it runs are told apart by their documents: those
of other documents (`--limit`, another split) are another column of the board.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from leaderboards import samples
from leaderboards.board import Skipped
from leaderboards.runs import BrokenError, Run
from leaderboards.samples import Samples

Sheet = tuple[str, float, str]

# (row, documents) -> runs, newest first.
Choices = dict[tuple[int, "int | None"], list[Run]]

# The run that is shown, what is wrong with newer ones, what is odd in it, bytes read.
_Newest = tuple["Taken | None", list[Skipped], list[tuple[str, str]], int]


@dataclass(frozen=True)
class Taken:
    """The run of a model that is shown, and its documents; no documents without --log_samples."""

    row: int
    run: Run
    samples: Samples | None


@dataclass
class Reading:
    """One sheet, read: runs by documents, what was left out, and what is odd: (file, what). `size` is in bytes."""

    sheet: Sheet
    columns: dict[str, list[Taken]] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    odd: list[tuple[str, str]] = field(default_factory=list)
    size: int = 0


def sheets_of(rows: Iterable[Sequence[Run]]) -> dict[Sheet, Choices]:
    """sheet -> what to choose one run of each from, newest first: runs of one model over as many documents.

    A quick look with `--limit` does not take the place of an older run on all documents: both are shown.

    Args:
        rows: the runs of each model.
    """
    found: dict[Sheet, Choices] = {}
    for index, runs in enumerate(rows):
        for run in sorted(runs, key=lambda run: (run.date, str(run.file)), reverse=True):
            found.setdefault(run.sheet, {}).setdefault((index, run.n), []).append(run)
    return found


def read_all(sheets: Mapping[Sheet, Choices], workers: int | None = None) -> Iterator[Reading]:
    """The sheets one after the other. The next one is read meanwhile (polars parses outside of Python's lock)."""
    with ThreadPoolExecutor(workers or min(4, os.cpu_count() or 1)) as pool:
        ahead: deque[tuple[Sheet, list[Future[_Newest]]]] = deque()
        for sheet, choices in sheets.items():
            ahead.append((sheet, [pool.submit(_newest, row, runs) for (row, _), runs in choices.items()]))
            if len(ahead) > 1:
                yield _gathered(*ahead.popleft())
        while ahead:
            yield _gathered(*ahead.popleft())


def _gathered(sheet: Sheet, jobs: Sequence[Future[_Newest]]) -> Reading:
    reading = Reading(sheet)
    bare: list[Taken] = []
    for job in jobs:
        taken, skipped, odd, size = job.result()
        reading.skipped += skipped
        reading.odd += odd
        reading.size += size
        if taken and taken.samples is None:
            bare.append(taken)
        elif taken and taken.samples:
            reading.columns.setdefault(taken.samples.digest, []).append(taken)
    for taken in bare:
        # Which documents a run without samples had cannot be known: as many as the others, then presumably theirs.
        same = [digest for digest, its in reading.columns.items() if its[0].run.n == taken.run.n]
        reading.columns.setdefault(same[0] if len(same) == 1 else f"no samples, n {taken.run.n}", []).append(taken)
    return reading


def _newest(row: int, runs: list[Run]) -> _Newest:
    """The newest complete run, what is wrong with newer ones, what is odd in it, and the bytes read."""
    problems: list[tuple[str, str]] = []
    odd: list[tuple[str, str]] = []
    taken, size = None, 0
    for run in runs:
        if run.samples is None:
            if run.n and "faithful" in run.reported:
                taken = Taken(row, run, None)
                break
            problems.append((f"{run.file} ({run.task})", "no samples and no mean of faithful"))
            continue
        try:
            read = samples.read(run.samples)
        except BrokenError as error:
            problems.append((str(run.samples), str(error)))
            continue
        size += run.samples.stat().st_size
        if run.n is not None and len(read.frame) != run.n:
            problems.append((str(run.samples), f"incomplete: {len(read.frame)} of {run.n} documents"))
            continue
        odd += [(str(run.samples), what) for what in (*read.problems, *differences(run, read))]
        taken = Taken(row, run, read)
        break
    remedy = f"the older run of {taken.run.date} is used" if taken else "run it again with --log_samples"
    return taken, [Skipped(path, f"{reason}; {remedy}") for path, reason in problems], odd, size


def differences(run: Run, read: Samples) -> list[str]:
    """Where the mean of the samples is not the mean that the results report."""
    told = []
    for name in samples.RATES:
        if name in read.metrics and name in run.reported:
            mean = read.frame[name].mean()
            if mean is None or abs(float(mean) - run.reported[name]) > 1e-6:  # type: ignore[arg-type]
                shown = "none" if mean is None else f"{mean:.4f}"
                told.append(
                    f"{name} is {shown} by the samples, {run.reported[name]:.4f} by the results; the samples count"
                )
    return told


def summed(odd: Sequence[tuple[str, str]]) -> list[str]:
    """What is odd, one line each: with the first file and how many more."""
    places: dict[str, list[str]] = {}
    for path, what in odd:
        places.setdefault(what, []).append(path)
    more = {what: f" (and {len(its) - 1} more files)" if len(its) > 1 else "" for what, its in places.items()}
    return [f"{its[0]}{more[what]}: {what}." for what, its in places.items()]
