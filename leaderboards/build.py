"""From folders of results to a `Board`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from faithful_se.errors import UsageError
from leaderboards import aggregate, cells, find_results, select_runs
from leaderboards.base_comparison import adjusted
from leaderboards.board import Board, Cell, Checkpoint, Settings, Skipped, Task, Transfer, Versus
from leaderboards.cards import documents_of
from leaderboards.cells import Analysis
from leaderboards.checkpoints import Row, rows_of
from leaderboards.runs import BrokenError, Run, iso, read_results
from leaderboards.task_columns import Found, tasks_of
from leaderboards.task_results import Column, distinct


@dataclass(frozen=True)
class Choice:
    """Which runs are shown and what they are compared with.

    Attributes:
        base: name of the checkpoint to compare with where a checkpoint names none.
        infos: name of a checkpoint -> its train_info.json.
        every_run: each date a row of its own, instead of the newest complete run of each task.
        date: only runs whose date begins so, such as "2026-11-23".
    """

    base: str | None = None
    infos: Mapping[str, Path] = field(default_factory=dict)
    every_run: bool = False
    date: str = ""


@dataclass
class Told:
    """What a reader must know beside the numbers."""

    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    size: int = 0


def make_board(
    paths: Sequence[Path], title: str = "Leaderboard", settings: Settings | None = None, choice: Choice | None = None
) -> tuple[Board, int]:
    """The board of all results below the paths, and how many bytes of samples were read.

    Raises:
        UsageError: no results, or a name that is not on the board.
    """
    settings, choice, told = settings or Settings(), choice or Choice(), Told()
    runs = read_runs(paths, told, choice.date)
    rows, notes = rows_of(runs, choice.infos, choice.base, choice.every_run)
    told.notes += notes
    trained = sorted({name for row in rows if row.training for name in row.training.datasets})
    found, analyses = _read(rows, settings, told)
    if not found:
        why = f" ({told.skipped[0].path}: {told.skipped[0].reason})" if told.skipped else ""
        raise UsageError(f"{', '.join(map(str, paths))}: no complete run of a faithful_se task{why}")
    named, notes = tasks_of(found, trained)
    told.notes += notes
    tasks = [task for task, _ in named]
    done = {task.id: analyses[one.sheet, one.digest] for task, one in named}
    its = {name: one.columns for name, one in done.items()}
    versus = _compared(len(rows), done, settings)
    shown = [
        cells.cell(column, task.id, f"c{row}", versus[row].get(task.id))
        for task in tasks
        for row, column in sorted(its[task.id].items())
    ]
    documents, total, notes = documents_of(tasks, [row.base for row in rows], done, settings)
    told.notes += [*notes, *_bare(shown), *_limited(tasks), *_aside(rows, its)]
    board = Board(
        title=title,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        package=package(),
        settings=settings,
        checkpoints=tuple(_checkpoints(rows, tasks, its, settings)),
        tasks=tuple(tasks),
        cells=tuple(shown),
        matrix=tuple(_matrix(rows, tasks, its, settings)),
        documents=documents,
        documents_total=distinct((one.documents, None) for one in done.values()),
        pairs_total=total,
        skipped=tuple(told.skipped),
        notes=tuple(dict.fromkeys(told.notes)),
    )
    return board, told.size


def read_runs(paths: Sequence[Path], told: Told, date: str = "") -> list[Run]:
    """All runs of these tasks below the paths; what could not be read goes to `told`.

    Raises:
        UsageError: none.
    """
    search = find_results.find(paths)
    told.skipped += search.skipped
    runs: list[Run] = []
    foreign = without = 0
    for found in search.found:
        try:
            its, others = read_results(found)
        except BrokenError as error:
            told.skipped.append(Skipped(str(found.path), f"{error}; run it again or take it away"))
            continue
        foreign += others
        without += not its
        runs += [run for run in its if run.date.startswith(iso(date))]
    if foreign:
        told.notes.append(f"{foreign} results of other tasks than faithful_se are not on the board.")
    if search.foreign:
        told.notes.append(f"{search.foreign} JSON files beside the results are not lm-eval's and were not read.")
    if not runs:
        why = f" ({told.skipped[0].path}: {told.skipped[0].reason})" if told.skipped else ""
        when = f" of {date}" if date else ""
        raise UsageError(f"{', '.join(map(str, paths))}: no results of faithful_se tasks{when} in there{why}")
    return runs


def package() -> str:
    """Name and version of this package."""
    try:
        return f"faithful-se {version('faithful-se')}"
    except PackageNotFoundError:
        return "faithful-se (not installed)"


def _read(
    rows: Sequence[Row], settings: Settings, told: Told
) -> tuple[list[Found], dict[tuple[select_runs.Sheet, str], Analysis]]:
    found, analyses, odd = [], {}, []
    bases = [row.base for row in rows]
    for reading in select_runs.read_all(select_runs.sheets_of(row.runs for row in rows)):
        told.skipped += reading.skipped
        odd += reading.odd
        told.size += reading.size
        for digest, taken in reading.columns.items():
            analyses[reading.sheet, digest] = cells.analyse(digest, taken, bases, settings)
            found.append(Found.of(reading.sheet, digest, taken))
    told.notes += select_runs.summed(odd)
    return found, analyses


def _compared(rows: int, done: Mapping[str, Analysis], settings: Settings) -> list[dict[str, Versus]]:
    """Per checkpoint, by task: against its base, with Holm over all its tasks."""
    return [
        adjusted({task: one.versus[row] for task, one in done.items() if row in one.versus}, settings)
        for row in range(rows)
    ]


def _checkpoints(
    rows: Sequence[Row], tasks: Sequence[Task], its: Mapping[str, Mapping[int, Column]], settings: Settings
) -> list[Checkpoint]:
    main = [task for task in tasks if "~" not in task.id]
    made = []
    for index, row in enumerate(rows):
        columns = {task.id: its[task.id][index] for task in main if index in its[task.id]}
        used = [its[task.id][index].run for task in tasks if index in its[task.id]]
        made.append(
            Checkpoint(
                id=f"c{index}",
                name=row.name,
                model=row.model.backend,
                arguments="; ".join(filter(None, (row.model.arguments, row.model.asked))),
                base=None if row.base is None else f"c{row.base}",
                training=row.training,
                date=max((run.date for run in used), default=max(run.date for run in row.runs)),
                files=tuple(dict.fromkeys(str(run.file) for run in used)),
                means=aggregate.group_means(columns, main, settings),
                gains=aggregate.group_gains(_pairs(index, row.base, main, its), main, settings),
            )
        )
    return made


def _matrix(
    rows: Sequence[Row], tasks: Sequence[Task], its: Mapping[str, Mapping[int, Column]], settings: Settings
) -> Iterator[Transfer]:
    main = [task for task in tasks if "~" not in task.id]
    for index, row in enumerate(rows):
        pairs = _pairs(index, row.base, main, its)
        if row.training is not None and pairs:
            yield aggregate.transfer(f"c{index}", row.training, pairs, main, settings)


def _pairs(
    index: int, base: int | None, tasks: Sequence[Task], its: Mapping[str, Mapping[int, Column]]
) -> dict[str, tuple[Column, Column]]:
    """Task id -> columns of a checkpoint and of its base, where both have samples."""
    found = {}
    for task in tasks:
        one, other = its[task.id].get(index), its[task.id].get(-1 if base is None else base)
        if one and other and "faithful" in one.values and "faithful" in other.values:
            found[task.id] = (one, other)
    return found


def _bare(shown: Sequence[Cell]) -> list[str]:
    bare = sum(not cell.file.endswith(".jsonl") for cell in shown)
    if not bare:
        return []
    return [
        f"{bare} of {len(shown)} cells come from results without samples: means as reported, no paired tests, no cards."
    ]


def _limited(tasks: Sequence[Task]) -> list[str]:
    limits = sorted({task.limit for task in tasks if task.limit is not None})
    if not limits:
        return []
    count = sum(task.limit is not None for task in tasks)
    shown = ", ".join(map(str, limits))
    return [f"{count} of {len(tasks)} columns hold the first documents of their data only (--limit {shown})."]


def _aside(rows: Sequence[Row], its: Mapping[str, Mapping[int, Column]]) -> list[str]:
    """Checkpoints that no mean over tasks can show."""
    main = {row for name, columns in its.items() if "~" not in name for row in columns}
    some = {row for columns in its.values() for row in columns}
    alone = [row.name for index, row in enumerate(rows) if index in some - main]
    gone = [row.name for index, row in enumerate(rows) if index not in some]
    notes = [f"{', '.join(alone)}: only in columns kept apart, so without means."] if alone else []
    return [*notes, *([f"{', '.join(gone)}: no complete run, so without numbers."] if gone else [])]
