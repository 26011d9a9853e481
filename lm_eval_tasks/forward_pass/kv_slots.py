"""Keys and values of rows that grow token by token: each row has a slot, and slots are written in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import DynamicCache

from lm_eval_tasks.forward_pass.model_parts import ModelParts

# Slots grow by so many tokens at a time, so that a row does not take the memory of the longest answer from the start.
GROWTH = 64


class KVSlots(DynamicCache):
    """A cache of slots, [n_slots, heads, tokens, head size] per layer; a slot holds as many tokens as `lengths` says.

    What lies behind a slot's length is zeros, or tokens that are no longer valid. No row sees it.

    Args:
        parts: the model.
        n_slots: number of slots.
        tokens: that a slot has room for at first.
    """

    def __init__(self, parts: ModelParts, n_slots: int, tokens: int) -> None:
        super().__init__()
        self.parts, self.lengths = parts, [0] * n_slots
        self.stored: dict[int, tuple[Tensor, Tensor]] = {}  # by layer
        self._capacity, self._first, self._width = tokens, 0, 0
        self._at: tuple[Tensor, Tensor] | None = None  # slots and tokens to write to; None where all are of one length

    def extend(self, first: int, tokens: Sequence[Sequence[int]]) -> Tensor:
        """Compute tokens of the slots from `first` on, each behind what its slot holds.

        Args:
            first: the first slot.
            tokens: the next tokens of each slot, at least one each.

        Returns:
            Their hidden states, [len(tokens), n_columns, width]; behind a slot's own tokens no meaning.
        """
        slots, device = slice(first, first + len(tokens)), self.parts.device
        starts = self.lengths[slots]
        ids, counts = self.parts.pad(tokens)
        columns = ids.shape[1]
        self._first, self._width, self._at = first, max(starts), None
        mask = position = None
        if self._width:
            start = torch.tensor(starts, device=device)
            step = torch.arange(columns, device=device)
            place = start[:, None] + step
            # Pads take position 0, so that no table of positions is read beyond its end.
            position = torch.where(step < counts[:, None], place, 0)
            if min(starts) < self._width:
                self._at = torch.arange(first, slots.stop, device=device)[:, None], place
            else:
                place = place[:1]
            visible = torch.arange(self._width + columns, device=device) <= place[:, :, None]
            hidden = torch.full((), torch.finfo(self.parts.dtype).min, dtype=self.parts.dtype, device=device)
            mask = torch.where(visible, torch.zeros_like(hidden), hidden)[:, None]
        self._grow(self._width + columns)
        states = self.parts.states(ids, mask, position, self)
        self.lengths[slots] = [start + len(row) for start, row in zip(starts, tokens, strict=True)]
        return states

    def copy(self, slot: int, source: KVSlots, source_slot: int, tokens: int) -> None:
        """Let a slot hold the first tokens of another one."""
        self._grow(tokens)
        for layer, pair in source.stored.items():
            if layer not in self.stored:
                self.stored[layer] = self._empty(pair[0]), self._empty(pair[1])
            for own, values in zip(self.stored[layer], pair, strict=True):
                own[slot, :, :tokens] = values[source_slot, :, :tokens]
        self.lengths[slot] = tokens

    def bytes_per_token(self) -> int:
        """Memory of a token, over all layers."""
        return sum(
            values.element_size() * values.shape[1] * values.shape[3]
            for layer in self.stored.values()
            for values in layer
        )

    def update(self, keys: Tensor, values: Tensor, layer_idx: int, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Keys and values of everything that the rows may see; called by the model's attention."""
        if layer_idx not in self.stored:
            self.stored[layer_idx] = self._empty(keys), self._empty(values)
        return self._write(layer_idx, 0, keys), self._write(layer_idx, 1, values)

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Tokens before those that are computed."""
        return self._width

    def _empty(self, like: Tensor) -> Tensor:
        # Zeros: an attention weight of 0 times what an empty tensor may hold is not always 0.
        return like.new_zeros(len(self.lengths), like.shape[1], self._capacity, like.shape[3])

    def _write(self, layer: int, key_or_value: int, new: Tensor) -> Tensor:
        stored, rows, end = self.stored[layer][key_or_value], new.shape[0], self._width + new.shape[2]
        slots = slice(self._first, self._first + rows)
        if self._at is None:
            stored[slots, :, self._width : end] = new
        else:
            stored[self._at[0], :, self._at[1]] = new.transpose(1, 2)
        return stored[slots, :, :end] if self._width else new

    def _grow(self, tokens: int) -> None:
        if tokens <= self._capacity:
            return
        more = -(-tokens // GROWTH) * GROWTH - self._capacity
        self._capacity += more
        for layer, (keys, values) in self.stored.items():
            self.stored[layer] = pad(keys, (0, 0, 0, more)), pad(values, (0, 0, 0, more))
