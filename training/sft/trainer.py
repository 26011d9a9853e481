"""TRL's `SFTTrainer`, as it is, from the dataclasses that `trl sft` takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from faithful_se.errors import UsageError
from training.models.adapters import is_adapter
from training.models.loading import LOADING_ERRORS, check_model_folder, failure_reason, load_tokenizer


def trainer_of(model: Any, training: Any, rows: list[dict[str, Any]]) -> Any:
    """A trainer with its model loaded and its rows tokenized.

    Args:
        model: TRL's `ModelConfig`.
        training: TRL's `SFTConfig`.
        rows: conversational prompt-completion rows.

    Raises:
        UsageError: no model, one that cannot be loaded, an adapter, or one that nobody can talk to.
    """
    from datasets import Dataset
    from transformers import set_seed
    from trl import SFTTrainer, get_peft_config, get_quantization_config

    tokenizer = _tokenizer(model, training)
    training.model_init_kwargs = {
        "revision": model.model_revision,
        "attn_implementation": model.attn_implementation,
        "dtype": model.dtype,
        **(training.model_init_kwargs or {}),
    }
    # An adapter starts at random, and TRL before 1.15 makes it before it sets the seed.
    set_seed(training.seed)
    try:
        return SFTTrainer(
            model=model.model_name_or_path,
            args=training,
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            quantization_config=get_quantization_config(model),
            peft_config=get_peft_config(model),
        )
    except UsageError:
        raise
    except LOADING_ERRORS as error:
        whole = "load the model" if isinstance(error, (OSError, SafetensorError)) else "train"
        raise UsageError(f"cannot {whole} {model.model_name_or_path}: {failure_reason(error)}") from error


def stops_of(trainer: Any) -> set[int]:
    """Token ids that end a turn."""
    ends = trainer.model.generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [ends]
    return {int(end) for end in (*listed, trainer.processing_class.eos_token_id) if end is not None}


def _tokenizer(model: Any, training: Any) -> Any:
    name = model.model_name_or_path
    if not name:
        raise UsageError("give --model_name_or_path: the model that the rows were built with")
    check_model_folder(name)
    if is_adapter(name):
        merged = Path(name) / "merged"
        remedy = "is there" if merged.is_dir() else "is written by the `faithful-se sft` that made it with --merge true"
        raise UsageError(f"{name} is an adapter; give a whole model to train: {merged} {remedy}")
    tokenizer = load_tokenizer(name, revision=model.model_revision)
    if not tokenizer.chat_template and not training.chat_template_path:
        raise UsageError(f"{name} has no chat template: give an instruction-tuned model, or --chat_template_path")
    return tokenizer
