"""Two models on the documents that both have: the numbers of `faithful-se compare`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from faithful_se.transcript import Transcript
from leaderboards.analysis.aggregate import mean_gain
from leaderboards.analysis.base_comparison import compare_with_base, holm_adjust
from leaderboards.analysis.task_columns import TaskColumn, name_columns
from leaderboards.analysis.task_results import TaskResult, task_results
from leaderboards.board import BaseComparison, Estimate, Settings
from leaderboards.checkpoints.find_bases import dtype_note
from leaderboards.lm_eval_files.option_defaults import with_defaults
from leaderboards.lm_eval_files.results_file import DATA_FOLDER, Run, TaskKey
from leaderboards.lm_eval_files.samples_file import read_transcripts
from leaderboards.lm_eval_files.select_runs import SelectedRun, candidates_by_task, group_messages, select_runs
from leaderboards.number_format import counted


class Side(NamedTuple):
    """One of the two models: its name and its runs."""

    name: str
    runs: Sequence[Run]


@dataclass(frozen=True)
class Behaviour:
    """What one side said about a document: the words it named, and its labels before and after the perturbation.

    A label is None where it could not be read; `after` also where the explanation is not valid, so nothing was `asked`.
    """

    words: tuple[str, ...]
    prediction: str | None
    after: str | None
    asked: bool = True


@dataclass(frozen=True)
class Changed:
    """A document on which only one side is faithful.

    Attributes:
        key: doc_hash.
        faithful: "A" or "B".
        text: the fields, joined.
        a, b: what each side said.
    """

    key: str
    faithful: str
    text: str
    a: Behaviour
    b: Behaviour


@dataclass(frozen=True)
class Pair:
    """One task on both sides.

    Attributes:
        n_a, n_b: documents of each side; `versus.n` is the number of shared documents.
        a, b: metric -> Estimate on the shared documents.
        differ: shared documents on which any metric differs. Between two runs of one model this is the noise.
        versus: B minus A. `only_checkpoint` counts documents on which only B is faithful.
        changed: some of the documents on which only one side is faithful.
        not_measurable_a, not_measurable_b: why `faithful` and `lift` of a side cannot be measured, and what to do; ""
            where they can.
    """

    task: str
    n_a: int
    n_b: int
    a: dict[str, Estimate]
    b: dict[str, Estimate]
    differ: int
    versus: BaseComparison
    changed: tuple[Changed, ...]
    not_measurable_a: str = ""
    not_measurable_b: str = ""


@dataclass(frozen=True)
class Comparison:
    """All tasks of both sides, the mean gain over tasks, and notes on what could not be compared."""

    a: str
    b: str
    pairs: tuple[Pair, ...]
    mean: Estimate | None
    notes: tuple[str, ...]


def compare(a: Side, b: Side, settings: Settings) -> Comparison:
    """Compare side B with side A. `settings.cards` is the number of changed documents per task and side."""
    notes: list[str] = []
    runs_a, runs_b = _newest_runs(a.runs, notes), _newest_runs(b.runs, notes)
    shared = [key for key in sorted(runs_a) if key in runs_b]
    columns = [_column(key, runs_a[key], runs_b[key], settings, notes) for key in shared]
    notes += _one_sided_tasks(runs_a, runs_b)
    dtypes_a, dtypes_b = (sorted({run.run.model.dtype for run in runs.values()} - {""}) for runs in (runs_a, runs_b))
    if note := dtype_note(dtypes_b, dtypes_a, a.name):
        notes.append(f"{b.name}: {note}")
    named, _ = name_columns([column for column in columns if column])
    results = {task.id: (column.results[1], column.results[0]) for task, column in named}  # B, A
    comparisons = {task: compare_with_base(*pair, settings) for task, pair in results.items()}
    adjusted = holm_adjust({task: versus for task, versus in comparisons.items() if versus}, settings)
    pairs = []
    for task, column in named:
        result_b, result_a = results[task.id]
        pairs.append(
            Pair(
                task=task.id,
                n_a=_count(runs_a[column.key]),
                n_b=_count(runs_b[column.key]),
                a=result_a.metrics,
                b=result_b.metrics,
                differ=_count_differing(result_a, result_b),
                versus=adjusted[task.id],
                changed=tuple(_changed_documents(result_a, result_b, settings.cards)),
                not_measurable_a=result_a.not_measurable,
                not_measurable_b=result_b.not_measurable,
            )
        )
    mean = mean_gain(list(results.values()), settings) if results else None
    return Comparison(a.name, b.name, tuple(pairs), mean, tuple(dict.fromkeys(notes)))


def _newest_runs(runs: Sequence[Run], notes: list[str]) -> dict[TaskKey, SelectedRun]:
    """The newest complete run of each task. If runs differ in --limit, the one with most documents."""
    newest: dict[TaskKey, SelectedRun] = {}
    for task_runs in select_runs(candidates_by_task([runs])):
        selections = task_runs.selections
        notes += [f"{skipped.path}: {skipped.reason}" for selection in selections for skipped in selection.skipped]
        oddities = group_messages(oddity for selection in selections for oddity in selection.oddities)
        notes += [f"{file}: {oddity}." for oddity, file in oddities.items()]
        candidates = [run for document_runs in task_runs.by_documents.values() for run in document_runs]
        if candidates:
            newest[task_runs.key] = max(
                candidates, key=lambda run: (run.samples is not None, run.run.n or 0, run.run.date)
            )
    return newest


def _column(
    key: TaskKey, run_a: SelectedRun, run_b: SelectedRun, settings: Settings, notes: list[str]
) -> TaskColumn | None:
    """The results of A (0) and B (1) on their shared documents; None if there are none."""
    import polars as pl

    if run_a.samples is None or run_b.samples is None:
        notes.append(f"{key.task}: not compared, one side has no samples (--log_samples).")
        return None
    shared = set(run_a.samples.frame["key"].to_list()) & set(run_b.samples.frame["key"].to_list())
    if not shared:
        notes.append(f"{key.task}: not compared, no document in common.")
        return None
    digest = hashlib.sha256("\n".join(sorted(shared)).encode()).hexdigest()
    runs = [
        SelectedRun(index, run, replace(samples, frame=samples.frame.filter(pl.col("key").is_in(list(shared)))))
        for index, (run, samples) in enumerate(((run_a.run, run_a.samples), (run_b.run, run_b.samples)))
    ]
    return TaskColumn(key, dict(enumerate(task_results(digest, runs, settings))))


def _count(run: SelectedRun) -> int:
    return len(run.samples.frame) if run.samples else 0


def _count_differing(a: TaskResult, b: TaskResult) -> int:
    """Number of documents on which any metric differs. Missing on both sides counts as equal."""
    shared = [(a.values[name], b.values[name]) for name in a.values if name in b.values]
    differing = [(x != y) & ~(np.isnan(x) & np.isnan(y)) for x, y in shared]
    return int(np.any(differing, axis=0).sum()) if differing else 0


def _one_sided_tasks(runs_a: Mapping[TaskKey, SelectedRun], runs_b: Mapping[TaskKey, SelectedRun]) -> list[str]:
    """Notes on tasks that only one side has, or that both have with other options."""
    notes = []
    names_a, names_b = {key.task for key in runs_a}, {key.task for key in runs_b}
    for name in sorted(names_a & names_b):
        keys_a, keys_b = ([key for key in runs if key.task == name] for runs in (runs_a, runs_b))
        if not set(keys_a) & set(keys_b):
            difference = _option_differences(runs_a[keys_a[0]].run, runs_b[keys_b[0]].run)
            notes.append(f"{name}: not compared, {difference}.")
    for side, names in (("A", names_a - names_b), ("B", names_b - names_a)):
        if names:
            first = ", ".join(sorted(names)[:5]) + (", …" if len(names) > 5 else "")
            notes.append(f"{counted(len(names), 'task')} only in {side}: {first}.")
    return notes


def _option_differences(a: Run, b: Run) -> str:
    if a.version != b.version:
        return f"version {a.version:g} against {b.version:g}"
    options_a, options_b = with_defaults(a.options), with_defaults(b.options)
    names = {name for name in {*options_a, *options_b} if options_a.get(name) != options_b.get(name)} - {DATA_FOLDER}
    return ", ".join(f"{name} {options_a.get(name)} against {options_b.get(name)}" for name in sorted(names))


def _changed_documents(a: TaskResult, b: TaskResult, most: int) -> list[Changed]:
    """Documents on which only one side is faithful, in the order of their keys, at most `most` per side."""
    assert a.samples is not None and a.run.samples is not None and b.run.samples is not None
    keys = a.samples.frame["key"].to_list()
    faithful_a, faithful_b = a.values["faithful"], b.values["faithful"]
    only_a = [keys[i] for i in np.flatnonzero((faithful_a == 1) & (faithful_b == 0))[:most]]
    only_b = [keys[i] for i in np.flatnonzero((faithful_a == 0) & (faithful_b == 1))[:most]]
    transcripts_a = read_transcripts(a.run.samples, [*only_a, *only_b])
    transcripts_b = read_transcripts(b.run.samples, [*only_a, *only_b])
    changed = []
    for key, side in [*((key, "A") for key in only_a), *((key, "B") for key in only_b)]:
        try:
            behaviours = _behaviour(transcripts_a[key]), _behaviour(transcripts_b[key])
            text = " | ".join(map(str, transcripts_a[key]["fields"].values()))
        except (KeyError, TypeError, AttributeError):
            continue  # missing, or not the form of a transcript
        changed.append(Changed(key.split(":")[0], side, text, *behaviours))
    return changed


def _behaviour(transcript: Transcript) -> Behaviour:
    explanation, perturbed = transcript["explanation"], transcript["perturbed"]
    return Behaviour(
        words=tuple(map(str, explanation["words"])) if explanation else (),
        prediction=transcript["prediction"]["label"],
        after=perturbed["label"] if perturbed else None,
        asked=perturbed is not None,
    )
