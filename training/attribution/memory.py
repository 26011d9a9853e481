"""Memory that gradients take, measured on one prompt: where it runs out a CPU's process is killed and cannot halve."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import psutil
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from training.attribution.forward import Forward, Rows

# Share of the free memory that activations may take. The backward pass adds gradients of its own, and shorter prompts
# carry more of the shared prefix for each of their tokens.
SHARE = 0.5


def tokens_that_fit(forward: Forward, ids: Sequence[int], shared: int) -> int:
    """How many tokens gradients can be taken of at once; no end to them where the device does not say what is free.

    Args:
        forward: the model.
        ids: tokens of a prompt, whole.
        shared: how many of them are the shared prefix.
    """
    free = free_memory(forward.device)
    if free is None:
        return sys.maxsize
    return max(1, int(SHARE * free / bytes_per_token(forward, ids[shared:], bool(shared))))


def free_memory(device: torch.device) -> int | None:
    """Bytes that can still be had on a device; None for devices that do not say."""
    if device.type == "cpu":
        return int(psutil.virtual_memory().available)
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # What torch holds and does not use.
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    return None


def bytes_per_token(forward: Forward, ids: Sequence[int], shared: bool) -> float:
    """What autograd keeps for the backward pass of one prompt, by its number of tokens."""
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
    return sum(kept.values()) / len(ids)
