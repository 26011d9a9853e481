"""peft adapters: the base model they belong to, and whether the files in their folder can be used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from faithful_se.errors import UsageError
from faithful_se.files import read_json_object

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

CONFIG, WEIGHTS = "adapter_config.json", ("adapter_model.safetensors", "adapter_model.bin")


def is_adapter(name: str | Path) -> bool:
    """Whether that is a folder with an adapter in it."""
    return (Path(name) / CONFIG).is_file()


def read_adapter_config(adapter: str) -> dict[str, Any]:
    """The configuration of an adapter in a folder."""
    return read_json_object(Path(adapter) / CONFIG, "copy or save the adapter again")


def check_adapter(adapter: str) -> None:
    """Check the files of an adapter's folder. peft would look for missing ones on the hub.

    Raises:
        UsageError: no configuration, a damaged one, or no weights. Names on the hub are not checked.
    """
    folder = Path(adapter)
    if not folder.is_dir():
        return
    if not is_adapter(adapter):
        raise UsageError(f"{adapter} is no adapter, there is no {CONFIG} in it: give a whole model as --model")
    read_adapter_config(adapter)
    if not any((folder / name).is_file() for name in WEIGHTS):
        raise UsageError(f"{adapter}: the adapter has no weights, no {WEIGHTS[0]}: copy or save it again")


def with_adapter(model: PreTrainedModel, adapter: str, base: str) -> PeftModel:
    """The model with an adapter (folder or hub name) on it; messages call the model `base`.

    Raises:
        UsageError: the adapter is of another model, or adds tokens to the prompt.
        ValueError: peft cannot load it for another reason.
    """
    from peft import PeftModel

    try:
        adapted = PeftModel.from_pretrained(model, adapter)
    except (RuntimeError, ValueError) as error:
        if isinstance(error, ValueError) and "target modules" not in str(error).lower():
            raise  # not about the model
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        reason = next((line for line in lines if "mismatch" in line), lines[0]).rstrip(".")
        raise UsageError(
            f"the adapter {adapter} does not fit the model {base} ({reason}): "
            f"give the model it was trained on, --model BASE --adapter {adapter}"
        ) from error
    if any(config.is_prompt_learning for config in adapted.peft_config.values()):
        raise UsageError(f"{adapter}: adapters that add tokens to the prompt are not supported")
    return adapted
