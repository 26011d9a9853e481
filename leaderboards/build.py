"""Makes a `Board` from folders of results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from faithful_se.errors import UsageError
from leaderboards.analysis import aggregate
from leaderboards.analysis.analyse import analyse
from leaderboards.analysis.base_comparison import holm_adjust
from leaderboards.analysis.document_sets import count_documents
from leaderboards.analysis.explainers import compare_explainers
from leaderboards.analysis.task_columns import name_columns
from leaderboards.analysis.task_results import Results
from leaderboards.analysis.transfer import transfer
from leaderboards.analysis.wordings import wording_bands
from leaderboards.board import Board, Cell, Checkpoint, Settings, Task
from leaderboards.board_notes import board_notes
from leaderboards.cards.select_documents import CardLimits, select_documents
from leaderboards.checkpoints.find_explainers import by_explainer, find_explainers
from leaderboards.checkpoints.group_runs import CheckpointRuns, group_runs
from leaderboards.lm_eval_files.read_runs import ReadLog, grouped, read_runs
from leaderboards.verdict import verdict


@dataclass(frozen=True)
class RunSelection:
    """Which runs are on the board, and what they are compared with.

    Attributes:
        base: name of the checkpoint to compare with, for checkpoints whose own base is unknown.
        train_infos: name of a checkpoint -> its train_info.json.
        every_run: make a row of each date, instead of one with the newest complete run of each task.
        date: use only runs whose date begins with this, such as "2026-11-23".
    """

    base: str | None = None
    train_infos: Mapping[str, Path] = field(default_factory=dict)
    every_run: bool = False
    date: str = ""


def make_board(
    paths: Sequence[Path],
    title: str = "Leaderboard",
    settings: Settings | None = None,
    selection: RunSelection | None = None,
    card_limits: CardLimits | None = None,
) -> tuple[Board, int]:
    """Make a board of all results below the paths.

    Args:
        paths: folders that lm_eval wrote (`--output_path`), or results files.
        title: of the page.
        settings, selection, card_limits: by default those of the classes.

    Returns:
        The board, and the size of the samples files that were read, in bytes.

    Raises:
        UsageError: there are no results, or a name is not on the board.
    """
    settings, selection, log = settings or Settings(), selection or RunSelection(), ReadLog()
    runs = read_runs(paths, log, selection.date)
    runs, explained_runs = by_explainer(runs)
    checkpoints, notes = group_runs(runs, selection.train_infos, selection.base, selection.every_run)
    explainers, explainer_notes = find_explainers(checkpoints, explained_runs)
    log.notes += [*notes, *explainer_notes]
    bases = [checkpoint.base for checkpoint in checkpoints]
    columns = analyse(checkpoints, explainers, settings, log)
    if not columns:
        raise UsageError(f"{', '.join(map(str, paths))}: no complete run of a faithful_se task{log.first_reason()}")
    trained = {dataset for checkpoint in checkpoints if checkpoint.training for dataset in checkpoint.training.datasets}
    named, notes = name_columns(columns, sorted(trained))
    log.notes += notes
    tasks, results = [task for task, _ in named], {task.id: column.results for task, column in named}
    main_tasks = [task for task in tasks if not task.is_variant]
    pairs = [_pairs(index, base, main_tasks, results) for index, base in enumerate(bases)]
    cells = _cells(len(checkpoints), tasks, results, settings)
    board = Board(
        title=title,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        package=package_version(),
        settings=settings,
        checkpoints=tuple(_checkpoints(checkpoints, main_tasks, results, pairs, settings)),
        tasks=tuple(tasks),
        cells=tuple(cells),
        matrix=tuple(
            transfer(f"c{index}", checkpoint.training, pairs[index], main_tasks, settings)
            for index, checkpoint in enumerate(checkpoints)
            if checkpoint.training and pairs[index]
        ),
        documents=(),
        documents_total=count_documents((column.documents, None) for _, column in named),
        pairs_total=0,
        skipped=tuple(grouped(log.skipped)),
        notes=(),
        explainers=tuple(compare_explainers(explainers, len(checkpoints), named, settings)),
        wordings=tuple(wording_bands(len(checkpoints), named, settings)),
    )
    cards, possible_cards, notes = select_documents(results, tasks, bases, settings, card_limits, _best_of(board))
    log.notes += [*notes, *board_notes(checkpoints, tasks, results, cells)]
    notes = list(dict.fromkeys(log.notes))
    return replace(board, documents=cards, pairs_total=possible_cards, notes=tuple(notes)), log.bytes_read


def _best_of(board: Board) -> list[int]:
    """Index of the checkpoint that the verdict is about, and of its base: the page begins with documents of both."""
    best = verdict(board).best
    row = next((row for row in board.checkpoints if row.id == best), None)
    return [int(id.removeprefix("c")) for id in (row.id, row.base) if id] if row else []


def _cells(checkpoints: int, tasks: Sequence[Task], results: Results, settings: Settings) -> list[Cell]:
    comparisons = []
    for index in range(checkpoints):
        own = {task: task_results[index].versus for task, task_results in results.items() if index in task_results}
        comparisons.append(holm_adjust({task: versus for task, versus in own.items() if versus}, settings))
    cells = []
    for task in tasks:
        for index, result in sorted(results[task.id].items()):
            faithful = result.values.get("faithful")
            cells.append(
                Cell(
                    checkpoint=f"c{index}",
                    task=task.id,
                    date=result.run.date,
                    file=str(result.run.samples.path if result.run.samples else result.run.file),
                    metrics=result.metrics,
                    rules=result.rules,
                    missing=0 if faithful is None else int(np.isnan(faithful).sum()),
                    versus=comparisons[index].get(task.id),
                    not_measurable=result.not_measurable,
                    answers=result.answers,
                )
            )
    return cells


def _checkpoints(
    checkpoints: Sequence[CheckpointRuns],
    tasks: Sequence[Task],
    results: Results,
    pairs: Sequence[Mapping[str, aggregate.Pair]],
    settings: Settings,
) -> Iterator[Checkpoint]:
    for index, checkpoint in enumerate(checkpoints):
        own = {task: task_results[index] for task, task_results in results.items() if index in task_results}
        used_runs = [result.run for result in own.values()]
        yield Checkpoint(
            id=f"c{index}",
            name=checkpoint.name,
            model=checkpoint.model.backend,
            arguments="; ".join(filter(None, (checkpoint.model.arguments, checkpoint.model.prompting))),
            base=None if checkpoint.base is None else f"c{checkpoint.base}",
            training=checkpoint.training,
            date=max(run.date for run in used_runs or checkpoint.runs),
            files=tuple(dict.fromkeys(str(run.file) for run in used_runs)),
            means=aggregate.group_means(own, tasks, settings),
            gains=aggregate.group_gains(pairs[index], tasks, settings),
            over_controls={
                f"c{other}": aggregate.mean_gain(list(shared.values()), settings)
                for other in _controls_of(index, checkpoints)
                if (shared := _pairs(index, other, tasks, results))
            },
        )


def _controls_of(index: int, checkpoints: Sequence[CheckpointRuns]) -> list[int]:
    """The control arms that were trained from the same base as a checkpoint, which is none itself."""
    own = checkpoints[index]
    if own.base is None or (own.training and own.training.control):
        return []
    return [
        other for other, row in enumerate(checkpoints) if row.base == own.base and row.training and row.training.control
    ]


def _pairs(index: int, base: int | None, tasks: Sequence[Task], results: Results) -> dict[str, aggregate.Pair]:
    """Task id -> results of a checkpoint and of its base, if both have samples."""
    pairs = {}
    for task in tasks:
        own, of_base = results[task.id].get(index), None if base is None else results[task.id].get(base)
        if own and of_base and "faithful" in own.values and "faithful" in of_base.values:
            pairs[task.id] = (own, of_base)
    return pairs


def package_version() -> str:
    """Name and version of this package; a clone need not be installed to make a board."""
    try:
        return f"faithful-se {version('faithful-se')}"
    except PackageNotFoundError:
        return "faithful-se (not installed)"
