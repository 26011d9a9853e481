"""The stages in which others explain a trained model's answers: whose knowledge is it?

Each is the arm's own evaluation with `explanations=SOURCE`. A word list comes from the attribution of the training
split; an attribution of the trained model, from a stage of its own. More is in docs/metrics.md, section 9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.study.options import words
from training.study.recipe import ATTRIBUTION, RATIONALES, WORD_LIST, Recipe, trainer_of
from training.study.stage import Stage, command_of

EXPLAIN = "explain"


def explained_stages(
    recipe: Recipe,
    out: Path,
    arms: Mapping[str, tuple[str, int]],
    evaluation: Callable[[str, str, str, tuple[str, ...]], Stage],
) -> Iterator[Stage]:
    """The stages of all arms whose answers others explain.

    Args:
        recipe: of the study.
        out: folder of the study.
        arms: name of a training -> its arm and seed.
        evaluation: name of a training, who explains, the source of the explanations, tasks -> the stage that evaluates.
    """
    for name, (arm, seed) in arms.items():
        before = ""
        for by, tasks in _explainers_of(recipe, arm):
            explained_by = next((other for other, of in arms.items() if of == (by, seed)), by)
            needs, source = [f"evaluate-{name}"], str(out / "results" / explained_by)
            if by == ATTRIBUTION:
                attribution = _attribution(recipe, out, name, f"{trainer_of(recipe, arm)}-{name}")
                needs, source = [*needs, attribution.name], str(attribution.done.parent)
                yield attribution
            elif by == WORD_LIST:
                source = str(out / "attributions" / "word_list.json")
            elif by == RATIONALES:
                source = by
            else:
                needs.append(f"evaluate-{explained_by}")
            if before and recipe.evaluate.cache:  # one after the other: they find the arm's answers in one file
                needs.append(before)
            before = f"{EXPLAIN}-{name}-by-{explained_by}"
            yield replace(evaluation(name, explained_by, source, tasks), name=before, after=tuple(needs))


def explains_with_a_list(recipe: Recipe) -> bool:
    """Whether the attribution of the training split also writes its word list."""
    return any(WORD_LIST in explainers.by for explainers in recipe.explainers)


def _explainers_of(recipe: Recipe, arm: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Who else explains an arm's answers, and in which tasks."""
    for explainers in recipe.explainers:
        yield from ((by, explainers.tasks) for by in explainers.by if arm in explainers.of)


def _attribution(recipe: Recipe, out: Path, name: str, training: str) -> Stage:
    """The attribution of a trained model's answers to the texts of the evaluation; `training` is the stage it needs."""
    folder, test = out / "explainers" / name, recipe.evaluate
    order = {"order": test.options.get("order"), "order-seed": test.options.get("order_seed")}
    own = {"split": "test", "limit": test.limit, **order}
    options: dict[str, Any] = {**recipe.attribute, **own}
    include_path = ("--include_path", recipe.include_path) if recipe.include_path else ()
    command = command_of(
        *("faithful-se", "attribute", "--model", out / "trained" / name, "--tasks", *recipe.datasets),
        *("--data", recipe.data, *include_path, *words(options)),
        *(("--dtype", recipe.dtype) if recipe.dtype else ()),
        *("--out", folder),
    )
    launch = str(recipe.attribute.get("launch", ""))
    purpose = f"{test.limit or 'all'} texts of the evaluation, attributed"
    return Stage(f"{EXPLAIN}-{name}", command, folder / "manifest.json", purpose, (training,), launch=launch)
