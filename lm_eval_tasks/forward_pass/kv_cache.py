"""Keys and values that many rows share, given to a Hugging Face model as its cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

# Keys and values per layer, each [rows, heads, tokens, head size].
LayerKeyValues = Sequence[tuple[Tensor, Tensor]]


class SharedKVCache(DynamicCache):
    """Keys and values of what comes before a batch's tokens: the prompts' prefix, then tokens of the row's document.

    A model appends to its cache. This one ignores that, so the same keys and values serve any number of batches,
    integration steps and masked variants.

    Args:
        prefix: of the tokens that open every prompt, rows = 1; None where there are none.
        documents: of the documents of a batch, after the prefix; None where rows start at the prefix.
        rows: index of each row's document, [n_rows].
        width: how many of the documents' tokens are in the cache. The attention mask hides what a row may not see.
        record: store the keys and values of the batch's own tokens in `recorded`.
    """

    def __init__(
        self,
        prefix: LayerKeyValues | None,
        documents: LayerKeyValues | None = None,
        rows: Tensor | None = None,
        width: int = 0,
        record: bool = False,
    ) -> None:
        super().__init__()
        self.prefix, self.documents, self.rows, self.width = prefix, documents, rows, width
        self.record, self.recorded = record, list[tuple[Tensor, Tensor]]()

    def update(self, keys: Tensor, values: Tensor, layer_idx: int, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Keys and values of everything a row may see; called by the model's attention."""
        if self.record:
            self.recorded.append((keys, values))
        return self._joined(keys, layer_idx, 0), self._joined(values, layer_idx, 1)

    def _joined(self, new: Tensor, layer: int, key_or_value: int) -> Tensor:
        parts = []
        if self.prefix is not None:
            parts.append(self.prefix[layer][key_or_value].expand(new.shape[0], -1, -1, -1))
        if self.documents is not None and self.rows is not None and self.width:
            parts.append(self.documents[layer][key_or_value][:, :, : self.width].index_select(0, self.rows))
        return torch.cat([*parts, new], dim=-2) if parts else new

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Tokens before the batch's own."""
        return (self.prefix[0][0].shape[-2] if self.prefix is not None else 0) + self.width
