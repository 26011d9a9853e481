"""A digest of what the model reads besides the texts. A folder of attributions holds one prompt per dataset."""

from __future__ import annotations

import hashlib
import json

from lm_eval_tasks.calls import as_chat
from lm_eval_tasks.document import Document
from training.attribution.prompt.chat_template import render_chat
from training.attribution.prompt.label_tree import LabelTree
from training.attribution.prompt.renderer import Renderer


def prompt_digest(renderer: Renderer, tree: LabelTree) -> str:
    """Two times 8 hex digits, joined by a hyphen.

    The first depend on the chat template and the tokenizer alone, so they are the same for all datasets of a folder.
    The second depend on the prompt, the labels and the mask.
    """
    turns = renderer.spec.classify(Document(dict.fromkeys(renderer.spec.question.fields, ""))).messages
    chat = as_chat(tuple((role, "ab cd") for role, _ in turns))
    rendered = render_chat(renderer.tokenizer, chat, renderer.today, add_generation_prompt=True)
    template = [rendered, renderer.tokens([rendered])["input_ids"], len(renderer.tokenizer)]
    question = [renderer.pieces, renderer.prefix, tree.paths, renderer.mask_ids(True), renderer.mask_ids(False)]
    return "-".join(hashlib.sha256(json.dumps(part).encode()).hexdigest()[:8] for part in (template, question))
