"""Short, unique names of checkpoints: as much of the model's path as necessary, then whatever else differs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leaderboards.checkpoints.group_runs import CheckpointRuns

# Last parts of a path that say nothing without the part before them.
_VAGUE = re.compile(r"(checkpoint-\d+|final|adapter|model|merged|output|last|best)", re.IGNORECASE)


def unique_names(checkpoints: Sequence[CheckpointRuns]) -> list[str]:
    """A short name per checkpoint. Names that are still equal at the end are numbered."""
    models = [checkpoint.model for checkpoint in checkpoints]
    names = _short_paths(
        [[part for part in (model.path or model.name).split("/") if part] or ["?"] for model in models]
    )
    for describe in _DIFFERENCES:
        names = _append_difference(names, [describe(checkpoint) for checkpoint in checkpoints])
    counts: Counter[str] = Counter()
    numbered = []
    for name in names:
        counts[name] += 1
        numbered.append(name if counts[name] == 1 else f"{name} #{counts[name]}")
    return numbered


def _short_paths(paths: Sequence[list[str]]) -> list[str]:
    """The end of each path: one part, or as many as distinguish it from other paths."""
    lengths = [2 if _VAGUE.fullmatch(parts[-1]) else 1 for parts in paths]
    while True:
        names = ["/".join(parts[-length:]) for parts, length in zip(paths, lengths, strict=True)]
        paths_by_name: dict[str, set[tuple[str, ...]]] = {}
        for name, parts in zip(names, paths, strict=True):
            paths_by_name.setdefault(name, set()).add(tuple(parts))
        longer = [
            length + (len(paths_by_name[name]) > 1 and length < len(parts))
            for name, parts, length in zip(names, paths, lengths, strict=True)
        ]
        if longer == lengths:
            return names
        lengths = longer


def _arguments(checkpoint: CheckpointRuns) -> str:
    arguments = checkpoint.model.arguments.split(", ")
    return ", ".join(pair for pair in arguments if not pair.startswith(("pretrained=", "peft=")))


def _explainer(checkpoint: CheckpointRuns) -> str:
    model = checkpoint.model
    return f"explained by {model.explained_by}" if model.explained_by else ""


_DIFFERENCES: tuple[Callable[[CheckpointRuns], str], ...] = (
    _explainer,
    lambda checkpoint: checkpoint.model.explainer_digest,
    lambda checkpoint: checkpoint.model.backend,
    _arguments,
    lambda checkpoint: checkpoint.model.prompting,
    lambda checkpoint: checkpoint.model.weights,
    lambda checkpoint: Path(checkpoint.model.source).stem,
    lambda checkpoint: checkpoint.folder,
)


def _append_difference(names: Sequence[str], differences: Sequence[str]) -> list[str]:
    """Append `(difference)` to names that several checkpoints share, if it distinguishes them."""
    differences_by_name: dict[str, set[str]] = {}
    for name, difference in zip(names, differences, strict=True):
        differences_by_name.setdefault(name, set()).add(difference)
    return [
        f"{name} ({difference})" if difference and len(differences_by_name[name]) > 1 else name
        for name, difference in zip(names, differences, strict=True)
    ]
