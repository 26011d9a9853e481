"""The model that judges explanations: it answers the evaluation's questions, through the evaluation's own backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any

from lm_eval.api.model import LM

from lm_eval_tasks.calls import Answer, Call
from lm_eval_tasks.lm_eval_backend import Backend, is_repeatable
from lm_eval_tasks.loaded_model import lm_backend, quiet_loaders, wrap_loaded
from training.models.modes import unchanged

# Answers that a frozen judge keeps; the oldest go first. One takes about two kilobytes.
MOST_KEPT = 100_000


class Judge:
    """A model in memory that answers calls. Between two calls its weights may change, as those of a policy do.

    Args:
        model: a Hugging Face model, or a model of lm-eval (then `tokenizer` is None).
        tokenizer: of the model.
        batch_size: prompts at once.
        chat_template: whether to apply the chat template; None: where there is one.
        template_args: further arguments of the chat template.
        frozen: the weights never change, so that equal questions of later calls have the answers of earlier ones.
        within: opened around each call, such as peft's `disable_adapter`.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any = None,
        batch_size: int = 64,
        *,
        chat_template: bool | None = None,
        template_args: Mapping[str, Any] | None = None,
        frozen: bool = False,
        within: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self.model, self.tokenizer, self.batch_size = model, tokenizer, batch_size
        self.chat_template, self.template_args = chat_template, template_args
        self.frozen, self.within = frozen, within
        self._kept: dict[Call, Answer] = {}

    def __call__(self, calls: Sequence[Call]) -> list[Answer]:
        """Answer distinct calls."""
        asked = [call for call in calls if call not in self._kept]
        with unchanged(self.model), self.within(), quiet_loaders():
            if hasattr(self.model, "eval"):
                self.model.eval()
            answers = dict(zip(asked, self._backend.respond(asked), strict=True))
        result = [answers[call] if call in answers else self._kept[call] for call in calls]
        if self.frozen:
            self._kept.update((call, answer) for call, answer in answers.items() if is_repeatable(call))
            for call in list(self._kept)[: max(0, len(self._kept) - MOST_KEPT)]:
                del self._kept[call]
        return result

    @cached_property
    def _backend(self) -> Backend:
        """Made once: it checks on its first questions that its own forward pass is the model's."""
        model, tokenizer = self.model, self.tokenizer
        own = isinstance(model, LM)
        lm: Any = (
            model if own else wrap_loaded(model, tokenizer, self.batch_size, chat_template_args=self.template_args)
        )
        return lm_backend(lm, self.chat_template)
