"""Rows of a batch that open alike: their opening runs once, and each row goes on from its keys and values.

The rows of a dataset share the system turn and the question. Gradients flow through the shared keys and values, so the
loss and the gradients are those of the plain forward pass, up to rounding.
"""

from __future__ import annotations

import functools
import logging
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Any

from faithful_se.errors import UsageError
from training.trainer.make import base_model_of

if TYPE_CHECKING:
    from torch import Tensor, nn
    from trl import SFTTrainer

logger = logging.getLogger(__name__)

OPTION = "--shared_openings"

# The saved share of a batch's tokens from which a second forward pass pays.
LEAST_SAVING = 0.1

# The largest difference between shared and plain hidden states, as a share of their norm.
TOLERANCE = 1e-4
ROUGH_TOLERANCE = 0.05  # of formats that are coarser than float32


def share_openings(trainer: SFTTrainer) -> None:
    """Let the trainer's model run the openings of each batch once.

    The first batch runs in both ways. Where these differ, a line says so and every row runs whole. So it is where the
    architecture keeps other things than keys and values of all tokens.

    Raises:
        UsageError: another option of the training excludes it.
    """
    args = trainer.args
    for name in ("gradient_checkpointing", "packing", "padding_free"):
        if getattr(args, name):
            raise UsageError(f"{OPTION} does not go with {name}: give --{name} false, or leave {OPTION} out")
    if trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled:
        raise UsageError(f"{OPTION} does not go with weights sharded by FSDP or DeepSpeed: leave {OPTION} out")
    decoder = base_model_of(trainer).base_model
    if reason := _unshareable(decoder):
        logger.warning("%s: %s; every row runs whole", OPTION, reason)
        return
    decoder.forward = _SharingForward(decoder)


def best_opening(rows: list[list[int]], shortest: int) -> int:
    """How many tokens to share: the number at which the fewest are computed; 0 where sharing does not pay.

    Rows with the same first n tokens share these: n tokens for each different opening, and the rest for each row.

    Args:
        rows: token ids, padded to one width.
        shortest: tokens of the shortest row without padding. At least one token of each row stays its own.
    """
    common = {min(_common_tokens(*pair), shortest - 1) for pair in pairwise(sorted(rows))}
    savings = {length: (len(rows) - len({tuple(row[:length]) for row in rows})) * length for length in common}
    best = max(common, key=lambda length: savings[length], default=0)
    return best if savings.get(best, 0) >= LEAST_SAVING * len(rows) * len(rows[0]) else 0


def _common_tokens(first: list[int], second: list[int]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=True)))


class _SharingForward:
    """The forward pass of a decoder, with shared openings where a batch has some.

    Args:
        decoder: a causal transformer without its head.
    """

    def __init__(self, decoder: nn.Module) -> None:
        self._decoder, self._plain = decoder, decoder.forward
        self._checked = False
        functools.update_wrapper(self, decoder.forward)

    def __call__(self, input_ids: Any = None, attention_mask: Any = None, **kwargs: Any) -> Any:
        """Hidden states of all tokens, as the plain forward pass has them."""
        plain = functools.partial(self._plain, input_ids=input_ids, attention_mask=attention_mask, **kwargs)
        # Other arguments (positions, a cache, outputs of all layers) come from callers that want more than this.
        others = {name for name, value in kwargs.items() if value is not None and value is not False} - {"return_dict"}
        if input_ids is None or attention_mask is None or others or not self._decoder.training:
            return plain()
        shared = best_opening(input_ids.tolist(), int(attention_mask.sum(1).min()))
        if not shared or not attention_mask[:, :shared].all():
            return plain()
        if not self._checked and not self._agrees(input_ids, attention_mask, shared):
            self._decoder.forward = self._plain
            return plain()
        return self._run(input_ids, attention_mask, shared)

    def _run(self, input_ids: Tensor, attention_mask: Tensor, shared: int) -> Any:
        import torch
        from transformers import DynamicCache

        openings, row_opening = torch.unique(input_ids[:, :shared], dim=0, return_inverse=True)
        cache = DynamicCache(config=self._decoder.config)
        opening = self._plain(input_ids=openings, past_key_values=cache, use_cache=True)
        cache.batch_select_indices(row_opening)
        output = self._plain(
            input_ids=input_ids[:, shared:], attention_mask=attention_mask, past_key_values=cache, use_cache=True
        )
        of_openings = opening.last_hidden_state[row_opening]
        output.last_hidden_state = torch.cat([of_openings, output.last_hidden_state], dim=1)
        output.past_key_values = None
        return output

    def _agrees(self, input_ids: Tensor, attention_mask: Tensor, shared: int) -> bool:
        """Whether both ways give the same hidden states, without dropout; warns where they do not."""
        import torch

        self._checked = True
        self._decoder.eval()
        try:
            with torch.no_grad():
                plain = self._plain(input_ids=input_ids, attention_mask=attention_mask, use_cache=False)
                ours = self._run(input_ids, attention_mask, shared).last_hidden_state[attention_mask.bool()]
        finally:
            self._decoder.train()
        expected = plain.last_hidden_state[attention_mask.bool()]
        difference = float((ours - expected).float().norm() / expected.float().norm())
        is_fine = self._decoder.dtype == torch.float32 and not torch.is_autocast_enabled(input_ids.device.type)
        tolerance = TOLERANCE if is_fine else ROUGH_TOLERANCE
        if not difference <= tolerance:  # nan too
            logger.warning("%s: the hidden states differ by %.1g; every row runs whole", OPTION, difference)
        return difference <= tolerance


def _unshareable(decoder: Any) -> str:
    """Why a decoder's rows cannot go on from the keys and values of an opening; empty where they can."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    kinds = {type(layer) for layer in DynamicCache(config=decoder.config).layers} - {DynamicLayer}
    if kinds:
        return f"{type(decoder).__name__} keeps {', '.join(sorted(kind.__name__ for kind in kinds))}"
    return ""
