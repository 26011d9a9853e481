"""Which model wrote a cache. lm-eval's cache keys hold the prompt and not the model, so two checkpoints that share a
`--use_cache` path would silently get each other's answers."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from lm_eval_tasks.errors import UsageError

KEY = "faithful_se_model"
# Values read per parameter. The sum of all its bits is read besides: one changed row of an embedding is another model.
SAMPLE = 64


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

    A local model (anything that holds a torch module) is told by a digest of its parameters' names, shapes, types, a
    sample of their values and a sum over all of them, adapters included. An engine that hides its weights (vLLM,
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
    digest = hashlib.sha256()
    for name, parameter in module.named_parameters():
        flat = parameter.detach().reshape(-1)
        digest.update(f"{name} {tuple(parameter.shape)} {parameter.dtype} ".encode())
        if flat.numel() and not flat.is_meta:
            digest.update(flat[:: max(1, flat.numel() // SAMPLE)].float().cpu().numpy().tobytes())
            digest.update(str(_sum_of_bits(flat)).encode())
    return digest.hexdigest()[:16]


def _sum_of_bits(flat: Any) -> int | None:
    """Sum of a tensor's bytes [n], taken as whole numbers of 64 bits that wrap around.

    The same in any order, hence on any device, and read at the speed of memory (13 GB in a second). None where a tensor
    shows no bytes.
    """
    import torch

    whole = flat.numel() - flat.numel() % max(1, 8 // flat.element_size())
    try:
        # A view may begin between two such numbers: a copy does not.
        try:
            bits = flat[:whole].view(torch.int64)
        except RuntimeError:
            bits = flat[:whole].clone().view(torch.int64)
        return int(bits.sum()) + int(flat[whole:].contiguous().view(torch.uint8).sum())
    except (RuntimeError, NotImplementedError, TypeError):
        return None
