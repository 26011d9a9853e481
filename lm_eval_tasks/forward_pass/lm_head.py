"""From hidden states to logits: the output matrix, and what some architectures do after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from transformers import PretrainedConfig


class LMHead:
    """The output matrix of a model, hidden states [..., width] -> logits [..., n_vocabulary].

    The config names a scaling of logits: Gemma caps them, Granite divides them, Cohere multiplies them.
    """

    def __init__(self, linear: torch.nn.Linear, config: PretrainedConfig) -> None:
        self.linear, self.vocabulary = linear, int(linear.weight.shape[0])
        self.cap = getattr(config, "final_logit_softcapping", None)
        divisor, factor = (getattr(config, name, None) for name in ("logits_scaling", "logit_scale"))
        self.scale = 1 / divisor if isinstance(divisor, (int, float)) and divisor else 1.0
        self.scale *= factor if isinstance(factor, (int, float)) else 1.0

    def __call__(self, hidden: Tensor) -> Tensor:
        """Logits in float32."""
        logits: Tensor = self.linear(hidden).float() * self.scale
        return torch.tanh(logits / self.cap) * self.cap if self.cap else logits
