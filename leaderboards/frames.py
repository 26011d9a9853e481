"""Boards and result files as polars frames, for analyses of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faithful_se.errors import UsageError
from leaderboards.board import BaseComparison, Board, Cell
from leaderboards.checkpoints.group_runs import group_runs
from leaderboards.lm_eval_files.read_runs import ReadLog, read_runs
from leaderboards.lm_eval_files.results_file import to_strict_json
from leaderboards.lm_eval_files.select_runs import candidates_by_task, select_runs
from leaderboards.tables.main_table import sort_tasks

if TYPE_CHECKING:
    import polars as pl

# The differences of a `BaseComparison`; its other fields are plain values.
_DIFFERENCES = ("faithful", "lift", "acc")
_PLAIN_FIELDS = {field.name: str(field.type) for field in fields(BaseComparison) if field.name not in _DIFFERENCES}


def board_frame(board: Board) -> pl.DataFrame:
    """A board as a frame with one line per cell (checkpoint x task), sorted by checkpoint and task.

    Args:
        board: from `make_board`, or from a file by `board_json.load`.

    Returns:
        A frame with the fields of `board.csv`, null where undefined. First `checkpoint`, `task`, `dataset`, `style`,
        `budget`, `variant`, `n` and `missing`. Then for each metric (`faithful`, `lift`, `ccf` and so on) the estimate,
        and its `faithful low`, `faithful high` and `faithful note`. The same for scoring rules (`rule strict`) and for
        differences to the base (`versus faithful`). Then `versus base` (its name), `versus n`, `versus p_holm` and all
        other fields of `BaseComparison`. Last `not measurable` (why `faithful` and `lift` have no number, and what to
        do), `date` and `file`.
    """
    import polars as pl

    tasks = sort_tasks(board.tasks)
    task_index = {task.id: index for index, task in enumerate(tasks)}
    checkpoint_index = {checkpoint.id: index for index, checkpoint in enumerate(board.checkpoints)}
    cells = sorted(board.cells, key=lambda cell: (checkpoint_index[cell.checkpoint], task_index[cell.task]))
    types = {"str": pl.String, "int": pl.Int64, "float | None": pl.Float64}
    schema: dict[str, Any] = dict.fromkeys(("checkpoint", "task", "dataset", "style", "budget", "variant"), pl.String)
    schema |= {"n": pl.Int64, "missing": pl.Int64}
    metrics = [name for cell in cells for name in cell.metrics]
    rules = [f"rule {rule}" for cell in cells for rule in cell.rules]
    for name in dict.fromkeys((*metrics, *rules, *(f"versus {name}" for name in _DIFFERENCES))):
        schema |= {name: pl.Float64, f"{name} low": pl.Float64, f"{name} high": pl.Float64, f"{name} note": pl.String}
    schema["versus base"] = pl.String
    schema |= {f"versus {name}": types[kind] for name, kind in _PLAIN_FIELDS.items()}
    schema |= {"not measurable": pl.String, "date": pl.String, "file": pl.String}
    records = []
    for cell in cells:
        task, checkpoint = tasks[task_index[cell.task]], board.checkpoints[checkpoint_index[cell.checkpoint]]
        faithful = cell.metrics.get("faithful")
        record: dict[str, Any] = {
            "checkpoint": checkpoint.name,
            "task": task.name,
            **{name: getattr(task, name) for name in ("dataset", "style", "budget", "variant")},
            "n": faithful.n if faithful else None,
            "missing": cell.missing,
            **_numbers(cell),
            "not measurable": cell.not_measurable or None,
            "date": cell.date,
            "file": cell.file,
        }
        if cell.versus and checkpoint.base:
            record["versus base"] = board.checkpoints[checkpoint_index[checkpoint.base]].name
        records.append(record)
    # File names may hold bytes that are no text, which polars refuses.
    return pl.DataFrame(to_strict_json(records), schema=to_strict_json(schema))


def results_frame(paths: Sequence[Path]) -> pl.DataFrame:
    """Results of lm_eval as a frame with one line per checkpoint, task and document.

    Of each checkpoint and task the newest complete run is read, as for a board. Runs without samples (lm_eval's
    `--log_samples`) have no documents and are left out.

    Args:
        paths: folders that lm_eval wrote (`--output_path`), or results files.

    Returns:
        A frame with the fields `checkpoint`, `task`, `dataset`, `style`, `budget`, `date` and `doc_hash`. Then the
        labels `gold`, `prediction`, `target` (of a counterfactual) and `after` (of the perturbed text). Then one field
        per metric, null where undefined or not recorded.

    Raises:
        UsageError: no results of faithful_se tasks, or none with samples.
    """
    import polars as pl

    checkpoints, _ = group_runs(read_runs(paths, ReadLog()), {})
    frames = []
    for task_runs in select_runs(candidates_by_task(checkpoint.runs for checkpoint in checkpoints)):
        for selected in (run for runs in task_runs.by_documents.values() for run in runs if run.samples):
            assert selected.samples is not None
            run, frame = selected.run, selected.samples.frame
            constants = {
                "checkpoint": checkpoints[selected.checkpoint].name,
                "task": run.task,
                **{name: str(run.options[name]) for name in ("dataset", "style", "budget")},
                "date": run.date,
            }
            literals = (pl.lit(value).alias(name) for name, value in constants.items())
            frames.append(frame.select(*literals, pl.exclude("key", "text")))
    if not frames:
        raise UsageError(f"{', '.join(map(str, paths))}: no complete run with samples; run lm_eval with --log_samples")
    return pl.concat(frames, how="diagonal").sort("checkpoint", "task", maintain_order=True)


def _numbers(cell: Cell) -> dict[str, Any]:
    """The estimates of a cell, and its comparison with the base."""
    estimates = cell.metrics | {f"rule {rule}": estimate for rule, estimate in cell.rules.items()}
    record: dict[str, Any] = {}
    if cell.versus:
        record = {f"versus {name}": getattr(cell.versus, name) for name in _PLAIN_FIELDS}
        estimates |= {f"versus {name}": getattr(cell.versus, name) for name in _DIFFERENCES}
    for name, estimate in estimates.items():
        if estimate:
            record[name] = estimate.estimate
            record |= {f"{name} {part}": getattr(estimate, part) for part in ("low", "high", "note")}
    return record
