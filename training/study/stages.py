"""A study as a list of commands, each written as a user types it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.study.explained import explained_stages, explains_with_a_list
from training.study.options import pairs, words
from training.study.recipe import (
    BASE,
    GRPO,
    MINI,
    Recipe,
    build_options,
    own_options,
    tasks_of,
    trainer_of,
    trainings,
    tunings,
)
from training.study.stage import Stage, command_of

# Options of `faithful-se tune` that stand alone. Its others are TRL's.
SWITCHES = {"full", "strict", "unknown"}


@dataclass(frozen=True)
class Study:
    """The stages of one study in the folder `out`."""

    out: Path
    recipe: Recipe

    @property
    def base(self) -> str:
        """The model before any training: a folder or hub name."""
        return str(self.out / "base") if self.recipe.model == MINI else self.recipe.model

    @property
    def subject(self) -> str:
        """The model that is studied: the tuned one, where the recipe tunes."""
        names = list(tunings(self.recipe))
        return str(self._tuned(names[-1]) / "model") if names else self.base

    @property
    def arms(self) -> dict[str, tuple[str, int]]:
        """Name of a training -> its arm and seed. The first seed has the arm's own name."""
        first = self.recipe.seeds[0]
        return {
            name if seed == first else f"{name}-seed{seed}": (name, seed)
            for name in self.recipe.arms
            for seed in self.recipe.seeds
        }

    @property
    def title(self) -> str:
        """Heading of the board."""
        seeds = self.recipe.seeds
        heading = self.recipe.title or f"{Path(self.recipe.model).name}, before and after training"
        return f"{heading} (seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))})"

    def stages(self) -> list[Stage]:
        """All stages, in an order that also works one after the other."""
        arms = [stage for name in self.arms for stage in self._arm(name)]
        explained = list(explained_stages(self.recipe, self.out, self.arms, self._explained))
        base = self._evaluation(BASE)
        training = [self._attribution()] if self.recipe.arms else []
        evaluations = [stage for stage in (base, *arms, *explained) if stage.marked]
        return [*self._model(), *training, base, *arms, *explained, self._board(evaluations)]

    def _model(self) -> Iterator[Stage]:
        """What makes the model that is studied, where that is not there already."""
        if self.recipe.model == MINI:
            folder = self.out / "base"
            command = command_of("faithful-se", "mini", "--out", folder, "--seed", self.recipe.seeds[0])
            yield Stage("base", command, folder / "mini.json", "the mini model: from the cache, or trained")
        model, after = self.base, ("base",) if self.recipe.model == MINI else ()
        for name, options in tunings(self.recipe).items():
            folder = self._tuned(name)
            command = command_of(
                *("faithful-se", "tune", "--model", model, "--tasks", *self.recipe.datasets),
                *(
                    "--data",
                    self.recipe.data,
                    *self._include_path(),
                    "--out",
                    folder,
                    *words(self._with_config(name, options), set(options) - SWITCHES),
                ),
            )
            purpose = "the subject: the model, tuned on gold answers"
            yield self._stage(name, command, folder / "manifest.json", purpose, options, after)
            model, after = str(folder / "model"), (name,)

    def _tuned(self, stage: str) -> Path:
        """The folder of a tuning: subject, subject-2, …"""
        return self.out / stage.replace("tune", "subject")

    def _attribution(self) -> Stage:
        folder, options = self.out / "attributions", dict(self.recipe.attribute)
        if explains_with_a_list(self.recipe):
            options["word-list"] = True
        command = command_of(
            *("faithful-se", "attribute", "--model", self.subject, "--tasks", *self.recipe.datasets),
            *("--data", self.recipe.data, *self._include_path(), *words(options), *self._dtype(), "--out", folder),
        )
        purpose = f"{options.get('limit', 'all')} texts a dataset, {options.get('method', 'occlusion')}"
        return self._stage("attribute", command, folder / "manifest.json", purpose, options, self._subject_stage)

    def _evaluation(self, name: str, adapter: Path | None = None, arm: str = "") -> Stage:
        """Evaluate the subject, or an adapter, with plain lm_eval: all tasks, or those of the arm, in one run."""
        results, tasks = self.out / "results" / name, tasks_of(self.recipe, arm)
        after = (f"{trainer_of(self.recipe, arm)}-{name}",) if adapter else self._subject_stage
        return Stage(
            f"evaluate-{name}", self._lm_eval(name, adapter, tasks, results), results / "complete",
            f"lm_eval, {self.recipe.evaluate.limit or 'all'} texts a task", after, arm,
            self.recipe.evaluate.launch, marked=True, tasks=tasks,
        )  # fmt: skip

    def _explained(self, name: str, by: str, source: str, tasks: tuple[str, ...]) -> Stage:
        """Evaluate an adapter as another explains its answers. What it needs is for the caller to say."""
        results = self.out / "results" / f"{name}-by-{by}"
        command = self._lm_eval(name, self.out / "trained" / name, tasks, results, explanations=source)
        purpose = f"the answers of {name}, explained by {by}"
        return Stage(
            name, command, results / "complete", purpose, launch=self.recipe.evaluate.launch, marked=True, tasks=tasks
        )

    def _lm_eval(
        self, name: str, adapter: Path | None, tasks: tuple[str, ...], results: Path, **more: str
    ) -> tuple[str, ...]:
        """The command that evaluates a checkpoint, with `more` options of the tasks."""
        plan = self.recipe.evaluate
        peft = {"lora_local_path" if plan.model.startswith("vllm") else "peft": adapter} if adapter else {}
        pretrained = self._model_of(name)[0] if adapter else self.subject
        model_args = {"pretrained": pretrained, **({"dtype": self.recipe.dtype} if self.recipe.dtype else {})}
        options = {"data": self.recipe.data, **plan.options, **more}
        limit = () if plan.limit is None else ("--limit", plan.limit)
        cache = ("--use_cache", self.out / "cache" / name) if plan.cache else ()
        return command_of(
            *("lm_eval", "run", "--model", plan.model, "--model_args"),
            *pairs({**model_args, **plan.model_args, **peft}),
            *("--tasks", *tasks, "--apply_chat_template", "--metadata", *pairs(options), *limit),
            *(*self._include_path(), *words(plan.arguments), *cache, "--log_samples", "--output_path", results),
        )

    def _arm(self, name: str) -> list[Stage]:
        """Build the rows of one arm, train on them, evaluate."""
        arm, _ = self.arms[name]
        training = self._training(name)
        stages = [training, self._evaluation(name, self.out / "trained" / name, arm)]
        if trainer_of(self.recipe, arm) != GRPO:
            stages.insert(0, self._build(name))
        if any(options.get("after") == arm for options in self.recipe.arms.values()):
            # The same command again: the training is complete, and it only merges.
            merge, merged = (*training.command, "--merge", "true"), training.done.parent / "merged" / "config.json"
            purpose = "adapter and model as one, to go on with"
            stages.append(Stage(f"merge-{name}", merge, merged, purpose, (training.name,), arm, config=training.config))
        return stages

    def _build(self, name: str) -> Stage:
        (arm, seed), rows = self.arms[name], self.out / "rows" / name
        build = command_of(
            *("faithful-se", "build", "--attributions", self.out / "attributions", "--model", self.subject),
            *("--out", rows, "--seed", seed, *self._include_path(), *self._dtype()),
            *words({**self.recipe.build, **build_options(self.recipe, arm)}),
        )
        purpose = self.recipe.arms[arm].get("purpose", arm)
        return Stage(f"build-{name}", build, rows / "manifest.json", f"rows: {purpose}", ("attribute",), arm)

    def _training(self, name: str) -> Stage:
        """Train one arm: on its rows, or on texts."""
        arm, seed = self.arms[name]
        trainer, (model, merging) = trainer_of(self.recipe, arm), self._model_of(name)
        section, trained = trainings(self.recipe)[trainer], self.out / "trained" / name
        config = self._with_config(trainer, section)
        data: tuple[object, ...] = ("--data", self.out / "rows" / name)
        purpose, after = "training with TRL (LoRA)", (f"build-{name}", *merging)
        if trainer == GRPO:
            config |= own_options(self.recipe, arm)
            data = ("--data", self.recipe.data, "--tasks", *self.recipe.datasets, *self._include_path())
            purpose, after = str(self.recipe.arms[arm].get("purpose", arm)), merging or self._subject_stage
        first = {"config": config.pop("config")} if "config" in config else {}
        command = command_of(
            *("faithful-se", trainer, *words(first), "--model_name_or_path", model, *data, "--output_dir", trained),
            *words(config, config),
            *("--seed", seed),
        )
        return self._stage(f"{trainer}-{name}", command, trained / "manifest.json", purpose, section, after, arm)

    def _model_of(self, name: str) -> tuple[str, tuple[str, ...]]:
        """The model that a training begins with, and the stage that makes it if that is another training."""
        arm, seed = self.arms[name]
        earlier = self.recipe.arms[arm].get("after")
        if earlier is None:
            return self.subject, ()
        before = next(other for other, of in self.arms.items() if of == (earlier, seed))
        return str(self.out / "trained" / before / "merged"), (f"merge-{before}",)

    def _board(self, evaluations: list[Stage]) -> Stage:
        """Make the leaderboard of all evaluations."""
        folder = self.out / "board"
        command = command_of("faithful-se", "board", self.out / "results", "--out", folder, "--title", self.title)
        after = tuple(stage.name for stage in evaluations)
        return Stage("board", command, folder / "index.html", "the leaderboard of all checkpoints", after)

    @property
    def _subject_stage(self) -> tuple[str, ...]:
        return tuple(stage.name for stage in self._model())[-1:]

    def _dtype(self) -> tuple[str, ...]:
        return ("--dtype", self.recipe.dtype) if self.recipe.dtype else ()

    def _include_path(self) -> tuple[str, ...]:
        return ("--include_path", self.recipe.include_path) if self.recipe.include_path else ()

    def _with_config(self, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """Options whose `config` is the copy in the folder of the study."""
        return {**options, **({"config": self.out / f"{name}.yaml"} if "config" in options else {})}

    def _stage(
        self,
        name: str,
        command: tuple[str, ...],
        done: Path,
        purpose: str,
        options: Mapping[str, Any],
        after: tuple[str, ...],
        arm: str = "",
    ) -> Stage:
        """A stage whose section of the recipe may hold `launch` and `config`."""
        config = self.out / f"{'sft' if arm else name}.yaml" if "config" in options else None
        return Stage(name, command, done, purpose, after, arm, options.get("launch", ""), config)
