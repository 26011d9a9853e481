"""Which model it is: a digest of its configuration and its weights, or its name at a server.

`lm_eval_tasks/answer_settings.py` adds what else decides the answers.
"""

from __future__ import annotations

import hashlib
import json
import os
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faithful_se.model_names import folder_name, server_address

if TYPE_CHECKING:
    from lm_eval.api.model import LM
    from torch import Tensor, nn

# A checksum sums up a parameter's bits in blocks of that many 64-bit numbers.
BLOCK = 1 << 20
# Number of values that the fingerprint reads of a parameter whose bits cannot be read.
SAMPLE = 64
# Settings of a configuration that do not change the model's answers.
IGNORED_SETTINGS = frozenset(
    {
        *("architectures", "auto_mapping", "dtype", "id2label", "inference_mode", "label2id", "revision", "task_type"),
        *("torch_dtype", "transformers_version", "peft_version", "use_cache"),
    }
)


def model_fingerprint(lm: LM) -> str:
    """A short text that differs between two models and is the same in every run with one model.

    - A local model, one that holds a torch module: a digest of its configuration and its parameters, adapters included.
    - An engine that hides its weights (vLLM, SGLang): its arguments, with sizes and times of the files that it loaded.
    - An API: its address, and the model's name there. A server on this machine may come back on another port.
    """
    module: Any = getattr(lm, "_model", None)
    if hasattr(module, "named_parameters"):
        return f"{type(lm).__name__} {weights_digest(module)}"
    if callable(getattr(lm, "fingerprint", None)):
        return f"{type(lm).__name__} {lm.fingerprint()}"
    if isinstance(arguments := getattr(lm, "model_args", None), dict):
        adapter = getattr(getattr(lm, "lora_request", None), "lora_path", None)
        folders = [arguments.get("model", arguments.get("model_path")), adapter]
        parts = [folder_digest(name) for name in folders if isinstance(name, str)]
        return " ".join([type(lm).__name__, *parts, str(arguments.get("revision") or "")]).strip()
    url, name = getattr(lm, "base_url", None), getattr(lm, "model", None)
    address = [
        server_address(url) if isinstance(url, str) else url,
        folder_name(name) if isinstance(name, str) else name,
    ]
    return " ".join([type(lm).__name__, *(part for part in address if isinstance(part, str))])


def folder_digest(name: str) -> str:
    """A folder's path with a digest of its files' names, sizes and times; the name alone if there is no such folder."""
    paths = sorted(path for path in Path(name).glob("*") if path.is_file())
    files = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    return f"{os.path.abspath(name)} {hashlib.sha256(repr(files).encode()).hexdigest()[:16]}" if files else name


def weights_digest(module: nn.Module, only: str = "") -> str:
    """A digest of a module's settings and of its parameters, or of those alone whose name holds `only`."""
    settings = json.dumps(model_settings(module), sort_keys=True, default=sorted_if_set)
    digest = hashlib.sha256(b"" if only else settings.encode())
    saved = module.state_dict().keys()
    buffers = ((name, buffer) for name, buffer in module.named_buffers() if name in saved)  # of quantised weights
    for name, tensor in chain(module.named_parameters(), buffers):
        if only not in name:
            continue
        flat = tensor.detach().reshape(-1)
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype} ".encode())
        if flat.numel() and not flat.is_meta:
            sums = _sums_of_bits(flat)
            values = flat[:: max(1, flat.numel() // SAMPLE)].float().tolist() if sums is None else sums
            digest.update(str(values).encode())
    return digest.hexdigest()[:16]


def model_settings(module: nn.Module) -> list[dict[str, Any]]:
    """Settings that change the answers of the same weights: the base of the positions, the scale of an adapter, …

    The first are the model's, those of its adapters follow.
    """
    adapters: Any = getattr(module, "peft_config", None)
    configs = [getattr(module, "config", None), *(adapters.values() if isinstance(adapters, dict) else ())]
    settings: list[dict[str, Any]] = [config.to_dict() for config in configs if hasattr(config, "to_dict")]
    return [{name: value for name, value in config.items() if not _is_ignored(name)} for config in settings]


def _is_ignored(name: str) -> bool:
    return name.startswith("_") or name in IGNORED_SETTINGS or name.endswith("name_or_path")


def sorted_if_set(value: Any) -> Any:
    """A value that JSON does not know, as text; of a set the order of its texts."""
    return sorted(map(str, value)) if isinstance(value, (set, frozenset)) else str(value)


def _sums_of_bits(flat: Tensor) -> list[int] | None:
    """Weighted sums of a tensor's bits, in blocks of 64-bit numbers that wrap around.

    They are the same on any device, and differ where a value differs or two have changed places. One sum for each
    block, then the bytes that fill no 64-bit number; None if the tensor's bits cannot be read.
    """
    import torch

    n_aligned = flat.numel() - flat.numel() % max(1, 8 // flat.element_size())
    aligned = flat[:n_aligned]
    # A view as 64-bit numbers must begin at a multiple of eight bytes. A copy does.
    if aligned.storage_offset() * flat.element_size() % 8:
        aligned = aligned.clone()
    # Fails for tensors that are sharded, or packed by a class of their own. A view needs no further memory.
    try:
        bits = aligned.view(torch.int64)
    except (RuntimeError, TypeError):
        return None
    weights = 2 * torch.arange(min(BLOCK, len(bits)), device=flat.device) + 1  # odd: no bit is lost
    sums = [(block * weights[: len(block)]).sum() for block in torch.split(bits, BLOCK)]
    return [*map(int, sums), *flat[n_aligned:].contiguous().view(torch.uint8).tolist()]
