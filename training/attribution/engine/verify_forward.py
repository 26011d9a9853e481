"""A model called in parts against the same model called whole: what is not known here must not give wrong numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from faithful_se.errors import UsageError
from faithfulness_metrics.words import mask_out
from training.attribution.engine.batching import out_of_memory
from training.attribution.engine.document_batch import Chunk
from training.attribution.engine.forward import Forward
from training.attribution.engine.kv_cache import SharedPast

# Tokens of a prompt on which hidden states and logits are compared: within every window.
FEW = 8

# How far two ways to add the same numbers may lie apart, as a share of the largest logit, and in nats for each token of
# a label with a share of its log-probability. Half precision: seen with 7B random weights in bfloat16 were 0.002 and
# 0.51 nats of 14; trained models are calmer, but must not be refused for their rounding.
_HALF = (5e-2, 1.0, 5e-2)
NEAR = {torch.float32: (1e-3, 2e-3, 1e-4), torch.float64: (1e-6, 1e-6, 1e-6)}


@contextmanager
def supported(model: Any) -> Iterator[None]:
    """Whatever a model cannot be asked in the block becomes one line."""
    try:
        yield
    except UsageError:
        raise
    except Exception as error:
        if out_of_memory(error):
            raise
        told = ": ".join([type(error).__name__, *str(error).splitlines()[:1]])
        raise UsageError(
            f"{_name(model)}: word attributions do not know this architecture ({told}): give another model"
        ) from error


def check(forward: Forward, chunk: Chunk) -> None:
    """Compare the two on the prompts of a chunk, together, and on each without its last word where that fits.

    Raises:
        UsageError: they differ, or the model is none that reads from left to right.
    """
    if getattr(forward.config, "alibi", False) or getattr(getattr(forward.config, "attn_config", None), "alibi", False):
        raise _refused(forward.model, "its positions are biases on attention (alibi), which it would lose")
    with torch.no_grad():
        _check_head(forward, chunk.prompts[0].ids)
        for prompt, told in zip(chunk.prompts, chunk.logprobs, strict=True):
            _check_labels(forward, prompt.ids, told)
        for index, prompt in enumerate(chunk.prompts):
            last = frozenset({len(prompt.spans) - 1})
            document, mask = prompt.document, chunk.renderer.spec.options.mask
            (ids,) = chunk.renderer.variants(prompt, [mask_out(document.fields, document.words, last, mask)])
            # Methods that mask nothing also take texts whose variants are beyond a limit.
            if forward.limits.fits(len(ids)) and (not chunk.skip or forward.limits.shares(len(ids))):
                _check_labels(forward, ids, chunk.masked([(index, last)])[0])


def _check_head(forward: Forward, ids: Sequence[int]) -> None:
    """Logits from hidden states, as the model makes them; and nothing that comes later changes them."""
    few = list(ids[: min(FEW, len(ids) - 1)])
    if not few:
        return
    wanted, later = (_whole(forward, row)[len(few) - 1] for row in (few, list(ids[: len(few) + 1])))
    if not _near(later, wanted, forward.dtype):
        raise _refused(forward.model, "what comes later changes what it says: not a causal language model")
    embeds = forward.embed(torch.tensor([few], device=forward.device))
    told = forward.head(forward.states(embeds, None, None, SharedPast(None))[0, -1])
    if not _near(told, wanted, forward.dtype):
        raise _refused(forward.model, "its logits are not what its head makes of its hidden states")


def _near(told: Tensor, wanted: Tensor, dtype: torch.dtype) -> bool:
    share = NEAR.get(dtype, _HALF)[0]
    return torch.allclose(told, wanted, rtol=0, atol=share * float(wanted.abs().max().nan_to_num()), equal_nan=True)


def _check_labels(forward: Forward, ids: Sequence[int], told: Tensor) -> None:
    """Log-probability of each label, [n_labels], against whole calls."""
    _, each, share = NEAR.get(forward.dtype, _HALF)
    known: dict[tuple[int, ...], Tensor] = {}
    for label, path in enumerate(forward.tree.paths):
        before = tuple(path[:-1])
        if before not in known:
            known[before] = _whole(forward, [*ids, *before], len(path)).log_softmax(-1)
        wanted = known[before].gather(1, torch.tensor(path, device=forward.device)[:, None]).sum()
        slack = each * len(path) + share * float(wanted.abs().nan_to_num())
        if not torch.allclose(told[label], wanted, rtol=0, atol=slack, equal_nan=True):
            raise _refused(forward.model, "called in parts it answers differently than whole")


def _whole(forward: Forward, ids: Sequence[int], last: int = 0) -> Tensor:
    """The model's own logits of its last tokens, [last, n_vocabulary]; of all where no number is given.

    Not more than are looked at, where the model can leave the others out: a long text times a large vocabulary does not
    fit beside it.
    """
    fewer = {"logits_to_keep": last} if last and "logits_to_keep" in forward.takes else {}
    logits: Tensor = forward.model(torch.tensor([ids], device=forward.device), **fewer).logits[0]
    return logits[-last:].float()


def _refused(model: Any, what: str) -> UsageError:
    return UsageError(f"{_name(model)}: {what}. Its word attributions would be wrong: give another model")


def _name(model: Any) -> str:
    return type(model.get_base_model() if hasattr(model, "get_base_model") else model).__name__
