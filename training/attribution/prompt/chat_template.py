"""Renders chat templates with one date for a whole run.

Some templates write today's date by `strftime_now` (Llama 3.x, gpt-oss, SmolLM3), so a run that goes past midnight
would change its prompts. Only Llama's take a date as an argument. A keyword `strftime_now=` shadows the function in the
template's environment, but recent transformers pass plain data only and turn a function into text. A macro of that name
in front of the template shadows it in every version.
"""

from __future__ import annotations

import json
import string
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from faithful_se.errors import UsageError
from faithful_se.transcript import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# What the commands say to `apply_chat_template` themselves.
RESERVED = frozenset({"add_generation_prompt", "chat_template", "continue_final_message", "tokenize"})

# Two days without a number or a name in common.
TWO_DAYS = (date(2001, 2, 3), date(2010, 11, 12))

# "%%" is a percent sign. A directive is a letter, or a flag and a letter ("%-d").
_MACRO = """\
{%- macro strftime_now(format) -%}
{%- set directives = DIRECTIVES -%}
{%- for between in format.split('%%') -%}
{%- for part in between.split('%') -%}
{%- if loop.first -%}{{- part -}}
{%- elif part[:2] in directives -%}{{- directives[part[:2]] ~ part[2:] -}}
{%- elif part[:1] in directives -%}{{- directives[part[:1]] ~ part[1:] -}}
{%- else -%}{{- '%' ~ part -}}
{%- endif -%}
{%- endfor -%}
{{- '' if loop.last else '%' -}}
{%- endfor -%}
{%- endmacro %}
"""


def read_template_args(value: str | Mapping[str, Any] | None, option: str = "--chat-template-args") -> dict[str, Any]:
    """Arguments of a chat template as a user types them: a JSON object, or ``name=value`` pairs with commas.

    Args:
        value: what was typed, or the mapping itself.
        option: its name in messages.

    Raises:
        UsageError: it is neither, or names what the commands set themselves.

    >>> read_template_args("enable_thinking=False") == read_template_args('{"enable_thinking": false}')
    True
    """
    arguments: Any = value or {}
    if isinstance(value, str) and value.strip():
        try:
            arguments = json.loads(value)
        except ValueError:
            pairs = [part.partition("=") for part in value.split(",")]
            arguments = {name.strip(): _plain_value(text.strip()) for name, equals, text in pairs if equals}
            if len(arguments) < len(pairs):
                arguments = None
    if not isinstance(arguments, Mapping):
        raise UsageError(f"{option} {value}: give a JSON object, such as '{{\"enable_thinking\": false}}'")
    if reserved := sorted(
        {"add_generation_prompt", "chat_template", "continue_final_message", "tokenize"} & set(arguments)
    ):
        raise UsageError(f"{option}: {', '.join(reserved)} cannot be set: leave it out")
    return dict(arguments)


def template_option(arguments: Mapping[str, Any], option: str = "--chat-template-args") -> str:
    """The option that gives a chat template these arguments, as a user types it."""
    return f"{option} '{json.dumps(dict(arguments))}'"


def _plain_value(text: str) -> Any:
    try:
        return json.loads(text.lower() if text in ("True", "False") else text)
    except ValueError:
        return text


def render_chat(tokenizer: PreTrainedTokenizerBase, chat: Sequence[Message], today: date, **options: Any) -> str:
    """A conversation as the tokenizer's chat template writes it on a day, at midnight.

    Args:
        tokenizer: with a chat template.
        chat: messages, as `apply_chat_template` takes them.
        today: the date and, with 0:00, the time that the template writes.
        options: further arguments of `apply_chat_template`.

    Raises:
        Exception: of any kind: jinja's, and whatever a template raises itself.
    """
    template = tokenizer.get_chat_template()
    if "strftime_now" in template:
        # jinja's `trim_blocks` removes the line break after the macro: the template begins as it did.
        options["chat_template"] = _MACRO.replace("DIRECTIVES", _directives(today)) + template
    return str(tokenizer.apply_chat_template(chat, tokenize=False, **options))


@lru_cache(maxsize=4)
def _directives(today: date) -> str:
    """The directives of `strftime` and what they write, as JSON."""
    midnight, texts = datetime.combine(today, time()), dict[str, str]()
    for letter in string.ascii_letters:
        for name in (flag + letter for flag in ("", "-", "_", "0", "^", "#")):
            with suppress(ValueError):  # Windows knows fewer
                texts[name] = midnight.strftime(f"%{name}")
    return json.dumps({name: text for name, text in texts.items() if text != f"%{name}"}, ensure_ascii=False)
