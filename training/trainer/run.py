"""Train with a trainer of TRL, unchanged; a killed training resumes. What differs between the commands is given."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faithful_se.files import check_writable
from faithful_se.train_info import CARD, TRAIN_INFO, TrainInfo
from training.runs.folder import MANIFEST
from training.trainer.callbacks import LogAtCheckpoints, SeedEachPass
from training.trainer.card import write_card
from training.trainer.disk import disk_errors
from training.trainer.folder import TrainingFolder, is_last_step, last_checkpoint
from training.trainer.hub import check_push, push
from training.trainer.log import write_log
from training.trainer.merge import merge
from training.trainer.save_weights import refuse_lost_adapter, save_weights

if TYPE_CHECKING:
    from transformers import Trainer, TrainingArguments

# Called after the last step, in the main process.
Describe = Callable[[], TrainInfo]


def run_training(
    folder: TrainingFolder,
    training: TrainingArguments,
    make: Callable[[], Trainer],
    prepare: Callable[[Trainer], Describe],
    *,
    adapter: bool,
    merged: bool,
) -> Path:
    """Train, resuming from the last complete checkpoint in the folder. A finished training is left alone.

    Args:
        folder: of the training, with its settings.
        training: TRL's dataclass.
        make: loads the model and tokenizes the rows; called only where something is left to train.
        prepare: checks the trainer before the first step, in all processes, and returns what describes the training
            after the last one. It may add callbacks. It must not keep the trainer beyond that.
        adapter: whether an adapter is trained, not the whole model.
        merged: whether to write `merged/` too.

    Returns:
        The folder: adapter (or model) and tokenizer, `README.md`, `train_info.json`, and `manifest.json`, written last.

    Raises:
        UsageError: a folder of another training, or weights that were not written. A disk that is full or cannot be
            written to. And what `make` and `prepare` refuse.
    """
    folder.check()
    if training.push_to_hub:
        check_push(training, folder.path)
    info, missing = folder.read_finished(adapter)
    is_main_process = training.process_index == 0
    if missing or not info:
        check_writable(folder.path, folder.option)
        trainer = make()
        trainer.add_callback(LogAtCheckpoints())
        trainer.add_callback(SeedEachPass())
        accelerator = trainer.accelerator
        is_main_process = accelerator.is_main_process
        _train_and_save(trainer, folder, prepare, missing)
        accelerator.wait_for_everyone()
        # The wrapper of data parallelism must go before the process group. The last object that holds the group joins
        # its threads; torch's wrapper would do so while it holds the interpreter's lock, and one process would hang.
        del trainer
        accelerator.free_memory()
        gc.collect()
        accelerator.end_training()
    elif is_main_process and not all((folder.path / name).is_file() for name in (CARD, TRAIN_INFO)):
        write_card(folder.path, info)
    if training.push_to_hub and is_main_process:
        print(f"{push(training, folder.path)}: uploaded")
    if merged and is_main_process and not (folder.path / "merged").is_dir():
        _merge(folder)
    return folder.path


def _train_and_save(
    trainer: Trainer, folder: TrainingFolder, prepare: Callable[[Trainer], Describe], missing: str
) -> None:
    """Train and write everything, the manifest last; see `TrainingFolder.read_finished` for the last argument."""
    refuse_lost_adapter(trainer)
    describe, accelerator = prepare(trainer), trainer.accelerator
    with folder.open() if accelerator.is_main_process else nullcontext():
        with disk_errors(folder.path):
            _train(trainer, folder.path, missing)
            save_weights(trainer, folder.path)
        if accelerator.is_main_process:
            info = describe()
            write_log(folder.path, trainer.state.log_history)
            write_card(folder.path, info)
            folder.write_manifest(info)
            shutil.rmtree(folder.path / "merged", ignore_errors=True)


def _train(trainer: Trainer, out: Path, missing: str) -> None:
    """Train from the last checkpoint on."""
    checkpoint = last_checkpoint(out)
    if missing:
        remedy = f"resuming from {checkpoint.name}" if checkpoint else "training again"
        trainer.accelerator.print(f"{out}: {missing} of the finished training is missing or damaged: {remedy}")
        (out / MANIFEST).unlink(missing_ok=True)
    with _no_further_step(trainer) if checkpoint and is_last_step(checkpoint) else nullcontext():
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)


@contextmanager
def _no_further_step(trainer: Trainer) -> Iterator[None]:
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


def _merge(folder: TrainingFolder) -> None:
    # Older versions did not record it.
    dtype: Any = (folder.read_manifest() or {}).get("dtype")
    with disk_errors(folder.path):
        merge(folder.path, folder.path / "merged", dtype or "auto")
    rounding = "" if dtype == "float32" else ", which rounds what was learnt"
    print(f"{folder.path / 'merged'}: merged in {dtype or 'the dtype of the base'}{rounding}")
