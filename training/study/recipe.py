"""What a recipe of a study may hold. The docstrings here are the help of `faithful-se study`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# The value of `model` that stands for the mini model of this package.
MINI = "mini"

# The checkpoint before any training, which no arm may be called.
BASE = "base"

# Who else may explain an arm's answers, besides base and the other arms.
WORD_LIST, ATTRIBUTION, RATIONALES = OTHERS = ("word_list", "attribution", "rationales")

# Commands that train an arm; each has a section of its options in the recipe.
SFT, DPO, GRPO = TRAINERS = ("sft", "dpo", "grpo")

# Keys of an arm that are no options of `faithful-se build`.
OF_THE_ARM = ("purpose", "tasks", "trainer", "after")


@dataclass(frozen=True)
class Evaluate:
    """How every checkpoint is evaluated: one run of lm_eval for all tasks.

    Attributes:
        tasks: names, patterns or tags of tasks, as `lm_eval --tasks` takes them.
        limit: only the first texts of each task.
        options: options of the tasks (`--metadata`), such as controls, classifier and order.
        model: lm-eval's kind of model: hf, vllm, … (default: hf).
        model_args: further arguments of the model.
        arguments: further arguments of lm_eval, such as batch_size, device, num_fewshot and gen_kwargs.
        cache: keep the model's answers in the folder of the study, so that a killed evaluation resumes (default: true).
        launch: what lm_eval is started with, such as "accelerate launch --num_processes 8 --no_python".
    """

    tasks: tuple[str, ...]
    limit: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    model: str = "hf"
    model_args: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    cache: bool = True
    launch: str = ""


@dataclass(frozen=True)
class Explainers:
    """Who else explains the answers of trained models: is what they say self-knowledge, or a dictionary?

    Attributes:
        of: arms whose answers are explained.
        by: base or another arm, with its own explanations of the same texts; or rationales. word_list is that of the
            attribution. attribution is made of the trained model's answers in the evaluation.
        tasks: as those of evaluate. word_list and attribution explain with one word, and no counterfactuals.
    """

    of: tuple[str, ...]
    by: tuple[str, ...]
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """A study.

    Attributes:
        model: folder or hub name of an instruction-tuned model; or mini, the mini model of this package.
        datasets: datasets to train on, as in the names of the tasks.
        evaluate: how every checkpoint is evaluated, see below.
        title: heading of the board and of the report.
        data: hub, mini or a folder (default: hub).
        include_path: folder of datasets outside the package, as `faithful-se new` writes them.
        dtype: number type of the model in attribute, build and evaluate (default: as stored).
        tune: options of `faithful-se tune`, or a list of them, each going on from the one before. Without this
            key the model is studied as it is.
        attribute: options of `faithful-se attribute`.
        build: options of `faithful-se build`, for all arms.
        arms: name of an arm -> its own options of `faithful-se build`; its purpose in a few words; and tasks, where
            only these are evaluated for it. trainer is the command that trains it: sft (default), dpo on pairs, or
            grpo, whose own options then stand here. after names an arm above it, on whose model it goes on.
        explainers: who else explains the answers of arms, see below; or a list of such, each with its own tasks.
        sft: options of `faithful-se sft`; config is a file beside the recipe.
        dpo: options of `faithful-se dpo`, in the same way.
        grpo: options of `faithful-se grpo`, in the same way.
        seeds: one training of every arm for each seed; the first is also the seed of the mini model (default: 0).
        parallel: how many stages may run at once on this machine (default: 1).
        threads: threads of each process (default: as the machine has it).
        environment: variables of the environment of each process.
        sizes: name of a size -> the keys that it changes, for `--size`.
    """

    model: str
    datasets: tuple[str, ...]
    evaluate: Evaluate
    title: str = ""
    data: str = "hub"
    include_path: str = ""
    dtype: str = ""
    tune: tuple[Mapping[str, Any], ...] = ()
    attribute: Mapping[str, Any] = field(default_factory=dict)
    build: Mapping[str, Any] = field(default_factory=dict)
    arms: Mapping[str, Any] = field(default_factory=dict)
    explainers: tuple[Explainers, ...] = ()
    sft: Mapping[str, Any] = field(default_factory=dict)
    dpo: Mapping[str, Any] = field(default_factory=dict)
    grpo: Mapping[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0,)
    parallel: int = 1
    threads: int | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
    sizes: Mapping[str, Any] = field(default_factory=dict)


def tunings(recipe: Recipe) -> dict[str, Mapping[str, Any]]:
    """Name of a stage -> its options of `faithful-se tune`: tune, tune-2, …"""
    return {f"tune-{number}" if number > 1 else "tune": options for number, options in enumerate(recipe.tune, 1)}


def trainings(recipe: Recipe) -> dict[str, Mapping[str, Any]]:
    """Command that trains arms -> its options."""
    return {SFT: recipe.sft, DPO: recipe.dpo, GRPO: recipe.grpo}


def trainer_of(recipe: Recipe, arm: str) -> str:
    """The command that trains an arm."""
    return str(recipe.arms[arm].get("trainer", SFT))


def own_options(recipe: Recipe, arm: str) -> dict[str, Any]:
    """An arm's own options: of `faithful-se build`, or of `faithful-se grpo`, which needs no rows."""
    return {name: value for name, value in recipe.arms[arm].items() if name not in OF_THE_ARM}


def build_options(recipe: Recipe, arm: str) -> dict[str, Any]:
    """An arm's own options of `faithful-se build`."""
    own = own_options(recipe, arm)
    return {**own, "pairs": True} if trainer_of(recipe, arm) == DPO else own


def tasks_of(recipe: Recipe, arm: str) -> tuple[str, ...]:
    """The tasks that an arm is evaluated on; "" is the base."""
    return tuple(recipe.arms[arm].get("tasks", recipe.evaluate.tasks)) if arm else recipe.evaluate.tasks
