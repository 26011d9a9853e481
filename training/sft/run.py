"""Train with TRL's `SFTTrainer`, unchanged: from rows to an adapter or a model. A killed training resumes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.attribution.prompt.chat_template import read_template_args
from training.sft.lm_head import score_supervised_positions
from training.sft.shared_openings import share_openings
from training.trainer.callbacks import mean_loss
from training.trainer.card import make_train_info
from training.trainer.folder import TrainingFolder
from training.trainer.make import base_dtype, eos_token_ids, make_trainer
from training.trainer.provenance import compare_base_model
from training.trainer.rows import RowSource, TrainingRow, read_training_rows, with_template_args
from training.trainer.run import Describe, run_training
from training.trainer.settings import training_settings
from training.trainer.supervision import check_supervision
from training.trainer.thoughts import OPTION, learns_empty_thought

if TYPE_CHECKING:
    from trl import ModelConfig, SFTConfig, SFTTrainer

    from faithful_se.train_info import TrainInfo
    from training.sft.cli import DataArguments


class SftFolder(TrainingFolder):
    """The folder of a supervised training."""

    settings_file = "sft.json"


def train(data: DataArguments, training: SFTConfig, model: ModelConfig) -> Path:
    """Train, resuming from the last complete checkpoint in `output_dir`; see `run_training`.

    Raises:
        UsageError: wrong rows, no chat template, a row without a loss; see `run_training`.
    """
    rows, sources = read_training_rows(data.data)
    rows, template_args = with_template_args(rows, read_template_args(data.chat_template_args, OPTION))
    own = {"shared_openings": data.shared_openings}
    settings = training_settings(training, model, sources, template_args, own)
    folder = SftFolder(Path(training.output_dir), settings)

    def make() -> SFTTrainer:
        from trl import SFTTrainer

        trainer = make_trainer(SFTTrainer, model, training, rows)
        score_supervised_positions(trainer)
        if data.shared_openings:
            share_openings(trainer)
        return trainer

    def prepare(trainer: Any) -> Describe:
        return _prepare(trainer, folder, rows, sources, template_args)

    return run_training(folder, training, make, prepare, adapter=model.use_peft, merged=data.merge)


def _prepare(
    trainer: SFTTrainer,
    folder: TrainingFolder,
    rows: list[TrainingRow],
    sources: list[RowSource],
    template_args: dict[str, Any],
) -> Describe:
    """Check the rows as they were tokenized; returns what describes the finished training."""
    accelerator, max_length = trainer.accelerator, trainer.args.max_length
    empty_thoughts = learns_empty_thought(trainer.processing_class, rows[0], template_args, trainer.chat_template)
    tokens = check_supervision(trainer.train_dataset["labels"], rows, eos_token_ids(trainer), max_length)
    accelerator.print(f"{len(rows)} rows, {tokens} tokens with a loss")
    if accelerator.is_main_process:
        base = folder.settings["model"]["model_name_or_path"]
        provenance = compare_base_model(trainer.model, base, sources)

    def describe() -> TrainInfo:
        settings = {**folder.settings, "dtype": base_dtype(trainer)}
        thoughts = template_args, empty_thoughts
        return make_train_info(trainer, settings, sources, provenance, tokens, mean_loss(trainer.state), thoughts)

    return describe
