"""Groups runs into checkpoints, the rows of the board, in the order of the board."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from faithful_se.errors import UsageError
from faithful_se.model_names import folder_name
from leaderboards.board import Training
from leaderboards.checkpoints import train_info
from leaderboards.checkpoints.find_bases import in_board_order, with_bases
from leaderboards.checkpoints.names import unique_names
from leaderboards.checkpoints.same_models import with_equal_names
from leaderboards.lm_eval_files.recorded_model import Model
from leaderboards.lm_eval_files.results_file import Run, TaskKey


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

    @property
    def dtypes(self) -> list[str]:
        """The recorded number formats of its runs, such as ["bfloat16"]."""
        return sorted({run.model.dtype for run in self.runs} - {""})


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
    groups = _group_by_model(with_equal_names(runs), every_run, notes)
    checkpoints = [_checkpoint(model, folder, group, notes) for (model, folder), group in groups.items()]
    names = unique_names(checkpoints)
    checkpoints = [replace(checkpoint, name=name) for checkpoint, name in zip(checkpoints, names, strict=True)]
    for name, path in train_infos.items():
        index = index_by_name(checkpoints, name, "--train-info")
        checkpoints[index] = replace(checkpoints[index], training=train_info.read(path))
    default_base = index_by_name(checkpoints, base, "--base") if base is not None else None
    return in_board_order(with_bases(checkpoints, default_base, notes)), notes


def listed(names: Sequence[str]) -> str:
    """The names that a user could have given, as a part of a message."""
    return f"the only checkpoint is {names[0]}" if len(names) == 1 else f"the checkpoints are {', '.join(names)}"


def index_by_name(checkpoints: Sequence[CheckpointRuns], name: str, option: str) -> int:
    """Index of the checkpoint with this name, path, lm-eval name or folder; `option` is where the user gave it.

    Raises:
        UsageError: no checkpoint matches, or several do.
    """
    exact = [i for i, checkpoint in enumerate(checkpoints) if checkpoint.name == name]
    matches = exact or [
        i
        for i, checkpoint in enumerate(checkpoints)
        if {name, folder_name(name)} & {checkpoint.model.name, checkpoint.model.path, checkpoint.folder}
    ]
    if len(matches) != 1:
        count = "several checkpoints have" if matches else "no checkpoint has"
        raise UsageError(f"{option} {name}: {count} this name; {listed([item.name for item in checkpoints])}")
    return matches[0]


def _group_by_model(runs: Sequence[Run], every_run: bool, notes: list[str]) -> dict[tuple[Model, str], list[Run]]:
    """(model, what separates its checkpoints) -> runs.

    One model is several checkpoints if the same task was run in several folders, or in several number formats.
    """
    by_model: dict[Model, list[Run]] = {}
    for run in runs:
        by_model.setdefault(run.model, []).append(run)
    groups: dict[tuple[Model, str], list[Run]] = {}
    for model, of_model in by_model.items():
        by_folder = _differs_by_task(of_model, lambda run: str(run.output_path))
        by_dtype = _differs_by_task(of_model, lambda run: run.model.dtype)
        named = f"{model.name} ({model.arguments or 'no arguments'})"
        if by_folder:
            count = len({run.output_path for run in of_model})
            notes.append(
                f"{named} has results for the same tasks in {count} folders: shown as {count} checkpoints; give one "
                "folder to show one"
            )
        dtypes = sorted({run.model.dtype for run in of_model} - {""})
        if len(dtypes) > 1:
            display = "shown apart" if by_dtype else "shown as one checkpoint, on different tasks"
            notes.append(f"{named} was run in {' and '.join(dtypes)}: {display}.")
        for run in of_model:
            parts = (
                str(run.output_path) if by_folder else "",
                run.model.dtype if by_dtype else "",
                run.date if every_run else "",
            )
            groups.setdefault((model, " ".join(filter(None, parts))), []).append(run)
    return groups


def _differs_by_task(runs: Sequence[Run], value: Callable[[Run], str]) -> bool:
    """Whether runs of the same task and number of documents have different values; an empty one is unknown."""
    values: dict[tuple[TaskKey, int | None], set[str]] = {}
    for run in runs:
        values.setdefault((run.key, run.n), set()).add(value(run))
    return any(len(of_task - {""}) > 1 for of_task in values.values())


def _checkpoint(model: Model, folder: str, runs: list[Run], notes: list[str]) -> CheckpointRuns:
    training, problem = train_info.find(runs)
    if problem:
        notes.append(f"{model.name}: {problem}")
    if training and not model.pretrained and folder_name(training.base) == model.path:
        training = None  # a base whose folder also holds what was trained from it
    return CheckpointRuns("", model, tuple(runs), training, folder)
