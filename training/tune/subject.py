"""The training of a tuning, and the plain model that comes of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faithful_se.files import atomic_folder, parse_json_object
from faithful_se.train_info import CARD, TRAIN_INFO
from training.runs.folder import MANIFEST
from training.sft.run import train
from training.trainer.merge import merge
from training.trainer.save_weights import missing_weights
from training.tune.folder import ADAPTER, FULL, MODEL

if TYPE_CHECKING:
    from trl import ModelConfig, SFTConfig

    from training.sft.cli import DataArguments

# What a finished training holds besides the model.
NOT_THE_MODEL = ("checkpoint-*", ".*", MANIFEST, TRAIN_INFO, CARD, "sft.json", "training_args.bin")

# What a report says of a training. Its mean loss is not among them: after an interruption it is that of the last steps.
REPORTED = ("how", "steps", "batch", "epochs", "learning_rate", "seed", "supervised_tokens", "versions")


def train_subject(
    out: Path,
    base: str,
    rows: Path,
    arguments: tuple[DataArguments, SFTConfig, ModelConfig],
    merge_dtype: str,
    log: Callable[[str], None],
) -> dict[str, Any]:
    """Train with TRL and write `model/`, as far as that is not done.

    Args:
        out: folder of the tuning.
        base: the model before.
        rows: file.
        arguments: of the training.
        merge_dtype: number format of the merged model; ``auto`` is the base's.
        log: called with one line when the model is written.

    Returns:
        Parts of the training's `train_info.json`.
    """
    data, training, model = arguments
    trained, subject = out / (FULL if data.full else ADAPTER), out / MODEL
    data.data, training.output_dir, model.model_name_or_path = str(rows), str(trained), base
    train(data, training, model)
    info = parse_json_object((trained / MANIFEST).read_bytes()) or {}
    if missing_weights(subject, adapter=False):
        if data.full:
            _copy_model(trained, subject)
        else:
            merge(trained, subject, merge_dtype)
        log(f"{subject}: the tuned model")
    return {name: info.get(name) for name in REPORTED}


def _copy_model(trained: Path, subject: Path) -> None:
    """The plain model of a full training, without what tells of the training. Its files are linked where that works."""

    def link(source: str, target: str) -> None:
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)

    with atomic_folder(subject) as folder:
        shutil.copytree(
            trained, folder, copy_function=link, ignore=shutil.ignore_patterns(*NOT_THE_MODEL), dirs_exist_ok=True
        )
