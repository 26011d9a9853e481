"""A causal language model in its parts: embedding, layers and output matrix, called one by one."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lm_eval_tasks.forward_pass.kv_cache import SharedKVCache
from lm_eval_tasks.forward_pass.lm_head import LMHead

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# Values of a slice of the vocabulary's logits: 256 MB in float32.
MAX_LOGITS = 1 << 26

# Tokens of a prompt on which logits are compared. They fit into every attention window.
COMPARED_TOKENS = 8


class ModelParts:
    """The parts of a model that a forward pass of our own calls.

    Args:
        model: a Hugging Face causal model, or a peft model around one.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        inner = model.get_base_model() if hasattr(model, "get_base_model") else model
        self.model = model
        self.forward_arguments = inspect.signature(inner.forward).parameters
        self.backbone = getattr(inner, inner.base_model_prefix)
        self.config = inner.config.get_text_config()
        self.embedding, self.head = inner.get_input_embeddings(), LMHead(inner.get_output_embeddings(), self.config)
        self.device, self.dtype = self.embedding.weight.device, self.embedding.weight.dtype

    def pad(self, rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Token ids [n_rows, n_tokens] and lengths [n_rows] on the device."""
        width = max(map(len, rows))
        ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], device=self.device)
        return ids, torch.tensor([len(row) for row in rows], device=self.device)

    def states(self, inputs: Tensor, mask: Tensor | None, position: Tensor | None, cache: SharedKVCache) -> Tensor:
        """Hidden states of the model's last layer, [n_rows, n_tokens, width]; `inputs` are token ids or embeddings."""
        name = "inputs_embeds" if inputs.is_floating_point() else "input_ids"
        output = self.backbone(
            **{name: inputs}, attention_mask=mask, position_ids=position, past_key_values=cache, use_cache=True
        )
        states: Tensor = output.last_hidden_state
        return states

    def full_logits(self, ids: Sequence[int], last: int = 0) -> Tensor:
        """The whole model's logits of its last tokens, [last, n_vocabulary]; of all where no number stands there."""
        # No more than are compared, where the model can leave the others out: the logits of a long text with a large
        # vocabulary may not fit into memory.
        options = {"logits_to_keep": last} if last and "logits_to_keep" in self.forward_arguments else {}
        logits: Tensor = self.model(torch.tensor([ids], device=self.device), **options).logits[0]
        return logits[-last:].float()

    def problem(self, ids: Sequence[int], slack: float) -> str:
        """Why the parts of the model do not answer as the whole, on a prompt; empty where they do.

        Args:
            ids: tokens of a prompt.
            slack: how far two logits may differ, as a share of the largest.
        """
        config = self.config
        if getattr(config, "alibi", False) or getattr(getattr(config, "attn_config", None), "alibi", False):
            return "its positions are biases on attention (alibi), which a given mask replaces"
        few = list(ids[: min(COMPARED_TOKENS, len(ids) - 1)])
        if not few:
            return ""
        expected, with_next_token = (self.full_logits(row)[len(few) - 1] for row in (few, list(ids[: len(few) + 1])))
        difference = slack * float(expected.abs().max().nan_to_num())
        if not _close(expected, with_next_token, difference):
            return "later tokens change its logits: it is no causal language model"
        embedded = self.embedding(torch.tensor([few], device=self.device))
        hidden = self.states(embedded, None, None, SharedKVCache(None))
        if not _close(expected, self.head(hidden[0, -1]), difference):
            return "its logits are not its hidden states times its output matrix"
        return ""


def _close(expected: Tensor, logits: Tensor, difference: float) -> bool:
    return torch.allclose(expected, logits, rtol=0, atol=difference, equal_nan=True)
