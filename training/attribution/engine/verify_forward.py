"""Checks that the model called in parts, with cached prefix, answers as the model itself does.

An architecture that the forward pass does not support is refused. It must not give wrong scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from faithful_se.errors import UsageError, is_out_of_memory
from faithfulness_metrics.words import mask_out
from training.attribution.engine.document_batch import DocumentBatch
from training.attribution.engine.forward import Forward
from training.attribution.engine.kv_cache import SharedKVCache

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# Tokens of a prompt on which hidden states and logits are compared. They fit into every attention window.
COMPARED_TOKENS = 8


class Tolerance(NamedTuple):
    """How far two ways to add the same numbers may differ."""

    logits: float  # as a share of the largest logit
    per_token: float  # of a label's log-probability, nats for each of its tokens
    share: float  # of a label's log-probability, on top


TOLERANCES = {torch.float32: Tolerance(1e-3, 2e-3, 1e-4), torch.float64: Tolerance(1e-6, 1e-6, 1e-6)}
# Seen with 7B random weights in bfloat16 were 0.002 of the logits, and 0.51 nats of 14. Trained models differ less, but
# must not be refused for their rounding.
HALF_PRECISION = Tolerance(5e-2, 1.0, 5e-2)


@contextmanager
def unsupported_as_usage_error(model: PreTrainedModel) -> Iterator[None]:
    """Turn whatever a model raises in the block into a one-line `UsageError`, except for a lack of memory."""
    try:
        yield
    except Exception as error:
        if isinstance(error, UsageError) or is_out_of_memory(error):
            raise
        reason = ": ".join([type(error).__name__, *str(error).splitlines()[:1]])
        raise UsageError(
            f"{_model_name(model)}: attributions do not support this architecture ({reason}): give another model"
        ) from error


def verify_forward(forward: Forward, batch: DocumentBatch) -> None:
    """Compare label log-probabilities of a batch with the model's own.

    The prompts are compared as they are, and each without its last word where that fits.

    Raises:
        UsageError: they differ, or the model does not read from left to right.
    """
    config = forward.config
    if getattr(config, "alibi", False) or getattr(getattr(config, "attn_config", None), "alibi", False):
        raise _refusal(forward.model, "its positions are biases on attention (alibi), which a given mask replaces")
    with torch.no_grad():
        _verify_head(forward, batch.prompts[0].ids)
        for prompt, logprobs in zip(batch.prompts, batch.logprobs, strict=True):
            _verify_labels(forward, prompt.ids, logprobs)
        for index, prompt in enumerate(batch.prompts):
            last_word = frozenset({len(prompt.spans) - 1})
            document, mask = prompt.document, batch.renderer.spec.options.mask
            (ids,) = batch.renderer.variants(prompt, [mask_out(document.fields, document.words, last_word, mask)])
            # Methods without masks also take texts whose masked variants are beyond a limit.
            if forward.limits.fits(len(ids)) and (not batch.prefix_tokens or forward.limits.can_share(len(ids))):
                _verify_labels(forward, ids, batch.with_masks([(index, last_word)])[0])


def _verify_head(forward: Forward, ids: Sequence[int]) -> None:
    """Compare logits from hidden states with the model's own, which later tokens must not change."""
    few = list(ids[: min(COMPARED_TOKENS, len(ids) - 1)])
    if not few:
        return
    expected, with_next_token = (_model_logits(forward, row)[len(few) - 1] for row in (few, list(ids[: len(few) + 1])))
    slack = TOLERANCES.get(forward.dtype, HALF_PRECISION).logits * float(expected.abs().max().nan_to_num())
    close = partial(torch.allclose, expected, rtol=0, atol=slack, equal_nan=True)
    if not close(with_next_token):
        raise _refusal(forward.model, "later tokens change its logits: it is no causal language model")
    embeds = forward.embed(torch.tensor([few], device=forward.device))
    if not close(forward.head(forward.states(embeds, None, None, SharedKVCache(None))[0, -1])):
        raise _refusal(forward.model, "its logits are not its hidden states times its output matrix")


def _verify_labels(forward: Forward, ids: Sequence[int], logprobs: Tensor) -> None:
    """Compare the log-probability of each label, [n_labels], with the model's own."""
    tolerance = TOLERANCES.get(forward.dtype, HALF_PRECISION)
    logprobs_after: dict[tuple[int, ...], Tensor] = {}
    for label, path in enumerate(forward.tree.paths):
        inputs = tuple(path[:-1])
        if inputs not in logprobs_after:
            logprobs_after[inputs] = _model_logits(forward, [*ids, *inputs], len(path)).log_softmax(-1)
        expected = logprobs_after[inputs].gather(1, torch.tensor(path, device=forward.device)[:, None]).sum()
        slack = tolerance.per_token * len(path) + tolerance.share * float(expected.abs().nan_to_num())
        if not torch.allclose(logprobs[label], expected, rtol=0, atol=slack, equal_nan=True):
            raise _refusal(forward.model, "its answers change when its keys and values are reused")


def _model_logits(forward: Forward, ids: Sequence[int], last: int = 0) -> Tensor:
    """The model's own logits of its last tokens, [last, n_vocabulary]; of all where no number is given."""
    # No more than are compared, where the model can leave the others out: the logits of a long text with a large
    # vocabulary may not fit into memory.
    options = {"logits_to_keep": last} if last and "logits_to_keep" in forward.forward_arguments else {}
    logits: Tensor = forward.model(torch.tensor([ids], device=forward.device), **options).logits[0]
    return logits[-last:].float()


def _refusal(model: PreTrainedModel, reason: str) -> UsageError:
    return UsageError(f"{_model_name(model)}: {reason}. Its attributions would be wrong: give another model")


def _model_name(model: PreTrainedModel) -> str:
    return type(model.get_base_model() if hasattr(model, "get_base_model") else model).__name__
