"""Memory that gradients may take, measured on one prompt.

A process that takes too much memory of a machine without a GPU is killed: there is no error after which the batch could
be halved. So the budget is set before.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from lm_eval_tasks.forward_pass.free_memory import free_memory
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
