"""Finds the runs of the two models to compare: in folders, or by name among results or on a board."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from faithful_se.errors import UsageError
from leaderboards.board import Board
from leaderboards.checkpoints.group_runs import CheckpointRuns, group_runs, index_by_name, listed
from leaderboards.comparison.compare import Side
from leaderboards.lm_eval_files.find_results import as_written
from leaderboards.lm_eval_files.read_runs import ReadLog, read_runs
from leaderboards.sanitize import terminal_line


def find_sides(a: str, b: str, results: Sequence[Path] | None = None, board: Path | None = None) -> tuple[Side, Side]:
    """The runs of both models.

    Args:
        a, b: folders or results files; names of checkpoints if `results` or `board` is given.
        results: folders in which the names are looked up.
        board: a board.json in which the names are looked up. Its result files must still exist.

    Raises:
        UsageError: a name is unknown, files are missing, or a folder holds several models.
    """
    if board is not None:
        from leaderboards.board_json import load

        loaded = load(board)
        return _side_of_board(a, loaded, board), _side_of_board(b, loaded, board)
    if results:
        checkpoints = _read_checkpoints(results)
        side_a, side_b = (checkpoints[index_by_name(checkpoints, name, "compare")] for name in (a, b))
        return Side(side_a.name, side_a.runs), Side(side_b.name, side_b.runs)
    sides = _side_of_files([Path(a)], a), _side_of_files([Path(b)], b)
    if sides[0].name == sides[1].name:
        return Side(a, sides[0].runs), Side(b, sides[1].runs)
    return sides


def _side_of_board(name: str, board: Board, path: Path) -> Side:
    matches = [checkpoint for checkpoint in board.checkpoints if name in (checkpoint.name, checkpoint.id)]
    if len(matches) != 1:
        names = listed([checkpoint.name for checkpoint in board.checkpoints])
        raise UsageError(f"{name}: no checkpoint of {path} has this name; {names}")
    (checkpoint,) = matches
    files = [Path(file) for file in checkpoint.files]
    if missing := [file for file in files if not file.exists()]:
        raise UsageError(f"{path}: the results of {checkpoint.name} no longer exist ({missing[0]}); use --results")
    return Side(checkpoint.name, _side_of_files(files, name).runs)


def _side_of_files(paths: Sequence[Path], name: str) -> Side:
    if not any(written.exists() for path in paths for written in as_written(path)):
        raise UsageError(f"{paths[0]}: no such folder; give a folder of results, or names with --results or --board")
    checkpoints = _read_checkpoints(paths)
    if len(checkpoints) > 1:
        names = ", ".join(checkpoint.name for checkpoint in checkpoints)
        raise UsageError(f"{name}: results of several models ({names}); name two of them with --results {name}")
    return Side(checkpoints[0].name, checkpoints[0].runs)


def _read_checkpoints(paths: Sequence[Path]) -> list[CheckpointRuns]:
    log = ReadLog()
    checkpoints, _ = group_runs(read_runs(paths, log), {})
    for skipped in log.skipped:
        print(terminal_line(f"skipped {skipped.path}: {skipped.reason}"), file=sys.stderr)
    for note in log.notes:
        print(terminal_line(f"note: {note}"), file=sys.stderr)
    return checkpoints
