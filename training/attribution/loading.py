"""Loading a model: any Hugging Face causal model with a chat template, with or without a peft adapter."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors import SafetensorError

from lm_eval_tasks.errors import UsageError
from lm_eval_tasks.fingerprint import model_fingerprint

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
        UsageError: there is no such model or device, or the adapter is of a kind that changes the prompt.
    """
    from transformers import AutoModelForCausalLM

    if dtype not in ("auto", *DTYPES):
        raise UsageError(f"--dtype {dtype}: give one of auto, {', '.join(DTYPES)}")
    for given in filter(None, (name, adapter)):
        check_there(given)
    if not adapter and (Path(name) / "adapter_config.json").is_file():
        name, adapter = _base_of(name), name
    source = adapter if adapter and (Path(adapter) / "tokenizer_config.json").is_file() else name
    tokenizer = load_tokenizer(source)
    try:
        model = AutoModelForCausalLM.from_pretrained(name, dtype=DTYPES.get(dtype, "auto"))
        if adapter:
            model = _with_adapter(model, adapter)
    except UsageError:
        raise
    except LOADING_ERRORS as error:
        raise UsageError(f"cannot load the model {adapter or name}: {reason(error)}") from error
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


def _base_of(adapter: str) -> str:
    from peft import PeftConfig

    base = str(PeftConfig.from_pretrained(adapter).base_model_name_or_path)
    try:
        check_there(base)
    except UsageError as error:
        raise UsageError(
            f"{adapter} is an adapter of {base}, which is not there (a path from where it was trained?): "
            f"give --model BASE --adapter {adapter}"
        ) from error
    return base


def _with_adapter(model: Any, adapter: str) -> Any:
    from peft import PeftModel

    adapted = PeftModel.from_pretrained(model, adapter)
    if any(config.is_prompt_learning for config in adapted.peft_config.values()):
        raise UsageError(f"{adapter}: adapters that add tokens to the prompt are not supported")
    return adapted
