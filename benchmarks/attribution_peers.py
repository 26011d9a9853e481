"""The competitors: captum's and inseq's wrappers on the same prompts and answers, and the bare model calls of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch

from lm_eval_tasks.document import Document
from training.attribution.attributor import Attributor
from training.attribution.engine.forward import Forward


class Peers:
    """captum's and inseq's wrappers, one text at a time, on the prompts of our attributor and with its answers."""

    def __init__(self, model: Any, attributor: Attributor, documents: list[Document], rows: list[Any]) -> None:
        self.model, self.tokenizer = model, attributor.renderer.tokenizer
        self.renderer, self.documents = attributor.renderer, documents
        tree = attributor.forward.tree
        self.targets = [torch.tensor(tree.paths[tree.labels.index(row["prediction"])]) for row in rows]

    def gradients(self, steps: int) -> None:
        """captum's Integrated Gradients."""
        from captum.attr import LayerIntegratedGradients, LLMGradientAttribution, TextTokenInput

        gradients = LayerIntegratedGradients(self.model, self.model.get_input_embeddings())
        wrapped = LLMGradientAttribution(gradients, self.tokenizer)
        for document, target in zip(self.documents, self.targets, strict=True):
            text = TextTokenInput(self.renderer.render(document.fields), self.tokenizer)
            wrapped.attribute(text, target=target, n_steps=steps)

    def inseq(self, steps: int) -> None:
        """inseq's Integrated Gradients (which call captum's), forced to the same answers."""
        import inseq

        self.tokenizer.bos_token = self.tokenizer.bos_token or "<|user|>"  # inseq's baseline and its decoding need one
        wrapped = inseq.load_model(self.model, "integrated_gradients", tokenizer=self.tokenizer)
        for document, target in zip(self.documents, self.targets, strict=True):
            prompt = self.renderer.render(document.fields)
            answer = prompt + self.tokenizer.decode(target)
            wrapped.attribute(prompt, answer, n_steps=steps, internal_batch_size=steps, show_progress=False)

    def ablation(self, in_tokens: bool = True, words: bool = False) -> list[str]:
        """captum's `FeatureAblation`; returns the key of each text's top word. The arguments: see `ablation_scores`."""
        scores = self.ablation_scores(in_tokens, words)
        tops = [values.index(max(values)) for values in scores]
        return [document.words[top].key for document, top in zip(self.documents, tops, strict=True)]

    def ablation_scores(self, in_tokens: bool = True, words: bool = False) -> list[list[float]]:
        """captum's `FeatureAblation`; returns the score of each word of each text.

        Args:
            in_tokens: captum's `forward_in_tokens`.
            words: make all occurrences of a word one feature, as our default does; else each occurrence is one.
        """
        from captum.attr import FeatureAblation, LLMAttribution, TextTemplateInput

        wrapped, scores = LLMAttribution(FeatureAblation(self.model), self.tokenizer), []
        for document, target in zip(self.documents, self.targets, strict=True):
            opening, ending = self.renderer.pieces
            text = opening + document.fields["text"] + ending
            cuts = [len(opening) + cut for word in document.words for cut in (word.start, word.end)]
            pieces = [text[start:end] for start, end in zip([0, *cuts[1::2]], [*cuts[::2], None], strict=True)]
            template = "{}".join(piece.replace("{", "{{").replace("}", "}}") for piece in pieces)
            values = [word.text for word in document.words]
            masks = [self.renderer.spec.options.mask] * len(values)
            keys = [word.key for word in document.words]
            features = [keys.index(key) for key in keys] if words else None
            attribution = wrapped.attribute(
                TextTemplateInput(template, values, baselines=masks, mask=features),
                target=target,
                forward_in_tokens=in_tokens,
            )
            scores.append(attribution.seq_attr.flatten().tolist())
        return scores


class Recorder:
    """Repeats exactly the model calls of a run and nothing else: the time that no batching can go below."""

    def __init__(self) -> None:
        # The forward pass that was called, its inputs, and whether gradients were on.
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
