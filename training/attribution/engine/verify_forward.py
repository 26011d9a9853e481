"""Checks that the model called in parts, with cached prefix, answers as the model itself does.

An architecture that the forward pass does not support is refused. It must not give wrong scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from faithful_se.errors import UsageError, is_out_of_memory
from faithfulness_metrics.words import mask_out
from lm_eval_tasks.forward_pass.tolerance import tolerance_of
from training.attribution.engine.document_batch import DocumentBatch
from training.attribution.engine.forward import Forward

if TYPE_CHECKING:
    from transformers import PreTrainedModel


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
    with torch.no_grad():
        if problem := forward.problem(batch.prompts[0].ids, tolerance_of(forward.dtype).logits):
            raise _refusal(forward.model, problem)
        for prompt, logprobs in zip(batch.prompts, batch.logprobs, strict=True):
            _verify_labels(forward, prompt.ids, logprobs)
        for index, prompt in enumerate(batch.prompts):
            last_word = frozenset({len(prompt.spans) - 1})
            document, mask = prompt.document, batch.renderer.spec.options.mask
            (ids,) = batch.renderer.variants(prompt, [mask_out(document.fields, document.units, last_word, mask)])
            # Methods without masks also take texts whose masked variants are beyond a limit.
            if forward.limits.fits(len(ids)) and (not batch.prefix_tokens or forward.limits.can_share(len(ids))):
                _verify_labels(forward, ids, batch.with_masks([(index, last_word)])[0])


def _verify_labels(forward: Forward, ids: Sequence[int], logprobs: Tensor) -> None:
    """Compare the log-probability of each label, [n_labels], with the model's own."""
    tolerance = tolerance_of(forward.dtype)
    logprobs_after: dict[tuple[int, ...], Tensor] = {}
    for label, path in enumerate(forward.tree.paths):
        inputs = tuple(path[:-1])
        if inputs not in logprobs_after:
            logprobs_after[inputs] = forward.full_logits([*ids, *inputs], len(path)).log_softmax(-1)
        expected = logprobs_after[inputs].gather(1, torch.tensor(path, device=forward.device)[:, None]).sum()
        slack = tolerance.of_label(float(expected), len(path))
        if not torch.allclose(logprobs[label], expected, rtol=0, atol=slack, equal_nan=True):
            raise _refusal(forward.model, "its answers change when its keys and values are reused")


def _refusal(model: PreTrainedModel, reason: str) -> UsageError:
    return UsageError(f"{_model_name(model)}: {reason}. Its attributions would be wrong: give another model")


def _model_name(model: PreTrainedModel) -> str:
    return type(model.get_base_model() if hasattr(model, "get_base_model") else model).__name__
