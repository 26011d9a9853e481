"""TRL's `SFTTrainer`, unchanged, made from the dataclasses of `trl sft`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError

from faithful_se.errors import UsageError
from training.models.adapters import is_adapter
from training.models.gguf import refuse_gguf
from training.models.loading import LOADING_ERRORS, check_model_folder, failure_reason, load_tokenizer
from training.sft.rows import TrainingRow

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase
    from trl import ModelConfig, SFTConfig, SFTTrainer


def make_trainer(model: ModelConfig, training: SFTConfig, rows: list[TrainingRow]) -> SFTTrainer:
    """Load the model and tokenize the rows.

    Raises:
        UsageError: no model, one that cannot be loaded, an adapter, or a model without a chat template.
    """
    from datasets import Dataset
    from transformers import set_seed
    from trl import SFTTrainer, get_peft_config, get_quantization_config

    tokenizer = _load_chat_tokenizer(model, training)
    training.model_init_kwargs = {
        "revision": model.model_revision,
        "attn_implementation": model.attn_implementation,
        "dtype": model.dtype,
        **(training.model_init_kwargs or {}),
    }
    # TRL before 1.15 initialises the adapter before it sets the seed.
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
    except LOADING_ERRORS as error:
        action = "load the model" if isinstance(error, (OSError, SafetensorError)) else "train"
        raise UsageError(f"cannot {action} {model.model_name_or_path}: {failure_reason(error)}") from error


def eos_token_ids(trainer: SFTTrainer) -> set[int]:
    """The tokens at which the trained model stops."""
    configured = trainer.model.generation_config.eos_token_id
    listed = configured if isinstance(configured, list) else [configured]
    return {int(token) for token in (*listed, trainer.processing_class.eos_token_id) if token is not None}


def _load_chat_tokenizer(model: ModelConfig, training: SFTConfig) -> PreTrainedTokenizerBase:
    name = model.model_name_or_path
    if not name:
        raise UsageError("give --model_name_or_path: the model that the rows were built with")
    check_model_folder(name)
    refuse_gguf(name)
    if is_adapter(name):
        merged = Path(name) / "merged"
        hint = "is there" if merged.is_dir() else "is written by the `faithful-se sft` that made it with --merge true"
        raise UsageError(f"{name} is an adapter; give a whole model to train: {merged} {hint}")
    tokenizer = load_tokenizer(name, revision=model.model_revision)
    if not tokenizer.chat_template and not training.chat_template_path:
        raise UsageError(f"{name} has no chat template: give an instruction-tuned model, or --chat_template_path")
    return tokenizer
