"""Train with TRL's `GRPOTrainer`, unchanged: the evaluation's procedure is the reward. A killed training resumes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.attribution.prompt.chat_template import read_template_args
from training.grpo.arguments import GrpoArguments
from training.grpo.base import base_answers
from training.grpo.checks import CheckHeldOut, HeldOut, last_check
from training.grpo.explore import exploring
from training.grpo.functions import reward_functions
from training.grpo.judge import Judge
from training.grpo.judges import choose_judge, policy_judge
from training.grpo.rows import make_rows
from training.grpo.texts import read_texts
from training.runs.settings import absolute_data
from training.trainer.callbacks import mean_loss
from training.trainer.card import make_train_info
from training.trainer.folder import TrainingFolder
from training.trainer.make import base_dtype, make_trainer
from training.trainer.provenance import compare_base_model
from training.trainer.rows import RowSource
from training.trainer.run import Describe, run_training
from training.trainer.settings import training_settings
from training.trainer.thoughts import OPTION

if TYPE_CHECKING:
    from trl import GRPOConfig, GRPOTrainer, ModelConfig

    from faithful_se.train_info import TrainInfo

METHOD = "grpo"

# Arguments that change neither weights nor rows, or that are recorded in another form.
NOT_RECORDED = frozenset({"data", "merge", "full", "chat_template_args", "judge_batch_size", "metadata"})


class GrpoFolder(TrainingFolder):
    """The folder of a training by reinforcement. `answers/` holds what the base said before."""

    settings_file = "grpo.json"
    digests: Mapping[str, str] = {"data": "was begun with other texts: give the same --tasks, --data and --limit"}


def train(arguments: GrpoArguments, training: GRPOConfig, model: ModelConfig) -> Path:
    """Train, resuming from the last complete checkpoint in `output_dir`; see `run_training`.

    Raises:
        UsageError: no texts, no chat template, a judge that cannot be asked; see `run_training`.
    """
    run = _Run(arguments, training, model)
    return run_training(run.folder, training, run.make, run.prepare, adapter=model.use_peft, merged=arguments.merge)


class _Run:
    """One training: what is read before the model is loaded, and what the trainer is made of."""

    def __init__(self, arguments: GrpoArguments, training: GRPOConfig, model: ModelConfig) -> None:
        self.arguments, self.training, self.model = arguments, training, model
        self.is_main_process = training.process_index == 0
        self.template_args = read_template_args(arguments.chat_template_args, OPTION)
        self.texts = read_texts(arguments, self._say)
        digest = hashlib.sha256()
        for part in self.texts:
            for document in (*part.trained, *part.held_out):
                digest.update(f"{document.hash} {document.gold}\n".encode())
        count = sum(len(part.trained) * len(part.specs) for part in self.texts)
        place = absolute_data(arguments.data)
        self.source = RowSource({"path": place, "rows": count, "sha256": digest.hexdigest()[:16]}, {})
        own = {name: value for name, value in vars(arguments).items() if name not in NOT_RECORDED}
        own["options"] = json.dumps(arguments.task_options.as_dict(), sort_keys=True)
        settings = training_settings(training, model, [self.source], self.template_args, own)
        self.folder = GrpoFolder(Path(training.output_dir), settings)

    def make(self) -> GRPOTrainer:
        """Ask the base for its answers, make the rows, and load what TRL trains."""
        from trl import GRPOTrainer

        arguments, training = self.arguments, self.training
        self.answers = base_answers(
            self.folder, self.texts, arguments, training, self.model, self.template_args, self._say
        )
        rows, subjects = make_rows(self.texts, self.answers, arguments.replay, training.seed)
        training.chat_template_kwargs = {**(training.chat_template_kwargs or {}), **self.template_args}
        # The judge may be the policy, which the trainer loads.
        judge: list[Judge] = []
        functions = reward_functions(
            subjects,
            lambda calls: judge[0](calls),
            arguments.reward_options,
            drawn=arguments.reward == "random",
            seed=training.seed,
        )
        self.rows = len(rows)
        more = (
            {"rollout_func": exploring(rows, subjects, arguments.explore, training.seed)} if arguments.explore else {}
        )
        trainer = make_trainer(GRPOTrainer, self.model, training, rows, reward_funcs=functions, **more)
        judge.append(choose_judge(trainer, arguments, self.model, self.template_args))
        return trainer

    def prepare(self, trainer: Any) -> Describe:
        """Add the checks, and return what describes the finished training."""
        accelerator, arguments = trainer.accelerator, self.arguments
        accelerator.print(f"{self.rows} rows, judged by {arguments.judge}")
        checks = self._checks(trainer) if arguments.held_out else None
        if checks:
            trainer.add_callback(checks)
        if accelerator.is_main_process:
            base = self.model.model_name_or_path
            provenance = compare_base_model(trainer.model, base, [])

        def describe() -> TrainInfo:
            settings = {**self.folder.settings, "dtype": base_dtype(trainer)}
            options = self._method_options(trainer, checks)
            # A sum of advantages is near 0 by construction; beyond these digits is rounding, another after a kill.
            loss = round(mean_loss(trainer.state) or 0.0, 5) + 0.0
            info = make_train_info(
                trainer, settings, [self.source], provenance, 0, loss, (self.template_args, False), METHOD, options
            )
            return {**info, **self._of_rows()}  # type: ignore[typeddict-item]

        return describe

    def _of_rows(self) -> dict[str, Any]:
        """The fields of `TrainInfo` that trainings on built rows have from their builds."""
        arguments = self.arguments
        return {
            "own_rows": True,
            "train_datasets": sorted(arguments.tasks),
            "train_styles": sorted(arguments.styles),
            "budget": [arguments.budget],
            "arm": [METHOD if arguments.reward != "random" else "random"],
            "replay": [arguments.replay],
            "classifier": [arguments.task_options.classifier],
            "num_fewshot": [arguments.num_fewshot],
            "rows": self.rows,
        }

    def _method_options(self, trainer: Any, checks: CheckHeldOut | None) -> dict[str, Any]:
        arguments, args = self.arguments, trainer.args
        options: dict[str, Any] = {
            "reward": arguments.reward,
            "effect": arguments.effect,
            "invalid": arguments.invalid,
            "judge": arguments.judge,
            "explore": arguments.explore,
            "draws": arguments.task_options.draws,
            "reward_weights": list(args.reward_weights),
            "beta": args.beta,
            "temperature": args.temperature,
            "completions": args.num_generations,
        }
        if checks:
            options |= {name: round(value, 4) for name, value in last_check(trainer.state.log_history).items()}
            if checks.stopped:
                options["stopped"] = checks.stopped
        return options

    def _checks(self, trainer: Any) -> CheckHeldOut:
        from transformers import Trainer

        held_out = HeldOut(self.texts, self.answers)
        policy = policy_judge(trainer, self.arguments, self.template_args, "--held_out", "give --held_out 0")
        accelerator = trainer.accelerator

        def measure() -> dict[str, float]:
            from accelerate.utils import broadcast_object_list

            values = [held_out.measure(policy) if accelerator.is_main_process else None]
            broadcast_object_list(values)
            return dict(values[0] or {})

        def record(values: dict[str, float]) -> None:
            # TRL's own `log` would add what it has gathered since its last entry, and begin anew.
            Trainer.log(trainer, dict(values))

        steps, lost = self.arguments.check_steps, self.arguments.most_accuracy_lost
        return CheckHeldOut(measure, held_out.base_accuracy, steps, lost, record, accelerator.print)

    def _say(self, line: str) -> None:
        if self.is_main_process:
            print(line)
