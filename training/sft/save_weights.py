"""Weights that lie in parts on several devices (FSDP, DeepSpeed): what is written at the end is whole, or it is said.

Seen with torch 2.13, accelerate 1.15, transformers 5.23, peft 0.21: under FSDP 2 `save_model` writes nothing unless the
kind of state is FULL_STATE_DICT, which is not accelerate's own default; and the names of layers wrapped for recomputing
(`fsdp_activation_checkpointing`) are not those that peft looks for, so its file is empty. Neither is
reported, and an empty adapter is the base model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError

ADAPTER = "adapter_model.safetensors"
WHOLE = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


def refuse_lost_adapter(trainer: Any) -> None:
    """Before training: FSDP's own recomputing would leave an adapter without weights.

    Args:
        trainer: TRL's `SFTTrainer`, built.

    Raises:
        UsageError: it is asked for, and what is trained is an adapter.
    """
    if trainer.is_fsdp_enabled and _adapter(trainer) and trainer.accelerator.state.fsdp_plugin.activation_checkpointing:
        raise UsageError(
            "fsdp_activation_checkpointing with an adapter: peft would write a file without weights; set it to false "
            "in accelerate's configuration and give --gradient_checkpointing true, which does the same"
        )


def save_whole(trainer: Any, out: Path) -> None:
    """Save from all processes, gathered; afterwards see in the main process that the weights are there.

    Args:
        trainer: TRL's `SFTTrainer`, trained.
        out: folder.

    Raises:
        UsageError: weights are missing. The checkpoints stay: the same command goes on from the last.
    """
    if trainer.is_fsdp_enabled:
        # Checkpoints keep the kind that was asked for: parts are written faster, and training goes on from them.
        trainer.accelerator.state.fsdp_plugin.set_state_dict_type("FULL_STATE_DICT")
    trainer.save_model(str(out))
    if trainer.accelerator.is_main_process:
        _see(trainer, out)


def _see(trainer: Any, out: Path) -> None:
    wanted = sum(parameter.requires_grad for parameter in trainer.model.parameters()) if _adapter(trainer) else 1
    found = _tensors(out / ADAPTER) if _adapter(trainer) else sum((out / name).is_file() for name in WHOLE)
    if found < wanted:
        lost = f"{found} of {wanted} trained tensors" if _adapter(trainer) else "no weights"
        raise UsageError(
            f"{out}: {lost} were written: accelerate's configuration must let the weights be gathered when they are "
            "saved (FSDP: fsdp_state_dict_type FULL_STATE_DICT; DeepSpeed: zero3_save_16bit_model true); with that, "
            "the same command goes on from the last checkpoint"
        )


def written_weights(out: Path, adapter: bool) -> str:
    """The file of weights that is gone or damaged in a folder; empty where they are there.

    Args:
        out: folder.
        adapter: whether it holds an adapter; else a whole model.
    """
    from safetensors import SafetensorError

    if not adapter:
        return "" if any((out / name).is_file() for name in WHOLE) else WHOLE[0]
    try:
        return "" if _tensors(out / ADAPTER) else ADAPTER
    except (OSError, SafetensorError):
        return ADAPTER


def _adapter(trainer: Any) -> bool:
    from peft import PeftModel

    return isinstance(trainer.accelerator.unwrap_model(trainer.model), PeftModel)


def _tensors(path: Path) -> int:
    from safetensors import safe_open

    if not path.is_file():
        return 0
    with safe_open(str(path), framework="pt") as file:
        return len(file.keys())
