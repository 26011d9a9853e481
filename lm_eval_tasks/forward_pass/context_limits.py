"""Length limits of a model: its context, its sliding window, and where its positions are encoded in another way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from transformers import PretrainedConfig


class ContextLimits(NamedTuple):
    """Which prompts a model takes, and which of them may reuse the keys and values of the prefix."""

    context: int | None  # tokens that the model takes; None where its configuration does not say
    window: int | None  # of sliding, local or chunked attention; None where every layer sees everything
    switch: int | None  # tokens beyond which all positions are encoded in another way (longrope)
    label: int  # tokens of the longest label

    @property
    def bounded(self) -> bool:
        """Whether some prompts must not reuse keys and values."""
        return self.window is not None or self.switch is not None

    def can_share(self, length: int) -> bool:
        """Whether a prompt of that many tokens may reuse the keys and values of the prefix.

        Beyond the window of sliding-window attention only the model knows its masks. Beyond the switch of longrope the
        prefix has other keys. Such prompts are recomputed whole.
        """
        return all(limit is None or length + self.label <= limit for limit in (self.window, self.switch))

    def fits(self, length: int) -> bool:
        """Whether a prompt of that many tokens and every label fit the model's context."""
        return self.context is None or length + self.label <= self.context


def limits_of(config: PretrainedConfig, label: int) -> ContextLimits:
    """The limits that a model's configuration names, for labels of up to `label` tokens."""
    names = ("max_position_embeddings", "n_positions", "seq_length")
    context = next((value for name in names if isinstance(value := getattr(config, name, None), int)), None)
    return ContextLimits(context, _window(config), _switch(config), label)


def _window(config: PretrainedConfig) -> int | None:
    if "local" in (getattr(config, "attention_layers", None) or ()):  # GPT-Neo
        return int(config.window_size)
    kinds = getattr(config, "layer_types", None)
    if kinds and all(kind == "full_attention" for kind in kinds):
        return None
    if getattr(config, "use_sliding_window", True) is False:
        return None
    windows = [getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size")]
    return min((window for window in windows if isinstance(window, int)), default=None)


def _switch(config: PretrainedConfig) -> int | None:
    parameters = getattr(config, "rope_parameters", None) or {}
    lengths = [
        rope.get("original_max_position_embeddings") or getattr(config, "original_max_position_embeddings", None)
        # The parameters of all layers, or those of each kind of layer.
        for rope in ([parameters] if "rope_type" in parameters else parameters.values())
        if isinstance(rope, Mapping) and rope.get("rope_type") == "longrope"
    ]
    return min((length for length in lengths if isinstance(length, int)), default=None)
