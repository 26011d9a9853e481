"""Gives one model one name, where results recorded it in several ways."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from leaderboards.lm_eval_files.recorded_model import PATHS, Model
from leaderboards.lm_eval_files.results_file import Run

# Results can be this many folders below the one that lm_eval was started in: OUT/results/NAME/lm_eval/MODEL.
LEVELS = 6

_MODEL_FILES = ("config.json", "adapter_config.json")


def with_equal_names(runs: Sequence[Run]) -> list[Run]:
    """The runs, those of one model with equal models.

    A relative and an absolute path are one if the relative one leads there from the working folder, or from a folder
    above its results. A commit that one run did not record (it had no network) is that of the others.
    """
    places = {(name, run.file.parent): "" for run in runs for name in _folders(run.model)}
    absolute = {name for name, _ in places if os.path.isabs(name)}
    for name, folder in places:
        places[name, folder] = _place(name, folder, absolute)
    names_by_place: dict[str, set[str]] = {}
    places_by_name: dict[str, set[str]] = {}
    for (name, _), place in places.items():
        names_by_place.setdefault(place, set()).add(name)
        places_by_name.setdefault(name, set()).add(place)

    def common_name(name: str, folder: Path) -> str:
        place = places[name, folder]
        # The same relative path, from two folders: two models.
        unique = [other for other in names_by_place[place] if len(places_by_name[other] - {other}) < 2]
        return min(unique, key=lambda other: (len(other), other)) if unique else place

    def rename(run: Run) -> Run:
        folders = set(_folders(run.model))
        settings = tuple(
            (key, common_name(name, run.file.parent) if key in PATHS and name in folders else name)
            for key, name in run.model.settings
        )
        return replace(run, model=replace(run.model, settings=settings))

    renamed = [rename(run) for run in runs]
    weights = _common_weights({run.model for run in renamed})
    return [replace(run, model=replace(run.model, weights=weights[run.model])) for run in renamed]


def _folders(model: Model) -> Iterator[str]:
    """Names of the model that may be folders; not those of a model on a server."""
    settings = dict(model.settings)
    if "base_url" not in settings:
        yield from (settings[key] for key in PATHS if settings.get(key))


def _place(name: str, folder: Path, absolute: set[str]) -> str:
    """The absolute path of a folder that a run in some folder recorded; its name where that is not known."""
    if os.path.isabs(name):
        return name
    starts = [*list(folder.absolute().parents)[:LEVELS], Path.cwd()]
    paths = [os.path.normpath(start / name) for start in (folder.absolute(), *starts)]
    for path in paths:
        if any(os.path.isfile(os.path.join(path, file)) for file in _MODEL_FILES):
            return path
    # Where the folder is gone, a path from the root of the file system is not taken for one from here.
    return next((path for path in paths if path in absolute and path != f"/{name}"), name)


def _common_weights(models: set[Model]) -> dict[Model, str]:
    """Model -> its weights, with what only other runs of it recorded."""
    groups: dict[Model, list[Model]] = {}
    for model in models:
        groups.setdefault(replace(model, weights=""), []).append(model)
    weights = {}
    for group in groups.values():
        values: dict[str, set[str]] = {}
        for part in (part for model in group for part in model.weights.split(", ") if part):
            key, _, value = part.partition("=")
            values.setdefault(key, set()).add(value)
        agree = all(len(of_key) == 1 for of_key in values.values())
        common = ", ".join(f"{key}={next(iter(of_key))}" for key, of_key in sorted(values.items()))
        weights.update({model: common if agree else model.weights for model in group})
    return weights
