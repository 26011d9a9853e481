"""Checks every section of a recipe with the command that it is for, before the first stage runs."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from functools import lru_cache
from itertools import product
from typing import Any

from faithful_se.errors import UsageError
from lm_eval_tasks import DATASETS
from lm_eval_tasks.data import dataset_names, external_datasets
from lm_eval_tasks.options import Options
from lm_eval_tasks.read_options import read_options
from lm_eval_tasks.styles import BUDGETS, EXPLANATION_STYLES, STYLES
from training.build.options import BuildOptions
from training.study.options import LM_EVAL, check_options
from training.study.read_recipe import check_names
from training.study.recipe import (
    ATTRIBUTION,
    BASE,
    GRPO,
    OTHERS,
    TRAINERS,
    WORD_LIST,
    Explainers,
    Recipe,
    build_options,
    own_options,
    trainer_of,
    trainings,
    tunings,
)

NAME = r"[\w.-]+"
# Styles whose explanations are words of the text.
WORD_STYLES = [name for name in EXPLANATION_STYLES if STYLES[name].REMOVES_WORDS]


def check_commands(recipe: Recipe, where: str) -> None:
    """Check the options of all commands.

    Raises:
        UsageError: an option that a command does not have, or a value that it refuses.
    """
    outside = tuple(external_datasets(recipe.include_path)) if recipe.include_path else ()
    check_names(recipe.datasets, (*outside, *dataset_names()), f"{where}: datasets", "dataset")
    if recipe.include_path and "include_path" in recipe.evaluate.arguments:
        raise UsageError(f"{where}: evaluate: arguments: include_path: is a key of the recipe: leave one out")
    for stage, options in tunings(recipe).items():
        check_options("tune", options, f"{where}: {stage}")
    check_options("attribute", recipe.attribute, f"{where}: attribute")
    check_options("build", recipe.build, f"{where}: build")
    for command, options in trainings(recipe).items():
        check_options(command, options, f"{where}: {command}")
    for name, options in recipe.arms.items():
        at = f"{where}: arms: {name}"
        if not re.fullmatch(NAME, str(name)) or name in (BASE, *OTHERS):
            raise UsageError(
                f"{at}: an arm is a name of letters, digits, - and _, and is not {' or '.join((BASE, *OTHERS))}"
            )
        if not isinstance(options, Mapping):
            raise UsageError(f"{at}: give keys and values, such as {{purpose: …}}")
        _check_training(recipe, name, at)
        if trainer_of(recipe, name) == GRPO:
            if "arm" in options:
                raise UsageError(f"{at}: arm: is of rows, and grpo has none: its control is reward: random")
            check_options(GRPO, own_options(recipe, name), at)
        else:
            own = build_options(recipe, name)
            check_options("build", own, at)
            _check_build({**recipe.build, **own}, at)
        if "tasks" in options:
            _check_tasks(options["tasks"], f"{at}: tasks", recipe.include_path)
    _check_explainers(recipe, f"{where}: explainers")
    evaluate = f"{where}: evaluate"
    check_names(recipe.evaluate.arguments, LM_EVAL, f"{evaluate}: arguments")
    check_names(recipe.evaluate.options, [option.name for option in fields(Options)], f"{evaluate}: options")
    read_options(evaluate, {}, {"data": recipe.data, **recipe.evaluate.options})
    _check_tasks(recipe.evaluate.tasks, f"{evaluate}: tasks", recipe.include_path)


def _check_training(recipe: Recipe, arm: str, at: str) -> None:
    """Check which command trains an arm, on which rows and which model."""
    if trainer_of(recipe, arm) not in TRAINERS:
        raise UsageError(f"{at}: trainer: {trainer_of(recipe, arm)}: give one of {', '.join(TRAINERS)}")
    if "pairs" in {**recipe.build, **recipe.arms[arm]}:
        raise UsageError(f"{at}: pairs: give trainer: dpo, which trains on pairs, and leave pairs out")
    names = list(recipe.arms)
    above, after = names[: names.index(arm)], recipe.arms[arm].get("after")
    if after is not None and after not in above:
        raise UsageError(f"{at}: after: {after}: give an arm above it ({', '.join(above) or 'there is none'})")
    if after is not None and trainings(recipe)[trainer_of(recipe, after)].get("full"):
        raise UsageError(f"{at}: after: {after} trains all weights (full): a study goes on with adapters only")


def _check_explainers(recipe: Recipe, where: str) -> None:
    """Check who explains which arms, in which tasks."""
    pairs: list[tuple[str, str]] = []
    for explainers in recipe.explainers:
        check_names(explainers.of, recipe.arms, f"{where}: of", "arm")
        check_names(explainers.by, (BASE, *recipe.arms, *OTHERS), f"{where}: by", "explainer")
        _check_tasks(explainers.tasks, f"{where}: tasks", recipe.include_path)
        _check_explained(recipe, explainers, where)
        pairs += product(explainers.of, explainers.by)
    for of, by in pairs:
        if of == by:
            raise UsageError(f"{where}: {of}: its own explanations are judged already")
        if pairs.count((of, by)) > 1:
            raise UsageError(f"{where}: {by} explains {of} twice: put the tasks of both into one entry")


def _check_explained(recipe: Recipe, explainers: Explainers, where: str) -> None:
    """Refuse tasks that an explainer with one word has no answer to."""
    of_one_word = [by for by in explainers.by if by in (WORD_LIST, ATTRIBUTION)]
    known = [f"faithful_se_{name}_{style}_{BUDGETS[0]}" for name in recipe.datasets for style in WORD_STYLES]
    for pattern in explainers.tasks if of_one_word else ():
        if others := set(fnmatch.filter(_task_names(recipe.include_path), pattern)) - set(known):
            raise UsageError(
                f"{where}: tasks: {pattern}: {of_one_word[0]} does not explain {min(others)}: give tasks of one word, "
                f"attribution or redaction, of {', '.join(recipe.datasets)}"
            )


def _check_tasks(names: Any, where: str, include_path: str) -> None:
    if not isinstance(names, (list, tuple)) or not names or not all(isinstance(name, str) for name in names):
        raise UsageError(f"{where}: {names!r}: give a list of names, patterns or tags of tasks")
    for name in names:
        # Others may be tasks of lm-eval, whose list takes it many seconds.
        if name.startswith("faithful") and not fnmatch.filter(known := _task_names(include_path), name):
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(f"{where}: {name}: no such task{hint}")


@lru_cache(maxsize=2)
def _task_names(include_path: str) -> list[str]:
    """Names of tasks, groups and tags of this package, and of a folder outside of it."""
    from lm_eval.tasks import TaskManager

    folders = [str(DATASETS), *([include_path] if include_path else [])]
    names: list[str] = TaskManager(include_defaults=False, include_path=folders).all_tasks
    return names


def _check_build(options: Mapping[str, object], where: str) -> None:
    known = {option.name for option in fields(BuildOptions)}
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items() if key in known}
    try:
        BuildOptions(**values)  # type: ignore[arg-type]
    except UsageError as error:
        raise UsageError(f"{where}: {str(error).removeprefix('--')}") from None
