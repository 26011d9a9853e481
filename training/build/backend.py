"""The model that answers while rows are built: lm-eval's own backend on the model that was attributed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from faithful_se.errors import UsageError
from lm_eval_tasks.calls import Answer, Call
from lm_eval_tasks.lm_eval_backend import Backend
from training.models.loading import fingerprint, load_model

Respond = Callable[[Sequence[Call]], list[Answer]]


def responder(
    name: str, identity: str, *, adapter: str = "", dtype: str = "auto", device: str = "", batch: int = 32
) -> Respond:
    """Load a model and answer calls with it: prompts, settings and parsing are those of `lm_eval --model hf`.

    Args:
        name, adapter, dtype, device: see `load_model`.
        identity: the fingerprint of the model that was attributed.
        batch: prompts at once.

    Raises:
        UsageError: another model than the attributed one, or a tokenizer without a chat template.
    """
    model, tokenizer = load_model(name, adapter, dtype, device)
    if not getattr(tokenizer, "chat_template", None):
        raise UsageError(f"{name} has no chat template: give an instruction-tuned model")
    if (mine := fingerprint(model)) != identity:
        raise UsageError(
            f"the attributions are of another model ({identity}; {adapter or name} is {mine}): give that model, with "
            "the same --dtype, or run faithful-se attribute on this one"
        )
    return of_model(model, tokenizer, batch)


def of_model(model: Any, tokenizer: Any, batch: int) -> Respond:
    """The same for a model in memory."""
    from lm_eval.models.huggingface import HFLM

    # A model in memory is what we mean to give, and the length of a classification is what we mean to limit.
    for name in ("lm_eval.models.huggingface", "transformers.generation"):
        logging.getLogger(name).setLevel(logging.ERROR)
    lm = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=batch, max_batch_size=batch)
    lm.generate_until = partial(lm.generate_until, disable_tqdm=True)
    return Backend(lm, lm.apply_chat_template).respond
