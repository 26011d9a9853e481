"""Which model wrote a cache.

lm-eval's cache keys hold the prompt and not the model. Two checkpoints that share a `--use_cache` path would silently
get each other's answers.
"""

from __future__ import annotations

import hashlib
import json
import os
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faithful_se.errors import UsageError
from faithful_se.model_names import folder_name, server_address

if TYPE_CHECKING:
    from lm_eval.api.model import LM, CachingLM
    from torch import Tensor, nn

# The key of the fingerprint in a cache.
KEY = "faithful_se_model"
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


def check_cache(lm: CachingLM) -> None:
    """Stamp a cache with the fingerprint of its model, or refuse one with the stamp of another model.

    Raises:
        UsageError: another model wrote the cache.
    """
    fingerprint = model_fingerprint(lm.lm)
    stamp = lm.dbdict.get(KEY)
    if stamp is None:
        lm.dbdict[KEY] = fingerprint
        lm.dbdict.commit()
    elif _normalized(stamp) != fingerprint:
        raise UsageError(
            f"--use_cache {lm.cache_db}: this cache was written by another model ({stamp}, now {fingerprint}): "
            "give another path"
        )


def model_fingerprint(lm: LM) -> str:
    """A short text that differs between two models and is the same in every run with one model.

    - A local model, one that holds a torch module: a digest of its configuration and its parameters, adapters included.
    - An engine that hides its weights (vLLM, SGLang): its arguments, with sizes and times of the files that it loaded.
    - An API: its address, and the model's name there. A server on this machine may come back on another port.
    """
    module: Any = getattr(lm, "_model", None)
    if hasattr(module, "named_parameters"):
        return f"{type(lm).__name__} {_digest(module)}"
    if callable(getattr(lm, "fingerprint", None)):
        return f"{type(lm).__name__} {lm.fingerprint()}"
    if isinstance(arguments := getattr(lm, "model_args", None), dict):
        adapter = getattr(getattr(lm, "lora_request", None), "lora_path", None)
        folders = [arguments.get("model", arguments.get("model_path")), adapter]
        parts = [_folder_digest(name) for name in folders if isinstance(name, str)]
        return " ".join([type(lm).__name__, *parts, str(arguments.get("revision") or "")]).strip()
    url, name = getattr(lm, "base_url", None), getattr(lm, "model", None)
    address = [
        server_address(url) if isinstance(url, str) else url,
        folder_name(name) if isinstance(name, str) else name,
    ]
    return " ".join([type(lm).__name__, *(part for part in address if isinstance(part, str))])


def _normalized(stamp: str) -> str:
    """A stamp as this version would write it. Older ones hold ports, and folders as they were typed."""
    parts = stamp.split(" ")
    if "://" in stamp:
        return " ".join(server_address(part) if "://" in part else folder_name(part) for part in parts)
    return " ".join(os.path.abspath(part) if "/" in part and Path(part).is_dir() else part for part in parts)


def _folder_digest(name: str) -> str:
    """A folder's path with a digest of its files' names, sizes and times; the name alone if there is no such folder."""
    paths = sorted(path for path in Path(name).glob("*") if path.is_file())
    files = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    return f"{os.path.abspath(name)} {hashlib.sha256(repr(files).encode()).hexdigest()[:16]}" if files else name


def _digest(module: nn.Module) -> str:
    digest = hashlib.sha256(json.dumps(_settings(module), sort_keys=True, default=_sorted_if_set).encode())
    saved = module.state_dict().keys()
    buffers = ((name, buffer) for name, buffer in module.named_buffers() if name in saved)  # of quantised weights
    for name, tensor in chain(module.named_parameters(), buffers):
        flat = tensor.detach().reshape(-1)
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype} ".encode())
        if flat.numel() and not flat.is_meta:
            sums = _sums_of_bits(flat)
            values = flat[:: max(1, flat.numel() // SAMPLE)].float().tolist() if sums is None else sums
            digest.update(str(values).encode())
    return digest.hexdigest()[:16]


def _settings(module: nn.Module) -> list[dict[str, Any]]:
    """Settings that change the answers of the same weights: the scale of an adapter, the base of its positions, …"""
    adapters: Any = getattr(module, "peft_config", None)
    configs = [getattr(module, "config", None), *(adapters.values() if isinstance(adapters, dict) else ())]
    settings: list[dict[str, Any]] = [config.to_dict() for config in configs if hasattr(config, "to_dict")]
    return [{name: value for name, value in config.items() if not _is_ignored(name)} for config in settings]


def _is_ignored(name: str) -> bool:
    return name.startswith("_") or name in IGNORED_SETTINGS or name.endswith("name_or_path")


def _sorted_if_set(value: Any) -> Any:
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
