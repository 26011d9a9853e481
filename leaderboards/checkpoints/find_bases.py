"""Finds the base that each checkpoint is compared with, and sorts checkpoints by base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from faithful_se.model_names import folder_name

if TYPE_CHECKING:
    from leaderboards.checkpoints.group_runs import CheckpointRuns


def with_bases(checkpoints: list[CheckpointRuns], default: int | None, notes: list[str]) -> list[CheckpointRuns]:
    """The checkpoints with the index of their base.

    The base of an adapter is the model below it. The base of a trained model is the one in its train_info.json. If
    neither is on the board, the base is the default (an index, from --base), or else the only untrained model. `notes`
    receives what a reader must know.
    """
    untrained = [
        i for i, checkpoint in enumerate(checkpoints) if not checkpoint.model.pretrained and checkpoint.training is None
    ]
    if default is None and len(untrained) == 1:
        default = untrained[0]
    bases = [_find_base(checkpoints, index, default, notes) for index in range(len(checkpoints))]
    notes += [
        f"{checkpoints[index].name}: {note}"
        for index, base in enumerate(bases)
        if base is not None and (note := dtype_note(checkpoints[index].dtypes, checkpoints[base].dtypes, "its base"))
    ]
    if all(base is None for base in bases) and len(checkpoints) > 1:
        notes.append("No checkpoint has a base on the board: nothing is compared. Name one with --base NAME.")
    return [replace(checkpoint, base=base) for checkpoint, base in zip(checkpoints, bases, strict=True)]


def dtype_note(dtypes: Sequence[str], other_dtypes: Sequence[str], other: str) -> str:
    """What to say of two models whose number formats differ; "" if they agree or one is not recorded."""
    if not dtypes or not other_dtypes or dtypes == other_dtypes:
        return ""
    formats = f"run in {' and '.join(dtypes)}, {other} in {' and '.join(other_dtypes)}"
    return f"{formats}: rounding is a part of the difference; run both with the same --model_args dtype=…"


def _find_base(checkpoints: Sequence[CheckpointRuns], index: int, default: int | None, notes: list[str]) -> int | None:
    checkpoint = checkpoints[index]
    base_path = folder_name(checkpoint.model.pretrained or (checkpoint.training.base if checkpoint.training else ""))
    matches = [i for i in _find_model(checkpoints, base_path) if i != index] if base_path else []
    if matches:
        base = _closest(checkpoints, checkpoint, matches)
        if len(matches) > 1:
            notes.append(
                f"{checkpoint.name}: several checkpoints match its base; compared with {checkpoints[base].name}"
            )
        return base
    fallback = default if default != index else None
    if base_path:
        instead = "not compared" if fallback is None else f"compared with {checkpoints[fallback].name}"
        notes.append(f"{checkpoint.name}: its base {base_path} is not on the board; {instead}")
    return fallback


def _find_model(checkpoints: Sequence[CheckpointRuns], path: str) -> list[int]:
    """Indices of the models with this path, else of untrained models with the same last part of the path."""
    models = [(i, checkpoint) for i, checkpoint in enumerate(checkpoints) if not checkpoint.model.pretrained]
    exact = [i for i, checkpoint in models if checkpoint.model.path == path]
    name = Path(path).name
    return exact or [
        i for i, checkpoint in models if checkpoint.training is None and Path(checkpoint.model.path).name == name
    ]


def _closest(checkpoints: Sequence[CheckpointRuns], checkpoint: CheckpointRuns, matches: Sequence[int]) -> int:
    """Of several bases: the one prompted the same way, with most tasks in common, with the closest folder."""
    keys = {run.key for run in checkpoint.runs}
    folders = checkpoint.runs[0].file.parts

    def distance(index: int) -> tuple[bool, int, int, str]:
        base = checkpoints[index]
        shared_tasks = len(keys & {run.key for run in base.runs})
        pairs = zip(base.runs[0].file.parts, folders, strict=False)
        shared_folders = len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
        return base.model.prompting != checkpoint.model.prompting, -shared_tasks, -shared_folders, base.name

    return min(matches, key=distance)


def in_board_order(checkpoints: list[CheckpointRuns]) -> list[CheckpointRuns]:
    """Each base, followed by its checkpoints with control arms last. Sorted by name otherwise."""

    def sort_key(checkpoint: CheckpointRuns) -> tuple[str, bool, bool, str]:
        root, visited = checkpoint, {id(checkpoint)}
        while root.base is not None and id(checkpoints[root.base]) not in visited:
            root = checkpoints[root.base]
            visited.add(id(root))
        control = checkpoint.training is not None and checkpoint.training.control
        return root.name, checkpoint.base is not None, control, checkpoint.name

    order = sorted(range(len(checkpoints)), key=lambda index: sort_key(checkpoints[index]))
    new_index: dict[int | None, int] = {old: new for new, old in enumerate(order)}
    return [replace(checkpoints[old], base=new_index.get(checkpoints[old].base)) for old in order]
