"""Train with TRL's `SFTTrainer`, unchanged: from rows to an adapter or a model. A killed training resumes."""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faithful_se.files import check_writable
from faithful_se.train_info import CARD, TRAIN_INFO
from training.attribution.prompt.chat_template import read_template_args
from training.runs.folder import MANIFEST
from training.sft.callbacks import LogAtCheckpoints, SeedEachPass, mean_loss
from training.sft.card import make_train_info, write_card
from training.sft.disk import disk_errors
from training.sft.folder import TrainingFolder, is_last_step, last_checkpoint
from training.sft.lm_head import score_supervised_positions
from training.sft.merge import merge
from training.sft.provenance import compare_base_model
from training.sft.rows import (
    TEMPLATE_ARGS,
    RowSource,
    TrainingRow,
    check_supervision,
    read_training_rows,
    with_template_args,
)
from training.sft.save_weights import refuse_lost_adapter, save_weights
from training.sft.shared_openings import share_openings
from training.sft.thoughts import OPTION, learns_empty_thought
from training.sft.trainer import eos_token_ids, make_trainer

if TYPE_CHECKING:
    from trl import ModelConfig, SFTConfig, SFTTrainer

    from training.sft.cli import DataArguments

# Options that may change between two calls of one training: where and how often something is written or shown.
NOT_COMPARED = frozenset(
    {"output_dir", "logging_dir", "logging_steps", "resume_from_checkpoint", "disable_tqdm", "report_to", "run_name"}
)


def train(data: DataArguments, training: SFTConfig, model: ModelConfig) -> Path:
    """Train, resuming from the last complete checkpoint in `output_dir`.

    Returns:
        The folder: adapter (or model) and tokenizer, `README.md`, `train_info.json`, and `manifest.json`, written last.

    Raises:
        UsageError: wrong rows, no chat template, a folder of another training, a row without a loss, weights that were
            not written. A disk that is full or cannot be written to.
    """
    rows, sources = read_training_rows(data.data)
    rows, template_args = with_template_args(rows, read_template_args(data.chat_template_args, OPTION))
    folder = TrainingFolder(Path(training.output_dir), _settings(data, training, model, sources, template_args))
    folder.check()
    info, missing = folder.read_finished(adapter=model.use_peft)
    is_main_process = training.process_index == 0
    if missing or not info:
        check_writable(folder.path, folder.option)
        trainer = make_trainer(model, training, rows)
        trainer.add_callback(LogAtCheckpoints())
        trainer.add_callback(SeedEachPass())
        score_supervised_positions(trainer)
        if data.shared_openings:
            share_openings(trainer)
        accelerator = trainer.accelerator
        is_main_process = accelerator.is_main_process
        _train_and_save(trainer, folder, rows, sources, missing)
        accelerator.wait_for_everyone()
        # The wrapper of data parallelism must go before the process group. The last object that holds the group joins
        # its threads; torch's wrapper would do so while it holds the interpreter's lock, and one process would hang.
        del trainer
        accelerator.free_memory()
        gc.collect()
        accelerator.end_training()
    elif is_main_process and not all((folder.path / name).is_file() for name in (CARD, TRAIN_INFO)):
        write_card(folder.path, info)
    if data.merge and is_main_process and not (folder.path / "merged").is_dir():
        # Older versions did not record it.
        dtype = (folder.read_manifest() or {}).get("dtype")
        with disk_errors(folder.path):
            merge(folder.path, folder.path / "merged", dtype or "auto")
        rounding = "" if dtype == "float32" else ", which rounds what was learnt"
        print(f"{folder.path / 'merged'}: merged in {dtype or 'the dtype of the base'}{rounding}")
    return folder.path


def _train_and_save(
    trainer: SFTTrainer,
    folder: TrainingFolder,
    rows: list[TrainingRow],
    sources: list[RowSource],
    missing: str,
) -> None:
    """Train and write everything, the manifest last; see `TrainingFolder.read_finished` for the last argument."""
    refuse_lost_adapter(trainer)
    accelerator, max_length = trainer.accelerator, trainer.args.max_length
    template_args = rows[0].get(TEMPLATE_ARGS, {})
    empty_thoughts = learns_empty_thought(trainer.processing_class, rows[0], template_args, trainer.chat_template)
    tokens = check_supervision(trainer.train_dataset["labels"], rows, eos_token_ids(trainer), max_length)
    accelerator.print(f"{len(rows)} rows, {tokens} tokens with a loss")
    if accelerator.is_main_process:
        base = folder.settings["model"]["model_name_or_path"]
        provenance = compare_base_model(trainer.model, base, sources)
    with folder.open() if accelerator.is_main_process else nullcontext():
        with disk_errors(folder.path):
            _train(trainer, folder.path, missing)
            save_weights(trainer, folder.path)
        if accelerator.is_main_process:
            settings = {**folder.settings, "dtype": _base_dtype(trainer)}
            thoughts = template_args, empty_thoughts
            loss = mean_loss(trainer.state)
            info = make_train_info(trainer, settings, sources, provenance, tokens, loss, thoughts)
            write_card(folder.path, info)
            folder.write_manifest(info)
            shutil.rmtree(folder.path / "merged", ignore_errors=True)


def _base_dtype(trainer: SFTTrainer) -> str:
    """Number format of the trained model's own weights. An adapter's may be finer."""
    model: Any = trainer.accelerator.unwrap_model(trainer.model)
    base = model.get_base_model() if hasattr(model, "peft_config") else model
    return str(base.dtype).removeprefix("torch.")


def _train(trainer: SFTTrainer, out: Path, missing: str) -> None:
    """Train from the last checkpoint on."""
    checkpoint = last_checkpoint(out)
    if missing:
        remedy = f"resuming from {checkpoint.name}" if checkpoint else "training again"
        trainer.accelerator.print(f"{out}: {missing} of the finished training is missing or damaged: {remedy}")
        (out / MANIFEST).unlink(missing_ok=True)
    with _no_further_step(trainer) if checkpoint and is_last_step(checkpoint) else nullcontext():
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)


@contextmanager
def _no_further_step(trainer: SFTTrainer) -> Iterator[None]:
    """Load the checkpoint of the last step without training on.

    Where the last step is in the middle of an epoch (`--max_steps`, parts of an epoch), transformers would make one
    step too many.
    """
    args = trainer.args
    limits = args.max_steps, args.num_train_epochs
    args.max_steps, args.num_train_epochs = -1, 0
    try:
        yield
    finally:
        args.max_steps, args.num_train_epochs = limits


def _settings(
    data: DataArguments,
    training: SFTConfig,
    model: ModelConfig,
    sources: list[RowSource],
    template_args: Mapping[str, Any],
) -> Any:
    """`sft.json`: what makes the weights what they are."""
    settings: dict[str, Any] = {
        "data": [{"rows": source.file["rows"], "sha256": source.file["sha256"]} for source in sources],
        "model": vars(model),
        "training": {name: value for name, value in training.to_dict().items() if name not in NOT_COMPARED},
    }
    if template_args:  # as text: `TrainingFolder.comparable` takes a mapping for a group of options
        settings["chat_template_args"] = json.dumps(template_args, sort_keys=True)
    if data.shared_openings:  # only where it is on: folders of older versions stay the same
        settings["shared_openings"] = True
    return json.loads(json.dumps(settings, default=str))
