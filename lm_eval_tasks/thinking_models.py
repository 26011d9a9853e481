"""Models that think before they answer: what their chat template and their tokenizer do with a thought.

docs/protocol.md, "Models that think".
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from faithful_se.errors import UsageError
from faithful_se.transcript import Message
from lm_eval_tasks import LOGGER
from lm_eval_tasks.calls import Call, Classify
from lm_eval_tasks.thoughts import MARK_TOKEN, Reading, ends_after_thought, opening_of, read_answer, switch_of

if TYPE_CHECKING:
    from lm_eval.api.model import LM

logger = logging.getLogger(LOGGER)

# The room that messages suggest: thoughts about one text take a few hundred tokens.
ROOM = 1024


class ThinkingModel:
    """What the backend must know of a model that may think.

    Args:
        lm: the model, without a cache around it.
    """

    def __init__(self, lm: LM) -> None:
        self.lm = lm
        self._warned = False

    def check(self, call: Call, chat: Sequence[Message], prompt: str) -> str:
        """Check that a call leaves room for the thought that its prompt opens, and return the mark that opens it.

        Raises:
            UsageError: labels would be ranked inside a thought, or the answer could not get beyond it.
        """
        ranked, opening = isinstance(call, Classify) and call.ranked, opening_of(prompt)
        if ranked and getattr(self.lm, "enable_thinking", None) is True:
            raise UsageError(f"labels are ranked without a thought: {_model_args({'enable_thinking': False})}")
        if opening and (ranked or not call.thinking_tokens):
            switch = self._switch(chat)
            room = f"--metadata thinking_tokens={ROOM}" + (" classifier=generate" if ranked else "")
            remedy = _model_args(switch) if switch else f"give room for it, {room}"
            problem = "the labels would be ranked inside it" if ranked else "no answer would get beyond it"
            raise UsageError(f"the chat template opens a thought ({opening.strip()}), and {problem}: {remedy}")
        if ranked and not self._warned and not ends_after_thought(prompt):
            self._warned = True
            if (switch := self._switch(chat)) and ends_after_thought(self._rendered(chat, switch)):
                logger.warning(
                    "labels are ranked where this model may begin a thought, so the ranks may say little: %s",
                    _model_args(switch),
                )
        return opening

    def read(self, text: str, prompt: str, call: Call, opening: str) -> Reading:
        """Read an answer. With room to think and a `think_end_token`, an answer without that mark is a cut thought."""
        mark = end_mark(self.lm)
        reading = read_answer(text, bool(opening), mark)
        always_thinks = mark and call.thinking_tokens and not ends_after_thought(prompt)
        if always_thinks and reading.reply == text and text.strip():
            return Reading("", cut=True)
        return reading

    def _switch(self, chat: Sequence[Message]) -> dict[str, Any] | None:
        """The template's argument that switches thinking off, if it has one."""
        if not getattr(getattr(self.lm, "tokenizer", None), "chat_template", None):
            return None
        return switch_of(lambda switch: self._rendered(chat, switch))

    def _rendered(self, chat: Sequence[Message], switch: Mapping[str, Any]) -> str:
        arguments = {**(getattr(self.lm, "chat_template_args", None) or {}), **switch}
        tokenizer: Any = self.lm.tokenizer  # type: ignore[attr-defined]
        return str(tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True, **arguments))


def cut_remedy(thinking_tokens: int) -> str:
    """What to do about answers whose thought is cut off."""
    if thinking_tokens:
        return f"give more room to think, thinking_tokens={2 * thinking_tokens}"
    return (
        f"the model thinks: give room to think, thinking_tokens={ROOM} (lm_eval: --metadata), or switch thinking off "
        "where its template can, enable_thinking=False (lm_eval: --model_args)"
    )


def end_mark(lm: LM) -> str:
    """The text of lm-eval's `think_end_token`, which may be the number of a token; "" where none is given."""
    mark = getattr(lm, "think_end_token", None)
    if isinstance(mark, int):
        return str(lm.tokenizer.decode([mark], skip_special_tokens=False))  # type: ignore[attr-defined]
    return mark or ""


@contextmanager
def whole_answers(lm: LM) -> Iterator[None]:
    """Let lm-eval hand over answers with their thoughts, and with the marks around these.

    With a `think_end_token` it removes the thought, but not one that was cut off, which would then pass for the answer.
    And its Hugging Face models drop special tokens, which the marks of some families are.
    """
    mark = getattr(lm, "think_end_token", None)
    marks = _special_marks(lm, mark)
    if mark is not None:
        lm.think_end_token = None  # type: ignore[attr-defined]
    if marks:
        decode = lm.tok_decode  # type: ignore[attr-defined]

        def decode_with_marks(tokens: Any, skip_special_tokens: bool = True) -> str:
            ids = [tokens] if isinstance(tokens, int) else list(tokens)
            if not skip_special_tokens or not any(token in marks for token in ids):
                return str(decode(tokens, skip_special_tokens=skip_special_tokens))
            parts: list[str] = []
            start = 0
            for index, token in enumerate(ids):
                if token in marks:
                    parts += [decode(ids[start:index]), marks[token]]
                    start = index + 1
            return "".join([*parts, decode(ids[start:])])

        lm.tok_decode = decode_with_marks  # type: ignore[attr-defined]
    try:
        yield
    finally:
        if mark is not None:
            lm.think_end_token = mark  # type: ignore[attr-defined]
        if marks:
            del lm.tok_decode  # type: ignore[attr-defined]  # uncovers the method of the class


def _special_marks(lm: LM, mark: str | int | None) -> dict[int, str]:
    """Number -> text of the special tokens that are marks of thoughts, in a model of transformers."""
    if not (hasattr(lm, "_model_generate") and hasattr(lm, "tok_decode")):
        return {}
    tokens: Mapping[int, Any] = getattr(getattr(lm, "tokenizer", None), "added_tokens_decoder", {})
    special = {number: str(token) for number, token in tokens.items() if token.special}
    harmony = "<|channel|>" in special.values()
    return {
        number: text
        for number, text in special.items()
        if mark in (number, text) or (MARK_TOKEN.fullmatch(text) and (harmony or not text.startswith(("<|s", "<|m"))))
    }


def _model_args(switch: Mapping[str, Any]) -> str:
    if "enable_thinking" in switch:
        return "switch thinking off, --model_args …,enable_thinking=False"
    return f"switch thinking off, --model_args '{{…, \"chat_template_args\": {json.dumps(dict(switch))}}}'"
