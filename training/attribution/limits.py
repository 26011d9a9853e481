"""How many tokens a model takes, and how far it looks back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Limits:
    """What a prompt of some length can be asked.

    Attributes:
        context: how many tokens the model takes; None where its configuration does not say.
        window: the window of sliding or chunked attention; None where every layer sees everything.
        label: tokens of the longest label.
    """

    context: int | None
    window: int | None
    label: int

    def shares(self, length: int) -> bool:
        """Whether a prompt of that many tokens can stand on shared keys and values.

        Beyond the window of sliding-window attention the masks are the model's own business: such prompts are
        recomputed whole.
        """
        return self.window is None or length + self.label <= self.window

    def fits(self, length: int) -> bool:
        """Whether a prompt of that many tokens and every label fit the model's context."""
        return self.context is None or length + self.label <= self.context


def limits_of(config: Any, label: int) -> Limits:
    """The limits that a model's configuration names, for labels of up to `label` tokens."""
    return Limits(_context(config), _window(config), label)


def _context(config: Any) -> int | None:
    for name in ("max_position_embeddings", "n_positions", "seq_length"):
        if isinstance(getattr(config, name, None), int):
            return int(getattr(config, name))
    return None


def _window(config: Any) -> int | None:
    kinds = getattr(config, "layer_types", None)
    if kinds and all(kind == "full_attention" for kind in kinds):
        return None
    if getattr(config, "use_sliding_window", True) is False:
        return None
    windows = [getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size")]
    found = [window for window in windows if isinstance(window, int)]
    return min(found) if found else None
