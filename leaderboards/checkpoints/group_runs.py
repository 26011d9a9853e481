"""Groups runs into checkpoints, the rows of the board, in the order of the board."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from faithful_se.errors import UsageError
from leaderboards.board import Training
from leaderboards.checkpoints import train_info
from leaderboards.checkpoints.find_bases import in_board_order, with_bases
from leaderboards.checkpoints.names import unique_names
from leaderboards.lm_eval_files.results_file import Model, Run


@dataclass(frozen=True)
class CheckpointRuns:
    """One model with its runs, before any number is computed.

    Attributes:
        name: unique on the board.
        folder: --output_path of its results, if that distinguishes it from another checkpoint; else "".
        base: index of the checkpoint that it is compared with.
    """

    name: str
    model: Model
    runs: tuple[Run, ...]
    training: Training | None
    folder: str = ""
    base: int | None = None


def group_runs(
    runs: Sequence[Run], train_infos: Mapping[str, Path], base: str | None = None, every_run: bool = False
) -> tuple[list[CheckpointRuns], list[str]]:
    """Group the runs by model, name the models and find their bases.

    Args:
        runs: of all files.
        train_infos: name of a checkpoint -> its train_info.json, from the user.
        base: name of the checkpoint to compare with, for checkpoints whose own base is unknown.
        every_run: make a checkpoint of each date, instead of one with the newest run of each task.

    Returns:
        The checkpoints in the order of the board, and what a reader must know about their names and bases.

    Raises:
        UsageError: `base` or a name in `train_infos` is not on the board, or is ambiguous.
    """
    notes: list[str] = []
    groups = _group_by_model(runs, every_run, notes)
    checkpoints = [_checkpoint(model, folder, group, notes) for (model, folder), group in groups.items()]
    names = unique_names(checkpoints)
    checkpoints = [replace(checkpoint, name=name) for checkpoint, name in zip(checkpoints, names, strict=True)]
    for name, path in train_infos.items():
        index = index_by_name(checkpoints, name, "--train-info")
        checkpoints[index] = replace(checkpoints[index], training=train_info.read(path))
    default_base = index_by_name(checkpoints, base, "--base") if base is not None else None
    return in_board_order(with_bases(checkpoints, default_base, notes)), notes


def index_by_name(checkpoints: Sequence[CheckpointRuns], name: str, option: str) -> int:
    """Index of the checkpoint with this name, path, lm-eval name or folder; `option` is where the user gave it.

    Raises:
        UsageError: no checkpoint matches, or several do.
    """
    exact = [i for i, checkpoint in enumerate(checkpoints) if checkpoint.name == name]
    matches = exact or [
        i
        for i, checkpoint in enumerate(checkpoints)
        if name in (checkpoint.model.name, checkpoint.model.path, checkpoint.folder)
    ]
    if len(matches) != 1:
        names = ", ".join(checkpoint.name for checkpoint in checkpoints)
        count = "several checkpoints" if matches else "no checkpoint"
        raise UsageError(f"{option} {name}: {count} of this name; there are {names}")
    return matches[0]


def _group_by_model(runs: Sequence[Run], every_run: bool, notes: list[str]) -> dict[tuple[Model, str], list[Run]]:
    """(model, folder) -> runs. If two folders hold the same task of one model, each folder is a checkpoint."""
    by_model: dict[Model, dict[str, list[Run]]] = {}
    for run in runs:
        by_model.setdefault(run.model, {}).setdefault(str(run.output_path), []).append(run)
    groups: dict[tuple[Model, str], list[Run]] = {}
    for model, folders in by_model.items():
        counts = Counter(task for folder_runs in folders.values() for task in {(run.key, run.n) for run in folder_runs})
        separate = max(counts.values()) > 1
        if separate:
            notes.append(
                f"{model.name} ({model.arguments or 'no arguments'}) has results for the same tasks in {len(folders)} "
                f"folders: shown as {len(folders)} checkpoints; give one folder to show one"
            )
        for folder, folder_runs in folders.items():
            for run in folder_runs:
                suffix = " ".join(filter(None, (folder if separate else "", run.date if every_run else "")))
                groups.setdefault((model, suffix), []).append(run)
    return groups


def _checkpoint(model: Model, folder: str, runs: list[Run], notes: list[str]) -> CheckpointRuns:
    training, problem = train_info.find(runs)
    if problem:
        notes.append(f"{model.name}: {problem}")
    if training and not model.pretrained and training.base == model.path:
        training = None  # a base whose folder also holds what was trained from it
    return CheckpointRuns("", model, tuple(runs), training, folder)
