"""A model called in parts against the same model called whole."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lm_eval_tasks.errors import UsageError
from training.attribution.forward import Forward, Rows


def check(forward: Forward, ids: Sequence[int]) -> None:
    """Compare the two on one prompt.

    Raises:
        UsageError: they differ: the model does something between its parts that is not known here.
    """
    prefix, paths = forward.prefix_ids, forward.tree.paths
    rows = [[*ids, *path[:-1]] for path in paths]
    with torch.no_grad():
        told = []
        for row, path in zip(rows, paths, strict=True):
            logits = forward.model(torch.tensor([row], device=forward.device)).logits[0, -len(path) :].float()
            told.append(sum(logits.log_softmax(-1)[i, token] for i, token in enumerate(path)))
        wanted = torch.stack([torch.as_tensor(value) for value in told])
        shared = ids[: len(prefix)] == prefix and forward.limits.shares(len(ids))
        tokens, lengths = forward.pad([ids[len(prefix) :] if shared else ids])
        got, _ = forward(Rows(forward.embed(tokens), lengths, shared))
    near = {torch.float32: 1e-3, torch.float64: 1e-6}.get(forward.dtype, 0.5)
    if not torch.allclose(got[0], wanted, atol=near, rtol=near, equal_nan=True):
        kind = type(forward.model).__name__
        raise UsageError(f"{kind}: called in parts it answers differently than whole: not supported")
