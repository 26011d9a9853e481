"""Write an adapter and its base as one model."""

from __future__ import annotations

from pathlib import Path

from faithful_se.errors import UsageError
from faithful_se.files import atomic_folder
from training.models.adapters import is_adapter


def merge(adapter: Path, out: Path, dtype: str = "auto") -> None:
    """Merge an adapter into its base and save the result. An interrupted merge leaves no folder behind.

    Args:
        adapter: folder.
        out: folder of the merged model.
        dtype: number format of the merged model. ``auto`` is the stored base's: a coarser one than the training's,
            such as bfloat16, rounds the small differences that were learnt.

    Raises:
        UsageError: the folder holds no adapter, or its base cannot be loaded.
    """
    from peft import AutoPeftModelForCausalLM
    from transformers import AutoTokenizer
    from transformers.integrations.deepspeed import unset_hf_deepspeed_config

    if not is_adapter(adapter):
        raise UsageError(f"{adapter} holds no adapter: a full fine-tuning needs no --merge")
    # After a training with DeepSpeed's ZeRO 3, transformers would shard the model that this one process loads.
    unset_hf_deepspeed_config()
    try:
        model = AutoPeftModelForCausalLM.from_pretrained(str(adapter), dtype=dtype)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot merge {adapter}: {str(error).splitlines()[0]}") from error
    merged = model.merge_and_unload()  # type: ignore[operator]
    with atomic_folder(out) as folder:
        merged.save_pretrained(folder)
        AutoTokenizer.from_pretrained(str(adapter)).save_pretrained(folder)
