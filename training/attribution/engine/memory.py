"""Memory that gradients take, measured on one prompt: where it runs out a CPU's process is killed and cannot halve."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence

import psutil
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from training.attribution.engine.cgroup_memory import left
from training.attribution.engine.forward import Forward, Rows

# Share of the free memory that activations may take: the backward pass adds gradients of its own.
SHARE = 0.5


def tokens_that_fit(forward: Forward, ids: Sequence[int], shared: int) -> tuple[int, int]:
    """How many tokens gradients can be taken of at once, and how many tokens' memory a row takes besides its own: for
    the shared prefix, which short rows carry as long ones do. No end to the tokens where the device does not say what
    is free.

    Args:
        forward: the model.
        ids: tokens of a prompt, whole.
        shared: how many of them are the shared prefix.
    """
    free, own = free_memory(forward.device), ids[shared:]
    if free is None:
        return sys.maxsize, 0
    whole, half = len(own), max(1, len(own) // 2)
    most, less = (kept_for_backward(forward, own[:length], bool(shared)) for length in (whole, half))
    each = max(1.0, (most - less) / (whole - half) if whole > half else most / whole)
    return max(1, int(SHARE * free / each)), max(0, math.ceil((most - each * whole) / each))


def free_memory(device: torch.device) -> int | None:
    """Bytes that this process can still have on a device; None for devices that do not say."""
    if device.type == "cpu":
        beside = max(1, int(os.environ.get("LOCAL_WORLD_SIZE", "1")))  # all processes of a launch ask at the same time
        machine, container = int(psutil.virtual_memory().available), left()
        return (machine if container is None else min(machine, container)) // beside
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # What torch holds and does not use.
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    return None


def kept_for_backward(forward: Forward, ids: Sequence[int], shared: bool) -> int:
    """Bytes that autograd keeps for the backward pass of one prompt."""
    own = {parameter.untyped_storage().data_ptr() for parameter in forward.model.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    tokens, lengths = forward.pad([ids])
    with torch.enable_grad(), saved_tensors_hooks(pack, lambda tensor: tensor):
        # The graph holds what was kept until the block ends: no address stands for two of them.
        _graph = forward(Rows(forward.embed(tokens).float().requires_grad_(), lengths, shared))
    return sum(kept.values())
