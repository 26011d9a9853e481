"""Memory that gradients may take, measured on one prompt.

A process that takes too much memory of a machine without a GPU is killed: there is no error after which the batch could
be halved. So the budget is set before. Containers and batch systems limit memory by control groups, which psutil does
not look at.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from training.attribution.engine.forward import EmbeddedBatch, Forward

# Share of the free memory that activations may take. The backward pass adds gradients of its own.
ACTIVATION_SHARE = 0.5


def tokens_that_fit(forward: Forward, ids: Sequence[int], shared: int) -> tuple[int, int]:
    """How many tokens gradients can be taken of at once, measured on a prompt whose first `shared` tokens are shared.

    Returns:
        The number of tokens, without end where the device does not say what is free. And the memory, in tokens, that a
        row takes besides its own tokens: for the shared prefix, which short rows carry as long ones do.
    """
    free, own = free_memory(forward.device), ids[shared:]
    if free is None:
        return sys.maxsize, 0
    full, half = len(own), max(1, len(own) // 2)
    bytes_full, bytes_half = (bytes_kept_for_backward(forward, own[:n], bool(shared)) for n in (full, half))
    per_token = max(1.0, (bytes_full - bytes_half) / (full - half) if full > half else bytes_full / full)
    overhead = max(0, math.ceil((bytes_full - per_token * full) / per_token))
    return max(1, int(ACTIVATION_SHARE * free / per_token)), overhead


def bytes_kept_for_backward(forward: Forward, ids: Sequence[int], shared: bool) -> int:
    """Bytes that autograd keeps for the backward pass of one prompt."""
    parameters = {parameter.untyped_storage().data_ptr() for parameter in forward.model.parameters()}
    sizes: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    tokens, lengths = forward.pad([ids])
    with torch.enable_grad(), saved_tensors_hooks(pack, lambda tensor: tensor):
        # The name keeps the graph, and with it all tensors, until the block ends: no address stands for two of them.
        _graph = forward(EmbeddedBatch(forward.embed(tokens).float().requires_grad_(), lengths, shared))
    return sum(sizes.values())


def free_memory(device: torch.device) -> int | None:
    """Bytes that this process can still take on a device; None for devices that do not say."""
    if device.type == "cpu":
        processes = max(1, int(os.environ.get("LOCAL_WORLD_SIZE", "1")))  # all of a launch take memory at the same time
        machine, group = int(psutil.virtual_memory().available), cgroup_bytes_left()
        return (machine if group is None else min(machine, group)) // processes
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # torch holds it
        return int(free + unused)
    return None


class _CgroupVersion(NamedTuple):
    """Where a version of Linux' control groups has its numbers."""

    mounts: tuple[str, ...]  # folders of its tree, below the root
    limit: str  # file with the bytes that a group may have
    used: str  # file with the bytes that it has, page cache included
    cache: str  # name in `memory.stat` of the page cache that goes first when memory is short


# https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/memory.html
_V1 = _CgroupVersion(("sys/fs/cgroup/memory",), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_V2 = _CgroupVersion(("sys/fs/cgroup", "sys/fs/cgroup/unified"), "memory.max", "memory.current", "inactive_file")


def cgroup_bytes_left(root: Path = Path("/")) -> int | None:
    """Bytes that the control groups of this process leave to it: the least of its own group and all outer ones.

    Returns:
        None where no group has a limit, and on systems without control groups (below `root`).
    """
    free = (_group_bytes_left(folder, version) for folder, version in _groups(root))
    return min((n_bytes for n_bytes in free if n_bytes is not None), default=None)


def _groups(root: Path) -> Iterator[tuple[Path, _CgroupVersion]]:
    """Folders of the groups, from the process's own up to the outermost that is visible."""
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        version = _V1 if controllers else _V2
        for mount in version.mounts:
            top = root / mount
            # In a container the path is often the host's, and only the top of it is visible.
            inner = top / path.strip("/")
            yield from ((folder, version) for folder in (inner, *inner.parents) if folder.is_relative_to(top))


def _group_bytes_left(folder: Path, version: _CgroupVersion) -> int | None:
    limit, used = (_number(folder / name) for name in (version.limit, version.used))
    if limit is None or used is None:
        return None
    pairs = (line.split() for line in _lines(folder / "memory.stat"))
    statistics = {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}
    return max(0, limit - used + statistics.get(version.cache, 0))


def _number(path: Path) -> int | None:
    """None for ``max``, with which version 2 says that there is no limit."""
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdecimal() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
