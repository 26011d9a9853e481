"""Log-probabilities of continuations after prompts, many rows at once; each row has a tree of label tokens of its own.

Right padding needs no padding mask under causal attention: nothing that is read comes after a pad. Hidden states are
gathered where a label is read, before the multiplication with the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from lm_eval_tasks.forward_pass.kv_cache import LayerKeyValues, SharedKVCache
from lm_eval_tasks.forward_pass.label_tree import LabelTree
from lm_eval_tasks.forward_pass.model_parts import MAX_LOGITS, ModelParts

# Log-probability of a continuation in nats, and whether greedy decoding would write it.
Scores = list[tuple[float, bool]]


class LabelRow(NamedTuple):
    """What is computed of a prompt."""

    ids: Sequence[int]  # its tokens behind those that are in a cache; at least one
    tree: LabelTree  # the continuations


class Before(NamedTuple):
    """Keys and values of the tokens before the rows."""

    opening: LayerKeyValues | None = None  # of tokens that open all rows
    opening_tokens: int = 0
    prompts: LayerKeyValues | None = None  # of other prompts, behind the opening
    sources: Sequence[int] = ()  # which of these prompts a row continues
    tokens: Sequence[int] = ()  # how many of its tokens, behind the opening


class LabelRows:
    """Scores rows with a model.

    Args:
        parts: the model.
        logits_dtype: the number type of the model's own logits, in which log-probabilities are rounded.
        softmax_dtype: the number type of the softmax; that of the logits by default.
    """

    def __init__(self, parts: ModelParts, logits_dtype: torch.dtype, softmax_dtype: torch.dtype | None = None) -> None:
        self.parts, self.dtype = parts, softmax_dtype or logits_dtype

    def opening(self, ids: Sequence[int]) -> LayerKeyValues:
        """Keys and values of tokens that open rows."""
        cache = SharedKVCache(None, record=True)
        self.parts.states(self.parts.pad([ids])[0], None, None, cache)
        return cache.recorded

    def __call__(
        self, rows: Sequence[LabelRow], before: Before, return_kv: bool = False
    ) -> tuple[list[Scores], LayerKeyValues]:
        """A score for each continuation of each row, and, for `return_kv`, keys and values of the rows' tokens."""
        width = max(before.tokens, default=0)
        sources = torch.tensor(before.sources, device=self.parts.device) if width else None
        cache = SharedKVCache(before.opening, before.prompts if width else None, sources, width, return_kv)
        ids, lengths = self.parts.pad([[*row.ids, *row.tree.nodes] for row in rows])
        if cache.get_seq_length() or any(row.tree.nodes for row in rows):
            mask, positions = self._layout(rows, lengths, ids.shape[1], before, width)
            hidden = self.parts.states(ids, mask, positions, cache)
        else:
            hidden = self.parts.states(ids, None, None, cache)
        return self._score(rows, hidden), cache.recorded

    def _layout(
        self, rows: Sequence[LabelRow], lengths: Tensor, columns: int, before: Before, width: int
    ) -> tuple[Tensor, Tensor]:
        """The additive attention mask, [n_rows or 1, 1, n_columns, n_cached + n_columns], and positions of tokens."""
        device, dtype = self.parts.device, self.parts.dtype
        trees = list(dict.fromkeys(row.tree for row in rows))
        most = max(len(tree.nodes) for tree in trees)
        column = torch.arange(columns, device=device)
        visible = torch.ones(columns, columns, dtype=torch.bool, device=device).tril()[None]
        position = column[None].expand(len(rows), -1)
        if most:
            depths = torch.tensor([[*tree.depths, *[0] * (most - len(tree.depths))] for tree in trees], device=device)
            ancestors = torch.zeros(len(trees), most, most, dtype=torch.bool)
            for index, tree in enumerate(trees):
                if tree.nodes:
                    ancestors[index, : len(tree.nodes), : len(tree.nodes)] = torch.tensor(tree.ancestors())
            ancestors, of_row = ancestors.to(device), torch.tensor([trees.index(row.tree) for row in rows])
            of_row = of_row.to(device)
            counts = torch.tensor([len(row.tree.nodes) for row in rows], device=device)
            texts = lengths - counts
            node = column[None] - texts[:, None]  # index of the label token at a column
            is_label = (node >= 0) & (node < counts[:, None])
            node = node.clamp(0, most - 1)
            position = torch.where(is_label, texts[:, None] - 1 + depths[of_row].gather(1, node), position)
            branch = ancestors[of_row[:, None, None], node[:, :, None], node[:, None, :]]
            visible = visible & (~(is_label[:, :, None] & is_label[:, None, :]) | branch)
        cached = before.opening_tokens + width
        visible_cache = torch.ones(1, columns, cached, dtype=torch.bool, device=device)
        if width:
            tokens = torch.tensor(before.tokens, device=device)
            position = position + tokens[:, None]
            of_prompt = torch.arange(width, device=device)[None] < tokens[:, None]
            visible_cache = visible_cache.expand(len(rows), -1, -1).clone()
            visible_cache[:, :, before.opening_tokens :] = of_prompt[:, None]
        # Pads take position 0, so that no table of positions is read beyond its end.
        position = torch.where(column[None] < lengths[:, None], position + before.opening_tokens, 0)
        size = max(len(visible), len(visible_cache))
        allowed = torch.cat([visible_cache.expand(size, -1, -1), visible.expand(size, -1, -1)], -1)[:, None]
        hidden = torch.full((), torch.finfo(dtype).min, dtype=dtype, device=device)
        return torch.where(allowed, torch.zeros_like(hidden), hidden), position

    def _score(self, rows: Sequence[LabelRow], hidden: Tensor) -> list[Scores]:
        read_rows, read_columns, edges, first = list[int](), list[int](), list[tuple[int, int, int]](), 0
        for number, row in enumerate(rows):
            edges += [(len(read_rows) + 1 + node, token_id, first + path) for path, node, token_id in row.tree.edges]
            read_rows += [number] * (1 + len(row.tree.nodes))
            read_columns += range(len(row.ids) - 1, len(row.ids) + len(row.tree.nodes))
            first += len(row.tree.paths)
        device = self.parts.device
        read, token, label = torch.tensor(edges, device=device).unbind(1)
        states = hidden[torch.tensor(read_rows, device=device), torch.tensor(read_columns, device=device)]
        n_tokens = torch.zeros(first, dtype=torch.long, device=device).index_add(0, label, torch.ones_like(label))
        totals = torch.zeros(first, dtype=torch.promote_types(self.dtype, torch.float32), device=device)
        n_greedy, at_once = torch.zeros_like(n_tokens), max(1, MAX_LOGITS // self.parts.head.vocabulary)
        for start in range(0, len(states), at_once):
            logprobs = self.parts.head(states[start : start + at_once]).log_softmax(-1, dtype=totals.dtype)
            here = (read >= start) & (read < start + at_once)
            values = logprobs[read[here] - start, token[here]].to(self.dtype)
            totals = totals.index_add(0, label[here], values.to(totals.dtype))
            greedy = logprobs.to(self.dtype).argmax(-1)[read[here] - start] == token[here]
            n_greedy = n_greedy.index_add(0, label[here], greedy.long())
        logprob, is_greedy = totals.to(self.dtype).tolist(), (n_greedy == n_tokens).tolist()
        scores, first = [], 0
        for row in rows:
            end = first + len(row.tree.paths)
            scores.append(list(zip(logprob[first:end], is_greedy[first:end], strict=True)))
            first = end
        return scores
