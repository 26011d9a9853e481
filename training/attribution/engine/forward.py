"""The batched forward: log-probabilities of the labels at the answer position, from embeddings.

Right padding without a padding mask is exact under causal attention, as nothing that is read stands behind a pad. The
tokens that open every prompt are run once; their keys and values are shared by all rows. Hidden states are gathered
where a label is read, before the vocabulary is multiplied in.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from training.attribution.engine.context_limits import limits_of
from training.attribution.engine.kv_cache import Layers, SharedPast
from training.attribution.engine.lm_head import Head
from training.attribution.prompt.label_tree import LabelTree

# Values of a slice of the vocabulary's logits: 256 MB in float32.
LOGITS_AT_ONCE = 1 << 26


@dataclass(frozen=True)
class Rows:
    """A batch of token rows, padded on the right.

    Attributes:
        embeds: embeddings, [n_rows, n_tokens, width].
        lengths: tokens of each row, [n_rows].
        shared: the rows stand behind the shared prefix, which is not among their tokens.
        documents: keys and values of the chunk's documents, where rows go on from one.
        document: which document a row goes on from, [n_rows].
        starts: how many of that document's tokens (behind the prefix) a row goes on from, [n_rows].
    """

    embeds: Tensor
    lengths: Tensor
    shared: bool
    documents: Layers | None = None
    document: Tensor | None = None
    starts: Tensor | None = None


class Forward:
    """A causal language model as a function from embeddings to label log-probabilities.

    The model is called in parts; `verify_forward` checks that it answers as it does when called whole.

    Args:
        model: a Hugging Face causal model, or a peft model around one. Its parameters are frozen.
        tree: the labels.
        prefix: token ids that open every prompt.
    """

    def __init__(self, model: Any, tree: LabelTree, prefix: Sequence[int] = ()) -> None:
        model.requires_grad_(False)
        model.eval()
        inner = model.get_base_model() if hasattr(model, "get_base_model") else model
        self.model, self.tree = model, tree
        self.takes = inspect.signature(inner.forward).parameters
        self.backbone = getattr(inner, inner.base_model_prefix)
        self.config = inner.config.get_text_config()
        self.embedding, self.head = inner.get_input_embeddings(), Head(inner.get_output_embeddings(), self.config)
        self.device, self.dtype = self.embedding.weight.device, self.embedding.weight.dtype
        self.limits = limits_of(self.config, max(map(len, tree.paths)))
        self.prefix_ids = list(prefix)
        self._nodes = torch.tensor(tree.nodes, dtype=torch.long, device=self.device)
        self._depths = torch.tensor(tree.depths, dtype=torch.long, device=self.device)
        sees = torch.tensor(tree.ancestors(), dtype=torch.bool, device=self.device)
        self._sees = sees.reshape(len(tree.nodes), len(tree.nodes))
        self._edges = torch.tensor(tree.edges, device=self.device)
        self._prefix = self._run_prefix() if self.prefix_ids else None

    # -- what callers need -----------------------------------------------------------------------------------------

    def pad(self, rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Token ids [n_rows, n_tokens] and lengths [n_rows] on the device."""
        width = max(map(len, rows))
        ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], device=self.device)
        return ids, torch.tensor([len(row) for row in rows], device=self.device)

    def embed(self, ids: Tensor) -> Tensor:
        """Embeddings as the model's first layer gets them."""
        with torch.no_grad():
            embedded: Tensor = self.embedding(ids)
        return embedded

    def __call__(self, rows: Rows, keep: bool = False) -> tuple[Tensor, Layers | None]:
        """Log-probability of each label, in nats, [n_rows, n_labels] in float32; keys and values where `keep`.

        Differentiable in `rows.embeds` where gradients are on.
        """
        if not rows.shared and self.limits.bounded:
            return self._whole(rows), None
        past = SharedPast(
            self._prefix if rows.shared else None,
            rows.documents,
            rows.document,
            int(rows.starts.max()) if rows.starts is not None else 0,
            keep,
        )
        hidden = self._hidden(rows, past)
        reads = torch.cat(
            [rows.lengths[:, None] - 1, rows.lengths[:, None] + torch.arange(len(self._nodes)).to(rows.lengths)], 1
        )
        read = hidden.gather(1, reads[..., None].expand(-1, -1, hidden.shape[-1]))
        return self._score(read), past.kept or None

    # -- how it is done --------------------------------------------------------------------------------------------

    def _hidden(self, rows: Rows, past: SharedPast) -> Tensor:
        """Hidden states of the rows' tokens with the label tokens behind each prompt."""
        embeds, extra, before = rows.embeds.to(self.dtype), len(self._nodes), past.get_seq_length()
        if extra:
            embeds = torch.nn.functional.pad(embeds, (0, 0, 0, extra))
        columns = torch.arange(embeds.shape[1], device=self.device)
        node = columns[None] - rows.lengths[:, None]  # index of the label token at a column, [n_rows, n_columns]
        if extra:
            inside = (node >= 0) & (node < extra)
            labels = self.embed(self._nodes).to(self.dtype)[node.clamp(0, extra - 1)]
            embeds = torch.where(inside[..., None], labels, embeds)
        if not before and not extra:
            return self.states(embeds, None, None, past)
        offset = before - past.width + (rows.starts if rows.starts is not None else torch.zeros_like(rows.lengths))
        position = columns[None].expand(len(node), -1)
        if extra:
            behind = (rows.lengths[:, None] - 1) + self._depths[node.clamp(0, extra - 1)]
            position = torch.where(inside, behind, position)
        # Pads take position 0: no table of positions is read beyond its end.
        position = torch.where(node < extra, position + offset[:, None], 0)
        return self.states(embeds, self._mask(rows, node, before, past.width), position, past)

    def _mask(self, rows: Rows, node: Tensor, before: int, width: int) -> Tensor:
        """Additive attention mask, [n_rows or 1, 1, n_columns, before + n_columns]."""
        count, extra = node.shape[1], len(self._nodes)
        sees = torch.ones(count, count, dtype=torch.bool, device=self.device).tril()[None]
        if extra:
            inside = (node >= 0) & (node < extra)
            at = node.clamp(0, extra - 1)
            both = inside[:, :, None] & inside[:, None, :]
            sees = sees & (~both | self._sees[at[:, :, None], at[:, None, :]])
        earlier = torch.ones(1, count, before, dtype=torch.bool, device=self.device)
        if width and rows.starts is not None:
            shown = torch.arange(width, device=self.device)[None] < rows.starts[:, None]
            earlier = earlier.expand(len(node), -1, -1).clone()
            earlier[:, :, before - width :] = shown[:, None]
        size = max(len(sees), len(earlier))
        whole = torch.cat([earlier.expand(size, -1, -1), sees.expand(size, -1, -1)], -1)[:, None]
        hidden = torch.full((), torch.finfo(self.dtype).min, dtype=self.dtype, device=self.device)
        return torch.where(whole, torch.zeros_like(hidden), hidden)

    def states(self, embeds: Tensor, mask: Tensor | None, position: Tensor | None, past: SharedPast) -> Tensor:
        """Hidden states [n_rows, n_tokens, width] of the model's last layer."""
        out = self.backbone(
            inputs_embeds=embeds, attention_mask=mask, position_ids=position, past_key_values=past, use_cache=True
        )
        states: Tensor = out.last_hidden_state
        return states

    def _score(self, read: Tensor) -> Tensor:
        """[n_rows, 1 + n_nodes, width] -> [n_rows, n_labels]."""
        told = [
            self._tokens(part)
            for part in torch.split(read, max(1, LOGITS_AT_ONCE // self.head.vocabulary // read.shape[1]))
        ]
        each = torch.cat(told)
        return torch.zeros(len(read), len(self.tree.labels), device=self.device).index_add(1, self._edges[:, 0], each)

    def _tokens(self, read: Tensor) -> Tensor:
        """Log-probability of each edge's token, [n_rows, n_edges]."""
        logits = self.head(read).log_softmax(-1)
        return logits[:, self._edges[:, 1] + 1, self._edges[:, 2]]

    def _whole(self, rows: Rows) -> Tensor:
        """Each label behind the whole prompt, with the masks of the model's own making."""
        return torch.stack([self._behind(rows.embeds, rows.lengths, path) for path in self.tree.paths], 1)

    def _behind(self, embeds: Tensor, lengths: Tensor, path: Sequence[int]) -> Tensor:
        """Log-probability of one label, [n_rows]."""
        fed = len(path) - 1  # the last token is read, not fed
        short = lengths + fed <= self.limits.switch if self.limits.switch else torch.ones_like(lengths) > 0
        if not bool(short.all()) and bool(short.any()):
            # The longest row decides how the positions of a batch are encoded: short and long ones are asked apart.
            told = torch.zeros(len(lengths), device=self.device)
            for its in (short, ~short):
                part = self._behind(embeds[its, : int(lengths[its].max())], lengths[its], path)
                told = told.index_put((its.nonzero()[:, 0],), part)
            return told
        embeds = embeds.to(self.dtype)
        if fed:
            answer = self.embed(torch.tensor(path[:-1], device=self.device)).to(self.dtype)
            embeds = torch.nn.functional.pad(embeds, (0, 0, 0, fed))
            place = torch.arange(embeds.shape[1], device=self.device)[None] - lengths[:, None]
            inside = (place >= 0) & (place < fed)
            embeds = torch.where(inside[..., None], answer[place.clamp(0, fed - 1)], embeds)
        hidden = self.backbone(inputs_embeds=embeds, use_cache=False).last_hidden_state
        reads = lengths[:, None] - 1 + torch.arange(len(path), device=self.device)[None]
        logits = self.head(hidden.gather(1, reads[..., None].expand(-1, -1, hidden.shape[-1]))).log_softmax(-1)
        wanted = torch.tensor(path, device=self.device)[None, :, None].expand(len(logits), -1, -1)
        found: Tensor = logits.gather(-1, wanted).sum((1, 2))
        return found

    def _run_prefix(self) -> Layers:
        past = SharedPast(None, keep=True)
        with torch.no_grad():
            self.states(self.embed(torch.tensor([self.prefix_ids], device=self.device)), None, None, past)
        return past.kept
