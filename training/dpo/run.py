"""Train with TRL's `DPOTrainer`, unchanged: from pairs to an adapter or a model. A killed training resumes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.attribution.prompt.chat_template import read_template_args
from training.trainer.callbacks import mean_loss
from training.trainer.card import make_train_info
from training.trainer.folder import TrainingFolder
from training.trainer.make import base_dtype, eos_token_ids, make_trainer
from training.trainer.provenance import compare_base_model
from training.trainer.rows import PAIRS, RowSource, TrainingRow, read_training_rows, with_template_args
from training.trainer.run import Describe, run_training
from training.trainer.settings import training_settings
from training.trainer.supervision import IGNORED, check_supervision
from training.trainer.thoughts import OPTION, learns_empty_thought

if TYPE_CHECKING:
    from trl import DPOConfig, DPOTrainer, ModelConfig

    from faithful_se.train_info import TrainInfo
    from training.trainer.arguments import TrainerArguments


class DpoFolder(TrainingFolder):
    """The folder of a training on pairs."""

    settings_file = "dpo.json"


def train(data: TrainerArguments, training: DPOConfig, model: ModelConfig) -> Path:
    """Train, resuming from the last complete checkpoint in `output_dir`; see `run_training`.

    The reference of an adapter is the model below it; that of a whole model is a second copy of it.

    Raises:
        UsageError: wrong rows, no chat template, an explanation without a loss; see `run_training`.
    """
    rows, sources = read_training_rows(data.data, PAIRS)
    rows, template_args = with_template_args(rows, read_template_args(data.chat_template_args, OPTION))
    settings = training_settings(training, model, sources, template_args, own={})
    folder = DpoFolder(Path(training.output_dir), settings)

    def make() -> DPOTrainer:
        from trl import DPOTrainer

        return make_trainer(DPOTrainer, model, training, rows)

    def prepare(trainer: Any) -> Describe:
        return _prepare(trainer, folder, rows, sources, template_args)

    return run_training(folder, training, make, prepare, adapter=model.use_peft, merged=data.merge)


def _prepare(
    trainer: DPOTrainer,
    folder: TrainingFolder,
    rows: list[TrainingRow],
    sources: list[RowSource],
    template_args: dict[str, Any],
) -> Describe:
    """Check both explanations of each pair as they were tokenized; returns what describes the finished training."""
    accelerator, args = trainer.accelerator, trainer.args
    chosen = [{"prompt": row["prompt"], "completion": row["chosen"]} for row in rows]
    empty_thoughts = learns_empty_thought(trainer.processing_class, chosen[0], template_args)
    tokens = 0
    for column in ("chosen", "rejected"):
        explanations = [{"completion": row[column]} for row in rows]
        labels = _labels(trainer.train_dataset, column, args.max_length)
        tokens += check_supervision(labels, explanations, eos_token_ids(trainer), args.max_length)
    accelerator.print(f"{len(rows)} pairs, {tokens} tokens with a loss")
    if accelerator.is_main_process:
        base = folder.settings["model"]["model_name_or_path"]
        provenance = compare_base_model(trainer.model, base, sources)

    def describe() -> TrainInfo:
        settings = {**folder.settings, "dtype": base_dtype(trainer)}
        thoughts, loss = (template_args, empty_thoughts), mean_loss(trainer.state)
        options = {"beta": args.beta, "loss_type": list(args.loss_type)}
        return make_train_info(trainer, settings, sources, provenance, tokens, loss, thoughts, "dpo", options)

    return describe


def _labels(dataset: Any, column: str, max_length: int | None) -> list[list[int]]:
    """Token ids of each explanation, cut as TRL cuts them, and `IGNORED` for each token of its prompt."""
    pairs = zip(dataset["prompt_ids"], dataset[f"{column}_ids"], strict=True)
    return [([IGNORED] * len(prompt) + list(ids))[:max_length] for prompt, ids in pairs]
