"""Loads a model: any Hugging Face causal model with a chat template, with or without a peft adapter."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError

from faithful_se.errors import UsageError
from lm_eval_tasks.answer_settings import generation_settings, tokenizer_settings
from lm_eval_tasks.fingerprint import model_fingerprint
from training.models.adapters import check_adapter, is_adapter, read_adapter_config, with_adapter
from training.models.gguf import loading_arguments

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

# What transformers, peft and safetensors raise where a model is missing, incomplete or of another format.
LOADING_ERRORS = (OSError, ValueError, KeyError, ImportError, SafetensorError)


def load_model(
    name: str, adapter: str = "", dtype: str = "auto", device: str = ""
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Load a model, frozen and in evaluation mode, and its tokenizer.

    Args:
        name: folder or name on the hub, or a GGUF file; a folder with an adapter brings its base model.
        adapter: a peft adapter to put on it.
        dtype: ``auto`` (as stored), ``float32``, ``bfloat16`` or ``float16``.
        device: ``cpu``, ``cuda``, ``cuda:1``; empty takes this process's GPU if there is one.

    Raises:
        UsageError: there is no such model or device; model, adapter and tokenizer do not belong together; the adapter
            is of a kind that changes the prompt.
    """
    from transformers import AutoModelForCausalLM

    if dtype not in ("auto", *DTYPES):
        raise UsageError(f"--dtype {dtype}: give one of auto, {', '.join(DTYPES)}")
    for folder in filter(None, (name, adapter)):
        check_model_folder(folder)
    if not adapter and is_adapter(name):
        name, adapter = _existing_base(name), name
    if adapter:
        check_adapter(adapter)
    tokenizer = load_tokenizer(adapter if adapter and (Path(adapter) / "tokenizer_config.json").is_file() else name)
    source, options = loading_arguments(name)
    try:
        model = AutoModelForCausalLM.from_pretrained(source, dtype=DTYPES.get(dtype, "auto"), **options)
        if adapter:
            model = with_adapter(model, adapter, name)
    except UsageError:
        raise
    except LOADING_ERRORS as error:
        raise UsageError(f"cannot load the model {adapter or name}: {failure_reason(error)}") from error
    _check_vocabulary(name, model, tokenizer)
    try:
        model.to(device or (f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu"))
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"--device {device}: {str(error).splitlines()[0]}; give --device cpu") from error
    model.requires_grad_(False)
    model.eval()
    return model, tokenizer


def load_tokenizer(name: str, **options: Any) -> PreTrainedTokenizerFast:
    """The tokenizer of a model; `options` go to `from_pretrained`.

    Raises:
        UsageError: there is none.
    """
    from transformers import AutoTokenizer

    source, gguf = loading_arguments(name)
    try:
        return AutoTokenizer.from_pretrained(source, **options, **gguf)
    except LOADING_ERRORS as error:
        reason = failure_reason(error)
        if Path(name).is_dir() and not any(Path(name).glob("*token*")):
            reason = "the folder holds no tokenizer; save the model's into it"  # transformers lists formats instead
        raise UsageError(f"cannot load the model {name}: {reason}") from error


def failure_reason(error: BaseException) -> str:
    """Why a model was not loaded, in one line, with the remedy for common failures."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    if isinstance(error, SafetensorError):
        return f"{lines[0]}; a file of weights is damaged: copy or download it again"
    if "no file named" in lines[0]:
        return f"{lines[0].removeprefix('Error ').rstrip('.')}; copy or save the model again, with its weights"
    if "valid JSON" in lines[0]:
        return f"{lines[0].rstrip('.')}; copy or save the model again"
    if "connect to" in lines[0]:
        return f"{lines[0].rstrip('.')}; if it is meant as a folder, there is no folder of this name here"
    return lines[0]


def check_model_folder(name: str) -> None:
    """Refuse the path of a missing folder, which transformers would take for a name on the hub.

    Raises:
        UsageError: there is no such folder. Names on the hub have at most one slash and are not checked.
    """
    if (name.startswith(("/", ".", "~")) or name.count("/") > 1) and not Path(name).exists():
        raise UsageError(f"{name}: no such folder; give the folder of a model, or its name on the hub")


def fingerprint(model: PreTrainedModel) -> str:
    """The evaluation's own digest of a model's parameters, adapters included."""
    return model_fingerprint(SimpleNamespace(_model=model)).split()[-1]


def answering_settings(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """What decides a model's answers besides its weights: tokenizer, chat template, generation configuration.

    They are those of the evaluation's caches: `lm_eval_tasks/answer_settings.py`.
    """
    return {**tokenizer_settings(tokenizer), "generation_config": generation_settings(model)}


def _existing_base(adapter: str) -> str:
    base = read_adapter_config(adapter).get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise UsageError(f"{adapter} is an adapter that names no base model: give --model BASE --adapter {adapter}")
    try:
        check_model_folder(base)
    except UsageError as error:
        raise UsageError(
            f"{adapter} is an adapter of {base}, which is not there (a path on the machine of the training?): "
            f"give --model BASE --adapter {adapter}"
        ) from error
    return base


def _check_vocabulary(name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    # Special tokens may be beyond the embeddings (those of images in Gemma 3): no text contains them.
    rows = model.get_input_embeddings().weight.shape[0]
    added_tokens = getattr(tokenizer, "added_tokens_decoder", {})
    special = {index for index, token in added_tokens.items() if token.special}
    beyond = sorted(index for index in tokenizer.get_vocab().values() if index >= rows and index not in special)
    if beyond:
        text = tokenizer.convert_ids_to_tokens(beyond[0])
        raise UsageError(
            f"{name}: the tokenizer has {len(beyond)} tokens more than the model's {rows} embeddings (the first is "
            f"{text!r}): give the model the tokenizer it was trained with, or resize its embeddings and train them"
        )
