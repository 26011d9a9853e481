"""A loaded model that answers the calls of the protocol, through lm-eval's own code for Hugging Face models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from faithful_se.errors import UsageError, require_packages
from lm_eval_tasks.calls import Answer, Call
from training.models.modes import unchanged

if TYPE_CHECKING:
    from lm_eval.api.model import LM

Respond = Callable[[Sequence[Call]], Sequence[Answer]]


@contextmanager
def responder(
    model: Any,
    tokenizer: Any,
    batch_size: int,
    *,
    chat_template: bool | None = None,
    chat_template_args: Mapping[str, Any] | None = None,
    progress: bool = False,
) -> Iterator[Respond]:
    """What asks a model: prompts, decoding, label ranking and parsing are those of `lm_eval --model hf`.

    The model is in evaluation mode inside. Afterwards it is as it was. The arguments are those of `evaluate`.

    Raises:
        UsageError: no tokenizer, a batch size below 1, or template arguments for a model that has its own.
    """
    from lm_eval.api.model import LM

    from lm_eval_tasks.loaded_model import lm_backend, quiet_loaders

    if chat_template_args and isinstance(model, LM):
        raise UsageError("chat_template_args=…: a model of lm-eval has its own: give them to its constructor")
    with unchanged(model), quiet_loaders():
        lm = model if isinstance(model, LM) else _wrapped(model, tokenizer, batch_size, progress, chat_template_args)
        yield lm_backend(lm, chat_template).respond


def _wrapped(
    model: Any, tokenizer: Any, batch_size: int, progress: bool, chat_template_args: Mapping[str, Any] | None
) -> LM:
    require_packages("hf", "torch", "transformers")
    from lm_eval_tasks.loaded_model import wrap_loaded

    check_loaded(model, tokenizer)
    if batch_size < 1:
        raise UsageError(f"batch_size={batch_size}: give a whole number from 1")
    return wrap_loaded(model, tokenizer, batch_size, progress=progress, chat_template_args=chat_template_args)


def check_loaded(model: Any, tokenizer: Any) -> None:
    """Refuse, with a `UsageError`, names of models where loaded ones are wanted."""
    if not hasattr(model, "generate"):
        raise UsageError(f"model={model!r:.80}: give a Hugging Face model that generates text, loaded")
    if not hasattr(tokenizer, "decode"):
        raise UsageError(f"tokenizer={tokenizer!r:.80}: give the model's tokenizer, loaded")
