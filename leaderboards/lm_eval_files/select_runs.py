"""Selects the run of each checkpoint that counts: the newest complete one, per task, options and documents.

Runs are compared only if they share a `TaskKey` and their documents. Runs on other documents (`--limit`, another split)
become another column of the board.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from leaderboards.board import Skipped
from leaderboards.lm_eval_files.large_files import BrokenError
from leaderboards.lm_eval_files.recomputed import DIFFERENCES, TOLERANCE, range_of
from leaderboards.lm_eval_files.results_file import Run, TaskKey
from leaderboards.lm_eval_files.samples_file import RATES, Samples, read_samples

# (checkpoint, number of documents) -> runs, newest first. One of them is selected.
Candidates = dict[tuple[int, "int | None"], list[Run]]


@dataclass(frozen=True)
class SelectedRun:
    """The run of a checkpoint that counts, and its documents.

    Attributes:
        checkpoint: index.
        samples: None without --log_samples.
    """

    checkpoint: int
    run: Run
    samples: Samples | None


@dataclass
class Selection:
    """The run of one checkpoint on one task, and what there is to say of its runs.

    Attributes:
        selected: None if no run is usable.
        skipped: runs that were not used.
        oddities: (samples file, what is odd in it).
        bytes_read: size of the samples files.
    """

    selected: SelectedRun | None = None
    skipped: list[Skipped] = field(default_factory=list)
    oddities: list[tuple[str, str]] = field(default_factory=list)
    bytes_read: int = 0


@dataclass(frozen=True)
class TaskRuns:
    """The selected runs of one task: digest of the documents -> the runs on them, at most one per checkpoint."""

    key: TaskKey
    selections: list[Selection]
    by_documents: dict[str, list[SelectedRun]]


def candidates_by_task(runs_of_checkpoints: Iterable[Sequence[Run]]) -> dict[TaskKey, Candidates]:
    """Group the runs of each checkpoint from which one is selected: same task and number of documents.

    A quick run with `--limit` does not replace an older run on all documents: both are shown.
    """
    tasks: dict[TaskKey, Candidates] = {}
    for checkpoint, runs in enumerate(runs_of_checkpoints):
        for run in sorted(runs, key=lambda run: (run.date, str(run.file)), reverse=True):
            tasks.setdefault(run.key, {}).setdefault((checkpoint, run.n), []).append(run)
    return tasks


def select_runs(tasks: Mapping[TaskKey, Candidates], workers: int | None = None) -> Iterator[TaskRuns]:
    """Read one task after the other. Threads read the next task ahead, as polars parses outside of Python's lock."""
    with ThreadPoolExecutor(workers or min(4, os.cpu_count() or 1)) as pool:
        pending: deque[tuple[TaskKey, list[Future[Selection]]]] = deque()
        for key, candidates in tasks.items():
            jobs = [pool.submit(_select_newest, checkpoint, runs) for (checkpoint, _), runs in candidates.items()]
            pending.append((key, jobs))
            if len(pending) > 1:
                yield _collect(*pending.popleft())
        while pending:
            yield _collect(*pending.popleft())


def _collect(key: TaskKey, jobs: Sequence[Future[Selection]]) -> TaskRuns:
    selections = [job.result() for job in jobs]
    selected_runs = [selection.selected for selection in selections if selection.selected]
    by_documents: dict[str, list[SelectedRun]] = {}
    for selected in selected_runs:
        if selected.samples:
            by_documents.setdefault(selected.samples.digest, []).append(selected)
    for selected in selected_runs:
        if not selected.samples:
            # The documents are unknown. If exactly one set of documents has the same size, assume that one.
            n = selected.run.n
            same_size = [digest for digest, runs in by_documents.items() if runs[0].run.n == n]
            digest = same_size[0] if len(same_size) == 1 else f"no samples, n {n}"
            by_documents.setdefault(digest, []).append(selected)
    return TaskRuns(key, selections, by_documents)


def _select_newest(checkpoint: int, runs: list[Run]) -> Selection:
    """Select the newest complete run. Newer, unusable ones are skipped with the reason."""
    selection = Selection()
    problems: list[tuple[str, str]] = []
    for run in runs:
        if run.samples is None:
            if contradictions := reported_contradictions(run):
                problems.append((f"{run.file} ({run.task})", "; ".join(contradictions)))
                continue
            if run.n and "faithful" in run.reported:
                selection.selected = SelectedRun(checkpoint, run, None)
                break
            problems.append((f"{run.file} ({run.task})", "no samples and no mean of faithful"))
            continue
        try:
            samples = read_samples(run.samples)
        except BrokenError as error:
            problems.append((str(run.samples), str(error)))
            continue
        selection.bytes_read += run.samples.path.stat().st_size
        if run.n is not None and len(samples.frame) != run.n:
            problems.append((str(run.samples), f"incomplete: {len(samples.frame)} of {run.n} documents"))
            continue
        oddities = (*samples.problems, *mean_mismatches(run, samples))
        selection.oddities = [(str(run.samples), oddity) for oddity in oddities]
        selection.selected = SelectedRun(checkpoint, run, samples)
        break
    if selection.selected:
        remedy = f"the older run of {selection.selected.run.date} is used"
    else:
        remedy = "run it again with --log_samples"
    selection.skipped = [Skipped(path, f"{reason}; {remedy}") for path, reason in problems]
    return selection


def mean_mismatches(run: Run, samples: Samples) -> list[str]:
    """Where the mean over the samples is not the mean that the results report."""
    mismatches = reported_contradictions(run)
    for name in (*RATES, "lift", "headroom"):
        if name in samples.metrics and name in run.reported:
            mean = samples.frame[name].mean()
            if mean is None or abs(float(mean) - run.reported[name]) > TOLERANCE:  # type: ignore[arg-type]
                computed = "none" if mean is None else f"{mean:.4f}"
                mismatches.append(
                    f"{name} is {computed} in the samples, {run.reported[name]:.4f} in the results; the samples count"
                )
    return mismatches


def reported_contradictions(run: Run) -> list[str]:
    """Which means of the results cannot be true: outside of their range, or a lift that is no difference."""
    reported, contradictions = run.reported, []
    for name, mean in reported.items():
        low, high = range_of(name)
        if not low - TOLERANCE <= mean <= high + TOLERANCE:
            contradictions.append(f"{name} is {mean:.4g} in the results, which these tasks never give")
    for name, (whole, part) in DIFFERENCES.items():
        if {name, whole, part} <= reported.keys() and abs(
            reported[whole] - reported[part] - reported[name]
        ) > TOLERANCE:
            contradictions.append(f"{name} is {reported[name]:.4g} in the results, which is not {whole} - {part}")
    return contradictions


def group_messages(messages: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Group equal messages, given as (file, message): message -> the first file, and how many more there are."""
    files_by_message: dict[str, list[str]] = {}
    for file, message in messages:
        files_by_message.setdefault(message, []).append(file)
    return {
        message: files[0] + (f" (and {len(files) - 1} more)" if len(files) > 1 else "")
        for message, files in files_by_message.items()
    }
