"""Chat templates of models that think: labels are not ranked inside a thought, nor unnoticed where one may begin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from faithful_se.errors import UsageError
from lm_eval_tasks.calls import as_chat
from lm_eval_tasks.thoughts import ends_after_thought, opening_of, switch_of
from training.attribution.prompt.chat_template import template_option

if TYPE_CHECKING:
    from training.attribution.prompt.renderer import Renderer


def refuse_open_thought(renderer: Renderer) -> None:
    """Refuse a template that opens a thought before the answer.

    Raises:
        UsageError: with the argument of the template that switches thinking off, if it has one.
    """
    if not (opening := opening_of(renderer.pieces[-1])):
        return
    switch = thinking_switch(renderer)
    remedy = f"add {template_option(switch)}" if switch else "give a model, or a template, that answers without one"
    raise UsageError(
        f"{renderer.name}: the chat template opens a thought ({opening.strip()}), labels would be ranked inside it: "
        + remedy
    )


def thinking_switch(renderer: Renderer) -> dict[str, Any] | None:
    """The template's argument that switches thinking off; None where there is none or thinking is off."""
    chat = as_chat(renderer.messages("a"))

    def prompt(switch: Mapping[str, Any]) -> str:
        return renderer.write(chat, add_generation_prompt=True, **switch)

    if ends_after_thought(prompt({})):
        return None
    switch = switch_of(prompt)
    return switch if switch and (ends_after_thought(prompt(switch)) or opening_of(prompt({}))) else None
