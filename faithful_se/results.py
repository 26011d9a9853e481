"""Boards and results of lm_eval as polars frames, and the comparison of two checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from faithful_se.errors import UsageError, require_packages

if TYPE_CHECKING:
    import polars as pl

    from leaderboards.comparison.compare import Comparison


def read_board(path: str | Path) -> pl.DataFrame:
    """A `board.json` as a frame: one row per checkpoint and task, as in `board.csv`.

    Args:
        path: the file that `faithful-se board` wrote.

    Returns:
        checkpoint, task, dataset, style, budget, n, each metric with its interval (`faithful`, `faithful low`,
        `faithful high`, `faithful note`), the comparison with the base (`versus faithful`, `versus p_holm`, …).
        `leaderboards.frames.board_frame` lists all columns.

    Raises:
        UsageError: no such file, or one that is no board.
    """
    require_packages("board", "polars", "pydantic")
    from leaderboards.board_json import load
    from leaderboards.frames import board_frame

    return board_frame(load(Path(path)))


def read_results(*paths: str | Path) -> pl.DataFrame:
    """Results of lm_eval as a frame: one row per checkpoint, task and document, of the newest complete runs.

    Args:
        paths: folders that lm_eval wrote (`--output_path`, `--log_samples`), or result files.

    Returns:
        checkpoint, task, dataset, style, budget, date, doc_hash, gold, prediction, target, after (the label of the
        perturbed text), and every metric.

    Raises:
        UsageError: no results of these tasks, or none with samples.
    """
    require_packages("board", "polars")
    from leaderboards.frames import results_frame

    return results_frame(_folders("read_results", paths))


def _folders(caller: str, paths: Sequence[object]) -> list[Path]:
    if not paths or not all(isinstance(path, (str, Path)) for path in paths):
        raise UsageError(
            f"{caller}: {', '.join(map(repr, paths)) or 'nothing'}: give folders of results, as texts or paths"
        )
    return [Path(str(path)) for path in paths]


def compare(
    a: str | Path,
    b: str | Path,
    *,
    results: Sequence[str | Path] | None = None,
    board: str | Path | None = None,
    draws: int = 2000,
    seed: int = 0,
    documents: int = 3,
) -> Comparison:
    """Compare checkpoint B with checkpoint A on the documents that both have: `faithful-se compare` in Python.

    Args:
        a, b: a folder of results of one model each; or names of checkpoints in `results` or `board`.
        results: folders in which a and b are names.
        board: a `board.json` in which a and b are names. Its result files must be there.
        draws, seed: of the bootstraps.
        documents: examples of changed documents per task and direction.

    Returns:
        `pairs` has the tasks: both sides' metrics, and B minus A with interval and exact McNemar test (`versus`).
        `mean` is the mean difference over tasks. `notes` say what could not be compared.

    Raises:
        UsageError: results that are not there, or no task in common.
    """
    require_packages("board", "polars", *(["pydantic"] if board else []))
    from leaderboards.board import Settings
    from leaderboards.comparison.compare import compare as compare_sides
    from leaderboards.comparison.find_sides import find_sides

    if (
        not all(isinstance(number, int) for number in (draws, documents, seed))
        or draws < 100
        or min(documents, seed) < 0
    ):
        raise UsageError("compare: draws must be a whole number from 100, documents and seed whole numbers from 0")
    side_a, side_b = find_sides(
        str(a), str(b), [Path(path) for path in results or ()], Path(board) if board is not None else None
    )
    comparison = compare_sides(side_a, side_b, Settings(draws=draws, seed=seed, cards=documents))
    if not comparison.pairs:
        reason = " ".join(comparison.notes) or "no task in common"
        raise UsageError(f"{a} and {b} cannot be compared: {reason}")
    return comparison
