"""The batched forward pass: log-probabilities of the labels at the answer position, from embeddings.

Right padding without a padding mask is exact under causal attention: nothing that is read comes after a pad. The tokens
that open every prompt are run once, and all rows share their keys and values. Hidden states are gathered where a label
is read, before the multiplication with the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lm_eval_tasks.forward_pass.context_limits import limits_of
from lm_eval_tasks.forward_pass.kv_cache import LayerKeyValues, SharedKVCache
from lm_eval_tasks.forward_pass.label_tree import LabelTree
from lm_eval_tasks.forward_pass.model_parts import MAX_LOGITS, ModelParts

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class EmbeddedBatch:
    """Rows of token embeddings, padded on the right."""

    embeds: Tensor  # [n_rows, n_tokens, width]
    lengths: Tensor  # tokens of each row, [n_rows]
    after_prefix: bool  # the rows continue the shared prefix, which is not among their tokens
    document_cache: LayerKeyValues | None = None  # keys and values of documents, where rows continue one
    document_index: Tensor | None = None  # which of these documents a row continues, [n_rows]
    document_tokens: Tensor | None = None  # tokens of that document (after the prefix) before the row, [n_rows]


class Forward(ModelParts):
    """A causal language model as a function from embeddings to label log-probabilities.

    The model's parts are called, not the model; `verify_forward` checks that the two agree.

    Args:
        model: a Hugging Face causal model, or a peft model around one. Its parameters are frozen.
        tree: the labels.
        prefix: token ids that open every prompt.
    """

    def __init__(self, model: PreTrainedModel, tree: LabelTree, prefix: Sequence[int] = ()) -> None:
        model.requires_grad_(False)
        model.eval()
        super().__init__(model)
        self.tree = tree
        self.limits = limits_of(self.config, max(map(len, tree.paths)))
        self.prefix_ids = list(prefix)
        self._nodes = torch.tensor(tree.nodes, dtype=torch.long, device=self.device)
        self._depths = torch.tensor(tree.depths, dtype=torch.long, device=self.device)
        visible = torch.tensor(tree.ancestors(), dtype=torch.bool, device=self.device)
        self._visible_nodes = visible.reshape(len(tree.nodes), len(tree.nodes))
        self._edges = torch.tensor(tree.edges, device=self.device)
        self._prefix: LayerKeyValues | None = None
        if prefix:
            cache = SharedKVCache(None, record=True)
            with torch.no_grad():
                self.states(self.embed(self.pad([prefix])[0]), None, None, cache)
            self._prefix = cache.recorded

    def embed(self, ids: Tensor) -> Tensor:
        """Embeddings as the model's first layer gets them."""
        with torch.no_grad():
            embedded: Tensor = self.embedding(ids)
        return embedded

    def __call__(self, rows: EmbeddedBatch, return_kv: bool = False) -> tuple[Tensor, LayerKeyValues | None]:
        """Log-probability of each label.

        Differentiable in `rows.embeds` where gradients are on.

        Returns:
            Nats, [n_rows, n_labels] in float32. And, for `return_kv`, keys and values of the rows' tokens; None if they
            cannot be reused.
        """
        if not rows.after_prefix and self.limits.bounded:
            # Each label after the whole prompt, with the model's own masks.
            logprobs = [self._label_logprob(rows.embeds, rows.lengths, path) for path in self.tree.paths]
            return torch.stack(logprobs, 1), None
        cache = SharedKVCache(
            self._prefix if rows.after_prefix else None,
            rows.document_cache,
            rows.document_index,
            int(rows.document_tokens.max()) if rows.document_tokens is not None else 0,
            return_kv,
        )
        hidden = self._hidden(rows, cache)
        # The prompt's last token, then the label tokens.
        positions = rows.lengths[:, None] - 1 + torch.arange(1 + len(self._nodes), device=self.device)
        answer_states = hidden.gather(1, positions[..., None].expand(-1, -1, hidden.shape[-1]))
        return self._score(answer_states), cache.recorded or None

    def _hidden(self, rows: EmbeddedBatch, cache: SharedKVCache) -> Tensor:
        """Hidden states of the rows' tokens, with the label tokens after each prompt."""
        embeds, n_nodes, cached = rows.embeds.to(self.dtype), len(self._nodes), cache.get_seq_length()
        if n_nodes:
            embeds = torch.nn.functional.pad(embeds, (0, 0, 0, n_nodes))
        columns = torch.arange(embeds.shape[1], device=self.device)
        node = columns[None] - rows.lengths[:, None]  # index of the label token at a column, [n_rows, n_columns]
        if n_nodes:
            is_label = (node >= 0) & (node < n_nodes)
            labels = self.embed(self._nodes).to(self.dtype)[node.clamp(0, n_nodes - 1)]
            embeds = torch.where(is_label[..., None], labels, embeds)
        if not cached and not n_nodes:
            return self.states(embeds, None, None, cache)
        tokens = rows.document_tokens if rows.document_tokens is not None else torch.zeros_like(rows.lengths)
        offset = cached - cache.width + tokens
        position = columns[None].expand(len(node), -1)
        if n_nodes:
            label_position = (rows.lengths[:, None] - 1) + self._depths[node.clamp(0, n_nodes - 1)]
            position = torch.where(is_label, label_position, position)
        # Pads take position 0, so that no table of positions is read beyond its end.
        position = torch.where(node < n_nodes, position + offset[:, None], 0)
        return self.states(embeds, self._mask(rows, node, cached, cache.width), position, cache)

    def _mask(self, rows: EmbeddedBatch, node: Tensor, cached: int, width: int) -> Tensor:
        """Additive attention mask, [n_rows or 1, 1, n_columns, cached + n_columns]."""
        count, n_nodes = node.shape[1], len(self._nodes)
        visible = torch.ones(count, count, dtype=torch.bool, device=self.device).tril()[None]
        if n_nodes:
            is_label = (node >= 0) & (node < n_nodes)
            index = node.clamp(0, n_nodes - 1)
            both_labels = is_label[:, :, None] & is_label[:, None, :]
            visible = visible & (~both_labels | self._visible_nodes[index[:, :, None], index[:, None, :]])
        visible_cache = torch.ones(1, count, cached, dtype=torch.bool, device=self.device)
        if width and rows.document_tokens is not None:
            of_document = torch.arange(width, device=self.device)[None] < rows.document_tokens[:, None]
            visible_cache = visible_cache.expand(len(node), -1, -1).clone()
            visible_cache[:, :, cached - width :] = of_document[:, None]
        size = max(len(visible), len(visible_cache))
        allowed = torch.cat([visible_cache.expand(size, -1, -1), visible.expand(size, -1, -1)], -1)[:, None]
        hidden = torch.full((), torch.finfo(self.dtype).min, dtype=self.dtype, device=self.device)
        return torch.where(allowed, torch.zeros_like(hidden), hidden)

    def _score(self, answer_states: Tensor) -> Tensor:
        """[n_rows, 1 + n_nodes, width] -> [n_rows, n_labels]."""
        rows_at_once = max(1, MAX_LOGITS // self.head.vocabulary // answer_states.shape[1])
        parts = (self.head(part).log_softmax(-1) for part in torch.split(answer_states, rows_at_once))
        edges = torch.cat([part[:, self._edges[:, 1] + 1, self._edges[:, 2]] for part in parts])
        scores = torch.zeros(len(answer_states), len(self.tree.labels), device=self.device)
        return scores.index_add(1, self._edges[:, 0], edges)

    def _label_logprob(self, embeds: Tensor, lengths: Tensor, path: Sequence[int]) -> Tensor:
        n_inputs = len(path) - 1  # the last token is predicted, not fed
        switch = self.limits.switch
        short = lengths + n_inputs <= switch if switch else torch.ones_like(lengths) > 0
        if not bool(short.all()) and bool(short.any()):
            # The longest row decides how the positions of a batch are encoded, so short and long rows are separated.
            logprob = torch.zeros(len(lengths), device=self.device)
            for group in (short, ~short):
                part = self._label_logprob(embeds[group, : int(lengths[group].max())], lengths[group], path)
                logprob = logprob.index_put((group.nonzero()[:, 0],), part)
            return logprob
        embeds = embeds.to(self.dtype)
        if n_inputs:
            answer = self.embed(torch.tensor(path[:-1], device=self.device)).to(self.dtype)
            embeds = torch.nn.functional.pad(embeds, (0, 0, 0, n_inputs))
            index = torch.arange(embeds.shape[1], device=self.device)[None] - lengths[:, None]
            is_answer = (index >= 0) & (index < n_inputs)
            embeds = torch.where(is_answer[..., None], answer[index.clamp(0, n_inputs - 1)], embeds)
        hidden = self.backbone(inputs_embeds=embeds, use_cache=False).last_hidden_state
        positions = lengths[:, None] - 1 + torch.arange(len(path), device=self.device)[None]
        answer_states = hidden.gather(1, positions[..., None].expand(-1, -1, hidden.shape[-1]))
        logprobs = self.head(answer_states).log_softmax(-1)
        tokens = torch.tensor(path, device=self.device)[None, :, None].expand(len(logprobs), -1, -1)
        label_logprob: Tensor = logprobs.gather(-1, tokens).sum((1, 2))
        return label_logprob
