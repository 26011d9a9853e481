"""How many tokens a model takes, how far it looks back, and from where on its positions mean something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Limits:
    """What a prompt of some length can be asked.

    Attributes:
        context: how many tokens the model takes; None where its configuration does not say.
        window: the window of sliding, local or chunked attention; None where every layer sees everything.
        switch: tokens beyond which all positions are encoded in another way (longrope); None where nothing changes.
        label: tokens of the longest label.
    """

    context: int | None
    window: int | None
    switch: int | None
    label: int

    @property
    def bounded(self) -> bool:
        """Whether there are prompts that cannot be called in parts."""
        return self.window is not None or self.switch is not None

    def shares(self, length: int) -> bool:
        """Whether a prompt of that many tokens can stand on shared keys and values.

        Beyond the window of sliding-window attention the masks are the model's own business, beyond the switch of
        longrope the keys of the prefix are others: such prompts are recomputed whole.
        """
        return all(limit is None or length + self.label <= limit for limit in (self.window, self.switch))

    def fits(self, length: int) -> bool:
        """Whether a prompt of that many tokens and every label fit the model's context."""
        return self.context is None or length + self.label <= self.context


def limits_of(config: Any, label: int) -> Limits:
    """The limits that a model's configuration names, for labels of up to `label` tokens."""
    return Limits(_context(config), _window(config), _switch(config), label)


def _context(config: Any) -> int | None:
    for name in ("max_position_embeddings", "n_positions", "seq_length"):
        if isinstance(getattr(config, name, None), int):
            return int(getattr(config, name))
    return None


def _window(config: Any) -> int | None:
    if "local" in (getattr(config, "attention_layers", None) or ()):  # GPT-Neo
        return int(config.window_size)
    kinds = getattr(config, "layer_types", None)
    if kinds and all(kind == "full_attention" for kind in kinds):
        return None
    if getattr(config, "use_sliding_window", True) is False:
        return None
    windows = [getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size")]
    found = [window for window in windows if isinstance(window, int)]
    return min(found) if found else None


def _switch(config: Any) -> int | None:
    lengths = [
        rope.get("original_max_position_embeddings") or getattr(config, "original_max_position_embeddings", None)
        for rope in _ropes(getattr(config, "rope_parameters", None))
        if rope.get("rope_type") == "longrope"
    ]
    found = [length for length in lengths if isinstance(length, int)]
    return min(found) if found else None


def _ropes(parameters: Any) -> Iterator[Mapping[str, Any]]:
    """Of all layers, or one for each kind of layer."""
    if isinstance(parameters, Mapping):
        if "rope_type" in parameters:
            yield parameters
        else:
            yield from (one for one in parameters.values() if isinstance(one, Mapping))
