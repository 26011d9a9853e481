"""A Hugging Face model in memory, as an evaluation asks one: through lm-eval's class, without its warnings."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from lm_eval_tasks.lm_eval_backend import Backend

if TYPE_CHECKING:
    from lm_eval.api.model import LM

# Both warn of what is meant with a model in memory: that it is one, and a short limit for classifications.
LOADED_MODEL_LOGGERS = ("lm_eval.models.huggingface", "transformers.generation")


def wrap_loaded(
    model: Any,
    tokenizer: Any,
    batch_size: int,
    *,
    progress: bool = False,
    chat_template_args: Mapping[str, Any] | None = None,
) -> LM:
    """A Hugging Face model in memory as lm-eval takes one; this puts it into evaluation mode."""
    from lm_eval.models.huggingface import HFLM

    lm = HFLM(
        pretrained=model,
        tokenizer=tokenizer,
        batch_size=batch_size,
        max_batch_size=batch_size,
        chat_template_args=dict(chat_template_args or {}),
    )
    if not progress:
        lm.generate_until = partial(lm.generate_until, disable_tqdm=True)
        lm.loglikelihood = partial(lm.loglikelihood, disable_tqdm=True)
    return lm


def lm_backend(lm: Any, chat_template: bool | None = None) -> Backend:
    """What asks a model of lm-eval. `chat_template` says whether to apply one; None: where there is one."""
    if chat_template is None:
        chat_template = not hasattr(lm, "tokenizer") or bool(getattr(lm.tokenizer, "chat_template", None))
    return Backend(lm, lm.apply_chat_template if chat_template else None)


@contextmanager
def quiet_loaders() -> Iterator[None]:
    """Without the warnings that lm-eval and transformers have for a model in memory."""
    levels = {logger: logger.level for logger in map(logging.getLogger, LOADED_MODEL_LOGGERS)}
    for logger in levels:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)
