"""Train with TRL's `SFTTrainer`, as it is: from rows to an adapter or a model, and on again after a kill."""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from faithful_se.files import make_folder, write_atomic
from training.runs.folder import MANIFEST
from training.runs.lock import folder_lock
from training.runs.versions import package_versions
from training.sft.card import CARD, INFO, train_info, write_card
from training.sft.folder import claim, is_last, last_checkpoint, read_finished, refuse_another, step_of
from training.sft.merge import merge
from training.sft.provenance import whose_rows
from training.sft.rows import check_supervision, read_training_rows
from training.sft.save_weights import refuse_lost_adapter, save_whole
from training.sft.trainer import stops_of, trainer_of

# What may change between two calls of one training: where and how often something is written or shown.
FREE = ("output_dir", "logging_dir", "logging_steps", "resume_from_checkpoint", "disable_tqdm", "report_to", "run_name")


def train(data: Any, training: Any, model: Any) -> Path:
    """Train as the three dataclasses say; go on from the last whole checkpoint in `output_dir`.

    Args:
        data: `training.sft.cli.DataArguments`.
        training: TRL's `SFTConfig`.
        model: TRL's `ModelConfig`.

    Returns:
        The folder: adapter (or model) and tokenizer, `README.md`, `train_info.json`, `manifest.json` last.

    Raises:
        UsageError: wrong rows, no chat template, a folder of another training, a row without a loss, weights that were
            not written.
    """
    out = Path(training.output_dir)
    rows, told = read_training_rows(data.data)
    settings = _settings(data, training, model, told)
    refuse_another(out, settings)
    info, gone = read_finished(out, adapter=model.use_peft)
    if gone or not info:
        trainer = trainer_of(model, training, rows)
        refuse_lost_adapter(trainer)
        prepared: Any = trainer.train_dataset
        tokens = check_supervision(prepared["labels"], rows, stops_of(trainer), training.max_length)
        trainer.accelerator.print(f"{len(rows)} rows, {tokens} tokens with a loss")
        main_process = trainer.accelerator.is_main_process
        whose = whose_rows(trainer.model, str(model.model_name_or_path), told["sources"]) if main_process else {}
        make_folder(out)
        with folder_lock(out, "--output_dir") if main_process else nullcontext():
            claim(out, settings)
            begun = last_checkpoint(out)
            if gone:
                begin = f"goes on from {begun.name}" if begun else "begins anew"
                trainer.accelerator.print(f"{out}: {gone} of the finished training is gone or damaged: it {begin}")
                (out / MANIFEST).unlink(missing_ok=True)
            with _no_step(trainer) if begun and is_last(begun) else nullcontext():
                result = trainer.train(resume_from_checkpoint=str(begun) if begun else None)
            save_whole(trainer, out)
            if main_process:
                loss, since = result.metrics.get("train_loss"), step_of(begun) if begun else 0
                if since == trainer.state.global_step:  # no step was left: no loss of this time
                    loss, since = info.get("loss"), info.get("loss_since", 0)
                info = train_info(settings, told, trainer, (loss, since), tokens, whose, commit(), versions())
                write_card(out, info)
                write_atomic(out / MANIFEST, [json.dumps(info, indent=1)])
                shutil.rmtree(out / "merged", ignore_errors=True)
        accelerator = trainer.accelerator
        accelerator.wait_for_everyone()
        # The wrapper of data parallelism goes before the group of processes does. The last to hold the group ends its
        # threads; torch's wrapper would do so with the interpreter's lock in hand, and one process waits for ever.
        del trainer, prepared
        accelerator.free_memory()
        gc.collect()
        accelerator.end_training()
    else:
        main_process = training.process_index == 0
        if main_process and not all((out / name).is_file() for name in (CARD, INFO)):
            write_card(out, info)
    if data.merge and main_process and not (out / "merged").is_dir():
        merge(out, out / "merged")
    return out


@contextmanager
def _no_step(trainer: Any) -> Iterator[None]:
    """What was trained to the end is loaded and not trained on: transformers makes one step too many where the last one
    is in the middle of an epoch (--max_steps, parts of an epoch)."""
    asked = trainer.args.max_steps, trainer.args.num_train_epochs
    trainer.args.max_steps, trainer.args.num_train_epochs = -1, 0
    try:
        yield
    finally:
        trainer.args.max_steps, trainer.args.num_train_epochs = asked


def commit() -> str:
    """The commit of this package where it runs from a git clone; empty elsewhere."""
    here = Path(__file__).parent
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def versions() -> dict[str, str]:
    """Versions of what trained."""
    return package_versions("faithful-se", "torch", "transformers", "trl", "peft", "accelerate")


def _settings(data: Any, training: Any, model: Any, told: dict[str, Any]) -> dict[str, Any]:
    chosen = {key: value for key, value in training.to_dict().items() if key not in FREE}
    sources = [{key: source[key] for key in ("rows", "sha256")} for source in told["sources"]]
    settings = {"data": sources, "model": dict(vars(model)), "training": chosen}
    return dict(json.loads(json.dumps(settings, default=str)))
