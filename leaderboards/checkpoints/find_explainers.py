"""Finds the checkpoint whose answers others explained (`explanations=SOURCE`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from faithful_se.errors import UsageError
from leaderboards.checkpoints.group_runs import CheckpointRuns
from leaderboards.checkpoints.same_models import with_equal_names
from leaderboards.lm_eval_files.recorded_model import Model
from leaderboards.lm_eval_files.results_file import Run


def by_explainer(runs: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    """The runs in which models explained themselves, and those in which others did.

    Raises:
        UsageError: there are only others: a board compares them with the models' own explanations.
    """
    own = [run for run in runs if not run.model.explained_by]
    others = [run for run in with_equal_names(runs) if run.model.explained_by]
    if others and not own:
        raise UsageError(
            f"{others[0].file}: explained by {others[0].model.explained_by}, and no run is of a model's own "
            "explanations: run the same without explanations=…, and give both"
        )
    return own, others


def find_explainers(
    checkpoints: Sequence[CheckpointRuns], runs: Sequence[Run]
) -> tuple[list[CheckpointRuns], list[str]]:
    """The explainers of all checkpoints, in their order, and what a reader must know.

    The `name` of one is who explains, and its `base` is the checkpoint. Of several checkpoints of one model it is the
    one with most tasks in common.
    """
    by_model: dict[Model, list[Run]] = {}
    for run in runs:
        by_model.setdefault(run.model, []).append(run)
    explainers, notes = [], []
    for model, of_model in by_model.items():
        keys = {run.key for run in of_model}
        shared = {
            index: len(keys & {run.key for run in checkpoint.runs})
            for index, checkpoint in enumerate(checkpoints)
            if checkpoint.model == model.explains_itself
        }
        best = max(shared, key=shared.__getitem__, default=None)
        if best is None or not shared[best]:
            why = "not on the board" if best is None else "of other tasks or options"
            notes.append(
                f"{model.name} explained by {model.explained_by}: its own explanations are {why}, so they are not "
                "compared."
            )
            continue
        explainers.append(CheckpointRuns(model.explained_by, model, tuple(of_model), None, base=best))
    explainers.sort(key=lambda explainer: (explainer.base, explainer.name, explainer.model.explainer_digest))
    return _with_unique_names(explainers), notes


def _with_unique_names(explainers: Sequence[CheckpointRuns]) -> list[CheckpointRuns]:
    """Explainers of one checkpoint that share a name get their digest appended."""
    counts = Counter((explainer.base, explainer.name) for explainer in explainers)
    return [
        replace(explainer, name=f"{explainer.name} ({explainer.model.explainer_digest})")
        if counts[explainer.base, explainer.name] > 1
        else explainer
        for explainer in explainers
    ]
