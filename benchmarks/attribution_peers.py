"""The competitors: captum's and inseq's wrappers for language models, on the same prompts and answers."""

from __future__ import annotations

from typing import Any

import torch

from lm_eval_tasks.document import Document
from training.attribution.attributor import Attributor


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
        """captum's `FeatureAblation`; returns the key of each text's top word.

        Args:
            in_tokens: captum's `forward_in_tokens`.
            words: make all occurrences of a word one feature, as our default does; else each occurrence is one.
        """
        from captum.attr import FeatureAblation, LLMAttribution, TextTemplateInput

        wrapped, tops = LLMAttribution(FeatureAblation(self.model), self.tokenizer), []
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
            tops.append(document.words[int(attribution.seq_attr.argmax())].key)
        return tops
