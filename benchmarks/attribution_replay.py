"""Repeats exactly the model calls of a run and nothing else: the time that no batching can go below."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch

from training.attribution.engine.forward import Forward


class Recorder:
    """Records the model calls of a run, and repeats them.

    Attributes:
        calls: the forward pass that was called, its inputs, and whether gradients were on.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[Forward, Any, Any, Any, Any, bool]] = []

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record the calls while the block runs."""
        original = Forward.states

        def states(forward: Forward, embeds: Any, mask: Any, position: Any, past: Any) -> Any:
            if embeds.numel():
                self.calls.append((forward, embeds.detach(), mask, position, past, torch.is_grad_enabled()))
            return original(forward, embeds, mask, position, past)

        with patch.object(Forward, "states", states):
            yield

    def replay(self) -> None:
        """Repeat the calls."""
        for forward, embeds, mask, position, past, gradients in self.calls:
            past.recorded = []
            with torch.set_grad_enabled(gradients):
                embeds = embeds.clone().requires_grad_(gradients)
                hidden = forward.states(embeds, mask, position, past)
                value = forward.head(hidden[:, -1]).float().log_softmax(-1)[:, 0]
                if gradients:
                    torch.autograd.grad(value.sum(), embeds)

    def tokens(self) -> int:
        """Tokens of all calls, padding included."""
        return sum(call[1].shape[0] * call[1].shape[1] for call in self.calls)
