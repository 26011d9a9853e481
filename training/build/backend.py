"""A model in memory that answers the evaluation's calls through lm-eval's own backend."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from faithful_se.errors import UsageError
from lm_eval_tasks.calls import Answer, Call
from lm_eval_tasks.document import Document
from lm_eval_tasks.lm_eval_backend import Backend
from lm_eval_tasks.loaded_model import LOADED_MODEL_LOGGERS, wrap_loaded
from lm_eval_tasks.turn_breaks import turn_breaks
from training.models.loading import answering_settings, fingerprint, load_model

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

Respond = Callable[[Sequence[Call]], list[Answer]]
CountTokens = Callable[[Sequence[Call], Sequence[Answer]], tuple[int, int]]


class Responder(NamedTuple):
    """A model that answers."""

    respond: Respond
    settings: dict[str, Any]  # see `answering_settings`
    count_tokens: CountTokens


def load_responder(
    name: str,
    identity: str,
    *,
    adapter: str = "",
    dtype: str = "auto",
    device: str = "",
    batch_size: int = 32,
    template_args: Mapping[str, Any] | None = None,
    documents: Sequence[Document] = (),
) -> Responder:
    """Load the model that was attributed; see `responder_of`.

    Args:
        name, adapter, dtype, device: see `load_model`.
        identity: the fingerprint that the attributions record.
        batch_size: prompts at once.
        template_args: further arguments of the chat template.
        documents: the texts that the calls will be about; a warning names those that break out of their turn.

    Raises:
        UsageError: another model than the attributed one, or a tokenizer without a chat template.
    """
    model, tokenizer = load_model(name, adapter, dtype, device)
    if not getattr(tokenizer, "chat_template", None):
        raise UsageError(f"{name} has no chat template: give an instruction-tuned model")
    if (loaded := fingerprint(model)) != identity:
        raise UsageError(
            f"the attributions are of another model ({identity}; {adapter or name} is {loaded}): give that model, with "
            "the same --dtype, or run faithful-se attribute on this one"
        )
    if warning := turn_breaks(tokenizer, documents).describe([document.hash for document in documents]):
        logger.warning("%s", warning)
    settings = answering_settings(model, tokenizer)
    backend = backend_of(model, tokenizer, batch_size, template_args)
    return Responder(backend.respond, settings, backend.count_tokens)


def responder_of(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    batch_size: int,
    template_args: Mapping[str, Any] | None = None,
) -> Respond:
    """A function that answers calls with a model in memory."""
    return backend_of(model, tokenizer, batch_size, template_args).respond


def backend_of(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    batch_size: int,
    template_args: Mapping[str, Any] | None = None,
) -> Backend:
    """The evaluation's backend around a model in memory.

    Prompts, generation settings and parsing are those of `lm_eval --model hf --apply_chat_template`.
    """
    for logger in LOADED_MODEL_LOGGERS:
        logging.getLogger(logger).setLevel(logging.ERROR)
    lm = wrap_loaded(model, tokenizer, batch_size, chat_template_args=template_args)
    return Backend(lm, lm.apply_chat_template)
