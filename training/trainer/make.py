"""A trainer of TRL, unchanged, made from the dataclasses of its own commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from safetensors import SafetensorError

from faithful_se.errors import UsageError
from training.models.adapters import is_adapter
from training.models.gguf import refuse_gguf
from training.models.loading import LOADING_ERRORS, check_model_folder, failure_reason, load_tokenizer
from training.trainer.rows import TrainingRow

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, Trainer
    from trl import ModelConfig

TrainerOfTrl = TypeVar("TrainerOfTrl", bound="Trainer")


def make_trainer(
    trainer_class: type[TrainerOfTrl], model: ModelConfig, training: Any, rows: list[TrainingRow], **more: Any
) -> TrainerOfTrl:
    """Load the model and tokenize the rows.

    Args:
        trainer_class: of TRL, such as `SFTTrainer`.
        model, training: TRL's dataclasses.
        rows: of the data set.
        more: further arguments of the trainer.

    Raises:
        UsageError: no model, one that cannot be loaded, an adapter, or a model without a chat template.
    """
    from datasets import Dataset
    from transformers import set_seed
    from trl import get_peft_config, get_quantization_config

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
        trainer: TrainerOfTrl = trainer_class(
            model=model.model_name_or_path,
            args=training,
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            quantization_config=get_quantization_config(model),
            peft_config=get_peft_config(model),
            **more,
        )
        return trainer
    except LOADING_ERRORS as error:
        action = "load the model" if isinstance(error, (OSError, SafetensorError)) else "train"
        raise UsageError(f"cannot {action} {model.model_name_or_path}: {failure_reason(error)}") from error


def base_model_of(trainer: Trainer) -> Any:
    """The trained causal language model, without peft's wrapper around it."""
    model: Any = trainer.model
    return model.get_base_model() if hasattr(model, "peft_config") else model


def base_dtype(trainer: Trainer) -> str:
    """Number format of the trained model's own weights. An adapter's may be finer."""
    model: Any = trainer.accelerator.unwrap_model(trainer.model)
    base = model.get_base_model() if hasattr(model, "peft_config") else model
    return str(base.dtype).removeprefix("torch.")


def eos_token_ids(trainer: Trainer) -> set[int]:
    """The tokens at which the trained model stops."""
    configured = trainer.model.generation_config.eos_token_id
    listed = configured if isinstance(configured, list) else [configured]
    return {int(token) for token in (*listed, trainer.processing_class.eos_token_id) if token is not None}


def _load_chat_tokenizer(model: ModelConfig, training: Any) -> PreTrainedTokenizerBase:
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
    if not tokenizer.chat_template and not getattr(training, "chat_template_path", None):
        option = ", or --chat_template_path" if hasattr(training, "chat_template_path") else ""
        raise UsageError(f"{name} has no chat template: give an instruction-tuned model{option}")
    return tokenizer
