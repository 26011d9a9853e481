"""The demo as a list of commands, each written as a user types it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from training.demo.plan import Arm, Size


@dataclass(frozen=True)
class Stage:
    """One command of the demo.

    Attributes:
        name: names its log.
        command: console script and arguments.
        done: the file that exists once the stage is complete.
        purpose: what it does, in a few words.
        marked: the command writes no such file last (lm_eval): the runner writes `done` after it.
    """

    name: str
    command: tuple[str, ...]
    done: Path
    purpose: str
    marked: bool = False

    def typed(self) -> str:
        """The command line, to copy into a shell."""
        return shlex.join(self.command)


@dataclass(frozen=True)
class Demo:
    """The stages of one demo in the folder `out`. The seed is that of the base, the rows and the training."""

    out: Path
    size: Size
    seed: int

    def base(self) -> Stage:
        """Train the mini model, or copy it from the cache."""
        folder = self.out / "base"
        command = _command("faithful-se", "mini", "--out", folder, "--seed", self.seed)
        return Stage("base", command, folder / "mini.json", "the mini model: from the cache, or trained")

    def attribution(self) -> Stage:
        """Score the words of the training texts."""
        folder = self.out / "attributions"
        command = _command(
            *("faithful-se", "attribute", "--model", self.out / "base", "--tasks", *self.size.trained),
            *("--data", "mini", "--split", "train", "--limit", self.size.texts, "--out", folder),
        )
        return Stage("attribute", command, folder / "manifest.json", f"{self.size.texts} texts a dataset, occlusion")

    def evaluation(self, name: str, adapter: Path | None = None) -> Stage:
        """Evaluate the base, or an adapter on it, with plain lm_eval: all tasks in one run."""
        results = self.out / "results" / name
        command = _command(
            *("lm_eval", "run", "--model", "hf", "--model_args", f"pretrained={self.out / 'base'}"),
            *([f"peft={adapter}"] if adapter else []),
            *("--tasks", *self.size.tasks, "--apply_chat_template", "--metadata", "data=mini"),
            *("controls=random+oracle", "--limit", self.size.tests, "--device", "cpu", "--batch_size", 128),
            *("--log_samples", "--output_path", results),
        )
        purpose = f"lm_eval, {self.size.tests} texts a task"
        return Stage(f"evaluate-{name}", command, results / "complete", purpose, marked=True)

    def arm(self, arm: Arm) -> list[Stage]:
        """Build the rows of one arm, train on them, evaluate."""
        return [self._build(arm), self._training(arm), self.evaluation(arm.name, self.out / "trained" / arm.name)]

    def _build(self, arm: Arm) -> Stage:
        rows = self.out / "rows" / arm.name
        command = _command(
            *("faithful-se", "build", "--attributions", self.out / "attributions", "--model", self.out / "base"),
            *("--out", rows, "--seed", self.seed, *arm.build),
        )
        return Stage(f"build-{arm.name}", command, rows / "manifest.json", f"rows: {arm.purpose}")

    def _training(self, arm: Arm) -> Stage:
        trained = self.out / "trained" / arm.name
        command = _command(
            *("faithful-se", "sft", "--config", self.out / "sft.yaml", "--model_name_or_path", self.out / "base"),
            *("--data", self.out / "rows" / arm.name, "--output_dir", trained),
            *("--num_train_epochs", self.size.epochs, "--seed", self.seed),
        )
        return Stage(f"sft-{arm.name}", command, trained / "manifest.json", "training with TRL (LoRA)")

    def board(self) -> Stage:
        """Make the leaderboard of all evaluations."""
        folder = self.out / "board"
        title = f"The mini model, before and after training (seed {self.seed})"
        command = _command("faithful-se", "board", self.out / "results", "--out", folder, "--title", title)
        return Stage("board", command, folder / "index.html", "the leaderboard of all checkpoints")

    def stages(self) -> list[Stage]:
        """All stages, in an order that also works one after the other."""
        arms = [stage for arm in self.size.arms for stage in self.arm(arm)]
        return [self.base(), self.attribution(), self.evaluation("base"), *arms, self.board()]


def _command(*words: object) -> tuple[str, ...]:
    return tuple(map(str, words))
