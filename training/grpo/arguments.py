"""The arguments of `faithful-se grpo` besides those of TRL's dataclasses."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from faithful_se.errors import UsageError
from lm_eval_tasks.options import Options
from lm_eval_tasks.read_options import read_options
from lm_eval_tasks.styles import BUDGETS, EXPLANATION_STYLES
from training.grpo.reward import EFFECTS, INVALID, RewardOptions
from training.trainer.arguments import TrainerArguments, read_trainer_arguments

if TYPE_CHECKING:
    from trl import GRPOConfig, ModelConfig

# What rewards an explanation: the evaluation, or a number that is drawn (a control arm).
REWARDS = ("faithfulness", "random")
BASE, POLICY = "base", "policy"

# `--reward_weights`: of the explanation's effect, of its format, and of the answers that must stay.
WEIGHTS = (1.0, 0.2, 1.0)

# TRL's defaults are no KL and 256 tokens. Most explanations are short, and nothing holds the answers without a KL.
BETA, COMPLETION = 0.02, 64

# Options of the tasks that have an argument of their own here, or no meaning.
ELSEWHERE = {"data": "--data", "controls": "", "order": "--order", "quick": "", "elicit": "", "infill_from": ""}


def _option(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass
class GrpoArguments(TrainerArguments):
    """Arguments besides those of TRL's dataclasses."""

    data: str = _option("hub", "where texts are: hub, mini or a folder, as --metadata data= of lm_eval")
    tasks: list[str] = field(default_factory=list, metadata={"help": "datasets, as in the names of the tasks"})
    styles: list[str] = field(
        default_factory=lambda: ["attribution"],
        metadata={"help": f"styles of the explanations: {', '.join(EXPLANATION_STYLES)}"},
    )
    budget: str = _option("oneword", "oneword or multiword")
    include_path: str = _option("", "folder of datasets outside the package, as faithful-se new writes them")
    limit: int = _option(1000, "texts of each dataset's training split")
    order: str = _option("balanced", "file, or balanced: every gold label equally often")
    system: str = _option("", "a system message that opens every conversation")
    num_fewshot: int = _option(0, "labelled examples before the question, from the training split")
    metadata: str = _option(
        "", 'further options of the tasks as JSON, as --metadata of lm_eval: {"classifier": "loglikelihood"}'
    )
    reward: str = _option("faithfulness", "faithfulness, or random: a control")
    effect: str = _option("flip", f"what an explanation is rewarded for: {', '.join(EFFECTS)}")
    invalid: str = _option(
        "chance", f"what an explanation without a readable format gets: {', '.join(INVALID)} (chance: 0 minus chance)"
    )
    judge: str = _option(
        BASE,
        "who is asked whether the answer changes: base (the model before the training), policy (as it is now), or "
        "another model",
    )
    judge_batch_size: int = _option(64, "prompts at once that the judge answers")
    explore: float = _option(
        0.0, "share of the completions of a prompt that name drawn words, for a policy that is sure of its own"
    )
    replay: float = _option(0.25, "share of classifications among the rows, rewarded for the base's own answer")
    held_out: int = _option(64, "texts of each dataset's validation split that checks ask about; 0 for no checks")
    check_steps: int = _option(50, "steps between two checks: accuracy, changed answers, lift")
    most_accuracy_lost: float = _option(0.02, "the training stops where a check finds accuracy lower by more")

    def check(self) -> None:
        """Check what needs no other argument.

        Raises:
            UsageError: names the argument.
        """
        super().check()
        if not self.tasks:
            raise UsageError("give --tasks DATASET …, as in the names of the tasks")
        for name, value, choices in (
            *(("styles", style, EXPLANATION_STYLES) for style in self.styles),
            ("budget", self.budget, BUDGETS),
            ("order", self.order, ("file", "balanced")),
            ("reward", self.reward, REWARDS),
        ):
            if value not in choices:
                raise UsageError(f"--{name} {value}: give one of {', '.join(choices)}")
        for name, values in (("tasks", self.tasks), ("styles", self.styles)):
            if not values or len(set(values)) < len(values):
                raise UsageError(f"--{name} {' '.join(values)}: give each once")
        for name, least in (
            *(("limit", 1), ("num_fewshot", 0), ("judge_batch_size", 1)),
            *(("held_out", 0), ("check_steps", 1)),
        ):
            if getattr(self, name) < least:
                raise UsageError(f"--{name} {getattr(self, name)}: give a whole number from {least}")
        for name, whole in (("replay", "rows"), ("explore", "completions")):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"--{name} {getattr(self, name)}: give a share of all {whole}, from 0 to below 1")
        if self.most_accuracy_lost < 0:
            raise UsageError(f"--most_accuracy_lost {self.most_accuracy_lost}: give a share from 0")
        self.reward_options.check(self.task_options.ranked)

    @property
    def reward_options(self) -> RewardOptions:
        """How explanations are rewarded."""
        return RewardOptions(self.effect, self.invalid)

    @property
    def task_options(self) -> Options:
        """The options of the tasks.

        Raises:
            UsageError: `metadata` is no JSON object, or holds a wrong option.
        """
        values: Any = self.metadata or {}
        if isinstance(values, str):  # a recipe can hold a mapping
            try:
                values = json.loads(values)
            except ValueError as error:
                raise UsageError(f'--metadata {values}: no JSON: give such as {{"draws": 4}}') from error
        if not isinstance(values, dict):
            raise UsageError(f'--metadata {values}: give a JSON object, such as {{"draws": 4}}')
        for name in values.keys() & ELSEWHERE.keys():
            raise UsageError(f"--metadata {name}=…: {f'give {ELSEWHERE[name]}' if ELSEWHERE[name] else 'leave it out'}")
        own = {"data": self.data, "controls": "random", "order": self.order}
        options = read_options("grpo", {}, {**values, **own})  # refuses names that are nearly an option
        if unknown := sorted(values.keys() - Options.__dataclass_fields__.keys()):
            raise UsageError(f"--metadata {unknown[0]}=…: the tasks have no such option")
        return options


def read_arguments(arguments: Sequence[str]) -> tuple[GrpoArguments, GRPOConfig, ModelConfig]:
    """The arguments of `faithful-se grpo`; see `read_trainer_arguments`.

    Raises:
        UsageError: a wrong argument.
    """
    defaults = {"beta": BETA, "reward_weights": list(WEIGHTS), "max_completion_length": COMPLETION}
    own, training, model = read_trainer_arguments(
        arguments, "faithful-se grpo", GrpoArguments, "GRPOConfig", **defaults
    )
    own.check()
    if len(training.reward_weights) != len(WEIGHTS):
        raise UsageError(
            f"--reward_weights {' '.join(map(str, training.reward_weights))}: give three: of the effect, of the "
            "format, of the answers that must stay"
        )
    if own.explore and training.use_vllm:
        raise UsageError("--explore does not go with --use_vllm, which must know how likely its tokens are: drop one")
    if own.explore and training.beta:
        # TRL's estimate is exp(r - p) - (r - p) - 1. On a drawn word that the policy has nearly given up it explodes: a
        # mean of 1,746 nats after thirty steps of the mini model.
        raise UsageError(
            f"--explore does not go with a KL (--beta {training.beta:g}), whose estimate is of the policy's own words: "
            "give --beta 0, and --replay holds the answers"
        )
    _check_resumable(training)
    return own, training, model


def _check_resumable(training: GRPOConfig) -> None:
    """Refuse checkpoints between two generations: what was generated is not in them.

    Raises:
        UsageError: names the number of steps that fits.
    """
    rounds, accumulated = training.steps_per_generation * training.num_iterations, training.gradient_accumulation_steps
    steps = rounds // math.gcd(rounds, accumulated)
    if training.save_strategy == "steps" and training.save_steps >= 1 and training.save_steps % steps:
        raise UsageError(
            f"--save_steps {training.save_steps:g}: completions serve {steps} steps, and a killed training would go on "
            f"with others: give a multiple of {steps}"
        )
