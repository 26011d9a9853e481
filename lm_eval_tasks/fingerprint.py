"""Which model wrote a cache. lm-eval's cache keys hold the prompt and not the model, so two checkpoints that share a
`--use_cache` path would silently get each other's answers."""

from __future__ import annotations

import hashlib
import json
from itertools import chain
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError

KEY = "faithful_se_model"
# A parameter's bits are summed up in blocks of so many numbers of 64 bits; so many values are read where it shows none.
BLOCK, SAMPLE = 1 << 20, 64
# Settings of a configuration that do not change what a model says.
NO_SETTINGS = frozenset(
    {
        *("architectures", "auto_mapping", "dtype", "id2label", "inference_mode", "label2id", "revision", "task_type"),
        *("torch_dtype", "transformers_version", "peft_version", "use_cache"),
    }
)


def check_cache(lm: Any) -> None:
    """Stamp a cache with its model, or refuse one that another model has stamped.

    Args:
        lm: a `CachingLM`.

    Raises:
        UsageError: the cache was written by another model.
    """
    mine = model_fingerprint(lm.lm)
    written = lm.dbdict.get(KEY)
    if written is None:
        lm.dbdict[KEY] = mine
        lm.dbdict.commit()
    elif written != mine:
        raise UsageError(
            f"--use_cache {lm.cache_db}: this cache was written by another model ({written}, now {mine}): "
            "give another path"
        )


def model_fingerprint(lm: Any) -> str:
    """A short text that differs between two models and is the same for one model in every run.

    A local model (anything that holds a torch module) is told by a digest of its configuration and of its parameters'
    names, shapes, types and values, adapters included. An engine that hides its weights (vLLM,
    SGLang) is told by its arguments and by the sizes and times of the files in the folder it was loaded from. An API is
    told by its address and the model's name there.
    """
    module = getattr(lm, "_model", None)
    if hasattr(module, "named_parameters"):
        return f"{type(lm).__name__} {_digest(module)}"
    if callable(getattr(lm, "fingerprint", None)):
        return f"{type(lm).__name__} {lm.fingerprint()}"
    if isinstance(arguments := getattr(lm, "model_args", None), dict):
        adapter = getattr(getattr(lm, "lora_request", None), "lora_path", None)
        folders = [arguments.get("model", arguments.get("model_path")), adapter]
        told = [_folder(name) for name in folders if isinstance(name, str)]
        return " ".join([type(lm).__name__, *told, str(arguments.get("revision") or "")]).strip()
    parts = (type(lm).__name__, getattr(lm, "base_url", None), getattr(lm, "model", None))
    return " ".join(part for part in parts if isinstance(part, str))


def _folder(name: str) -> str:
    files = sorted(path for path in Path(name).glob("*") if path.is_file())
    told = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return f"{name} {hashlib.sha256(repr(told).encode()).hexdigest()[:16]}" if told else name


def _digest(module: Any) -> str:
    digest = hashlib.sha256(json.dumps(_settings(module), sort_keys=True, default=str).encode())
    saved = module.state_dict().keys()
    buffers = ((name, buffer) for name, buffer in module.named_buffers() if name in saved)  # of quantised weights
    for name, tensor in chain(module.named_parameters(), buffers):
        flat = tensor.detach().reshape(-1)
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype} ".encode())
        if flat.numel() and not flat.is_meta:
            sums = _sums_of_bits(flat)
            told = flat[:: max(1, flat.numel() // SAMPLE)].float().tolist() if sums is None else sums
            digest.update(str(told).encode())
    return digest.hexdigest()[:16]


def _settings(module: Any) -> list[Any]:
    """What makes another model of the same weights: the scale of an adapter, the base of its positions, …"""
    adapters = getattr(module, "peft_config", None)
    parts = [getattr(module, "config", None), *(adapters.values() if isinstance(adapters, dict) else ())]
    told = [part.to_dict() for part in parts if hasattr(part, "to_dict")]
    return [{name: _plain(value) for name, value in one.items() if not _aside(name)} for one in told]


def _aside(name: str) -> bool:
    return name.startswith("_") or name in NO_SETTINGS or name.endswith("name_or_path")


def _plain(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, (set, frozenset)) else value


def _sums_of_bits(flat: Any) -> list[int] | None:
    """Sums of a tensor's bytes [n], block by block, as whole numbers of 64 bits that wrap around, each weighted by its
    place: the same on any device, another one where a value is another one or two have changed places.

    None where a tensor shows no bytes.
    """
    import torch

    whole = flat.numel() - flat.numel() % max(1, 8 // flat.element_size())
    begin = flat[:whole]
    # No view begins between two such numbers; a copy begins at one.
    if begin.storage_offset() * flat.element_size() % 8:
        begin = begin.clone()
    # Fails for tensors that are sharded, or packed by a class of their own. A view takes no memory that could lack.
    try:
        bits = begin.view(torch.int64)
    except (RuntimeError, TypeError):
        return None
    weights = 2 * torch.arange(min(BLOCK, len(bits)), device=flat.device) + 1  # odd: no bit is lost
    sums = [(block * weights[: len(block)]).sum() for block in bits.split(BLOCK)]
    return [*map(int, sums), *flat[whole:].contiguous().view(torch.uint8).tolist()]
