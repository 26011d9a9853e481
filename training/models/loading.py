"""Loading a model: any Hugging Face causal model with a chat template, with or without a peft adapter."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors import SafetensorError

from faithful_se.errors import UsageError
from lm_eval_tasks.fingerprint import model_fingerprint
from training.models.adapters import base_of, check_adapter, is_adapter, with_adapter

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

# What transformers, peft and safetensors raise where a model is not there, not whole or not theirs.
LOADING_ERRORS = (OSError, ValueError, KeyError, ImportError, SafetensorError)


def load_model(name: str, adapter: str = "", dtype: str = "auto", device: str = "") -> tuple[Any, Any]:
    """A model, frozen and in evaluation mode, and its tokenizer.

    Args:
        name: folder or name on the hub; a folder with an adapter brings its base model.
        adapter: a peft adapter to put on it.
        dtype: ``auto`` (as stored), ``float32``, ``bfloat16`` or ``float16``.
        device: ``cpu``, ``cuda``, ``cuda:1``; empty takes a GPU if there is one, of this process in a launch of many.

    Raises:
        UsageError: there is no such model or device; model, adapter and tokenizer do not belong together; the adapter
            is of a kind that changes the prompt.
    """
    from transformers import AutoModelForCausalLM

    if dtype not in ("auto", *DTYPES):
        raise UsageError(f"--dtype {dtype}: give one of auto, {', '.join(DTYPES)}")
    for given in filter(None, (name, adapter)):
        check_there(given)
    if not adapter and is_adapter(name):
        name, adapter = _found_base(name), name
    if adapter:
        check_adapter(adapter)
    source = adapter if adapter and (Path(adapter) / "tokenizer_config.json").is_file() else name
    tokenizer = load_tokenizer(source)
    try:
        model = AutoModelForCausalLM.from_pretrained(name, dtype=DTYPES.get(dtype, "auto"))
        if adapter:
            model = with_adapter(model, adapter, name)
    except UsageError:
        raise
    except LOADING_ERRORS as error:
        raise UsageError(f"cannot load the model {adapter or name}: {reason(error)}") from error
    _check_vocabulary(name, model, tokenizer)
    try:
        model.to(device or default_device())
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"--device {device}: {str(error).splitlines()[0]}; give --device cpu") from error
    model.requires_grad_(False)
    model.eval()
    return model, tokenizer


def load_tokenizer(name: str, **more: Any) -> Any:
    """The tokenizer of a model.

    Raises:
        UsageError: there is none.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(name, **more)
    except LOADING_ERRORS as error:
        told = reason(error)
        if Path(name).is_dir() and not any(Path(name).glob("*token*")):
            told = "the folder holds no tokenizer; save the model's into it"  # transformers lists formats instead
        raise UsageError(f"cannot load the model {name}: {told}") from error


def reason(error: BaseException) -> str:
    """Why something was not loaded, in one line, with the remedy where it is the usual one."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    if isinstance(error, SafetensorError):
        return f"{lines[0]}; a file of weights is damaged: copy or download it again"
    if "no file named" in lines[0]:
        return f"{lines[0].removeprefix('Error ').rstrip('.')}; copy or save the model again, with its weights"
    if "valid JSON" in lines[0]:
        return f"{lines[0].rstrip('.')}; copy or save the model again"
    if "connect to" in lines[0]:
        return f"{lines[0].rstrip('.')}. If it is a folder, there is none of this name here"
    return lines[0]


def check_there(name: str) -> None:
    """Refuse a folder that is not there: transformers would take its path for a name on the hub.

    Raises:
        UsageError: it is not there. Names on the hub have one slash at most and are not looked for.
    """
    if (name.startswith(("/", ".", "~")) or name.count("/") > 1) and not Path(name).exists():
        raise UsageError(f"{name}: no such folder; give the folder of a model, or its name on the hub")


def default_device() -> str:
    """The GPU of this process, else the CPU."""
    import os

    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu"


def fingerprint(model: Any) -> str:
    """What tells a model from another one: the evaluation's own digest of its parameters, adapters included."""
    return model_fingerprint(SimpleNamespace(_model=model)).split()[-1]


def _found_base(adapter: str) -> str:
    base = base_of(adapter)
    try:
        check_there(base)
    except UsageError as error:
        raise UsageError(
            f"{adapter} is an adapter of {base}, which is not there (a path from where it was trained?): "
            f"give --model BASE --adapter {adapter}"
        ) from error
    return base


def _check_vocabulary(name: str, model: Any, tokenizer: Any) -> None:
    # Special tokens may lie beyond the embeddings (Gemma 3's of images do): no text is made of them.
    rows = model.get_input_embeddings().weight.shape[0]
    added = getattr(tokenizer, "added_tokens_decoder", {})
    special = {token for token, told in added.items() if told.special}
    beyond = sorted(token for token in tokenizer.get_vocab().values() if token >= rows and token not in special)
    if beyond:
        text = tokenizer.convert_ids_to_tokens(beyond[0])
        raise UsageError(
            f"{name}: the tokenizer has {len(beyond)} tokens more than the model's {rows} embeddings (the first is "
            f"{text!r}): give the model the tokenizer it was trained with, or resize its embeddings and train them"
        )
