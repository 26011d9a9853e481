"""The vocabulary is multiplied in only at positions with a loss.

TRL (1.16) does so on GPUs. Elsewhere it scores every position, although the loss of a row is on its last few tokens. At
49,152 tokens of vocabulary that doubles time and memory of a step on a CPU.
"""

from __future__ import annotations

import functools
from types import MethodType
from typing import TYPE_CHECKING, Any

from training.trainer.make import base_model_of
from training.trainer.supervision import IGNORED

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel
    from trl import SFTTrainer

# Devices that run operations one by one: other shapes in each batch compile nothing anew.
EAGER_DEVICES = ("cpu", "mps")


def score_supervised_positions(trainer: SFTTrainer) -> None:
    """Give TRL's head the hidden states of the positions with a loss alone, where TRL would score all."""
    model = base_model_of(trainer)
    scored = model.forward

    @functools.wraps(type(model).forward)
    def forward(
        self: PreTrainedModel, *args: Any, fused_lm_head: bool = False, labels: Any = None, **kwargs: Any
    ) -> Any:
        if not fused_lm_head:
            return scored(*args, **kwargs, **({} if labels is None else {"labels": labels}))
        if labels is None or labels.device.type not in EAGER_DEVICES or not (labels[:, 1:] != IGNORED).any():
            return scored(*args, fused_lm_head=True, labels=labels, **kwargs)
        supervised = labels[:, 1:] != IGNORED

        def keep_supervised(module: nn.Module, inputs: Any, output: Any) -> Any:
            output.last_hidden_state = output.last_hidden_state[:, :-1][supervised][None]
            return output

        # TRL takes labels that are shifted already; it passes them on where a sequence lies on several devices.
        with self.base_model.register_forward_hook(keep_supervised):
            return scored(*args, fused_lm_head=True, shift_labels=labels[:, 1:][supervised][None], **kwargs)

    model.forward = MethodType(forward, model)
