"""Save weights that are sharded over devices (FSDP, DeepSpeed), and check that all of them were written.

Two settings lose weights without a report (torch 2.13, accelerate 1.15, transformers 5.23, peft 0.21). Under FSDP 2
`save_model` writes nothing unless the state dict type is FULL_STATE_DICT, which is not accelerate's default. With
`fsdp_activation_checkpointing` the wrapped layers have names that peft does not look for, so its file is empty. A model
with an empty adapter is the base model.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from faithful_se.errors import UsageError
from training.models.adapters import WEIGHTS

if TYPE_CHECKING:
    from transformers import Trainer

ADAPTER_WEIGHTS = WEIGHTS[0]
MODEL_WEIGHTS = tuple(
    name + index for name in ("model.safetensors", "pytorch_model.bin") for index in ("", ".index.json")
)


def refuse_lost_adapter(trainer: Trainer) -> None:
    """Refuse, before training, FSDP's own recomputation with an adapter: it would write an adapter without weights.

    Raises:
        UsageError: accelerate's configuration asks for it.
    """
    fsdp = trainer.is_fsdp_enabled and trainer.accelerator.state.fsdp_plugin
    if fsdp and fsdp.activation_checkpointing and trains_adapter(trainer):
        raise UsageError(
            "fsdp_activation_checkpointing with an adapter: peft would write a file without weights; set it to false "
            "in accelerate's configuration and give --gradient_checkpointing true, which does the same"
        )


def save_weights(trainer: Trainer, out: Path) -> None:
    """Gather the weights from all processes, save them, and check in the main process that they were written.

    Raises:
        UsageError: weights are missing. The checkpoints stay, so the same command resumes from the last one.
    """
    if trainer.is_fsdp_enabled:
        # Checkpoints keep the type the user chose: sharded ones are written faster, and training resumes from them.
        trainer.accelerator.state.fsdp_plugin.set_state_dict_type("FULL_STATE_DICT")
    if trains_adapter(trainer):
        for config in trainer.accelerator.unwrap_model(trainer.model).peft_config.values():
            if isinstance(config.target_modules, set):  # its order, and so the file, is another one in every process
                config.target_modules = sorted(config.target_modules)
    trainer.save_model(str(out))
    if not trainer.accelerator.is_main_process:
        return
    if trains_adapter(trainer):
        expected = sum(parameter.requires_grad for parameter in trainer.model.parameters())
        written = _count_tensors(out / ADAPTER_WEIGHTS)
        missing = f"{written} of {expected} trained tensors" if written < expected else ""
    else:
        missing = missing_weights(out, adapter=False) and "no weights"
    if missing:
        raise UsageError(
            f"{out}: {missing} were written: accelerate's configuration must let the weights be gathered when they are "
            "saved (FSDP: fsdp_state_dict_type FULL_STATE_DICT; DeepSpeed: zero3_save_16bit_model true); with that, "
            "the same command resumes from the last checkpoint"
        )


def missing_weights(out: Path, adapter: bool) -> str:
    """The file of weights that a folder lacks, or holds damaged; empty where all is there.

    Args:
        out: folder.
        adapter: whether it should hold an adapter, else a whole model.
    """
    if not adapter:
        return "" if any((out / name).is_file() for name in MODEL_WEIGHTS) else MODEL_WEIGHTS[0]
    with suppress(OSError, SafetensorError):
        if _count_tensors(out / ADAPTER_WEIGHTS):
            return ""
    return ADAPTER_WEIGHTS


def trains_adapter(trainer: Trainer) -> bool:
    """Whether an adapter is trained, not the whole model."""
    from peft import PeftModel

    return isinstance(trainer.accelerator.unwrap_model(trainer.model), PeftModel)


def _count_tensors(path: Path) -> int:
    if not path.is_file():
        return 0
    with safe_open(str(path), framework="pt") as file:
        return len(file.keys())
