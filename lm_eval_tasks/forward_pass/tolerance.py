"""How far two ways to add the same numbers may differ, before a model is refused."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch


class Tolerance(NamedTuple):
    """Differences that are rounding and nothing else."""

    logits: float  # as a share of the largest logit
    per_token: float  # of a label's log-probability, nats for each of its tokens
    share: float  # of a label's log-probability, on top

    def of_label(self, logprob: float, tokens: int) -> float:
        """The difference that a label's log-probability may have, nats."""
        return self.per_token * tokens + (self.share * abs(logprob) if math.isfinite(logprob) else 0.0)


TOLERANCES = {torch.float32: Tolerance(1e-3, 2e-3, 1e-4), torch.float64: Tolerance(1e-6, 1e-6, 1e-6)}
# Seen with 7B random weights in bfloat16 were 0.002 of the logits, and 0.51 nats of 14. Trained models differ less, but
# must not be refused for their rounding.
HALF_PRECISION = Tolerance(5e-2, 1.0, 5e-2)


def tolerance_of(dtype: torch.dtype) -> Tolerance:
    """The tolerance of a model in a number type."""
    return TOLERANCES.get(dtype, HALF_PRECISION)
