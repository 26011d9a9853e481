"""Chat templates that write today's date (`strftime_now`, as Llama 3.x): one day for a whole run.

A keyword `strftime_now=` would shadow the function of the template's environment, but recent transformers hand
templates plain data only and turn a function into a piece of text. A macro of that name in front of the template
shadows it in every version.
"""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any

CLOCK = "strftime_now"

# Two days without a number or a name in common.
_DAYS = (date(2001, 2, 3), date(2010, 11, 12))

# "%%" is a percent sign. A directive is a letter, or a flag and a letter ("%-d").
_MACRO = """\
{%- macro strftime_now(format) -%}
{%- set told = TOLD -%}
{%- for between in format.split('%%') -%}
{%- for part in between.split('%') -%}
{%- if loop.first -%}{{- part -}}
{%- elif part[:2] in told -%}{{- told[part[:2]] ~ part[2:] -}}
{%- elif part[:1] in told -%}{{- told[part[:1]] ~ part[1:] -}}
{%- else -%}{{- '%' ~ part -}}
{%- endif -%}
{%- endfor -%}
{{- '' if loop.last else '%' -}}
{%- endfor -%}
{%- endmacro %}
"""


def render_chat(tokenizer: Any, chat: Sequence[Any], today: date, **more: Any) -> str:
    """A conversation as the tokenizer's chat template writes it on a day, at midnight.

    Args:
        tokenizer: with a chat template.
        chat: messages, as `apply_chat_template` takes them.
        today: what the template is told when it asks for the date or the time.
        more: further arguments of `apply_chat_template`.

    Raises:
        Exception: of any kind: jinja's, and whatever a template raises itself.
    """
    template = tokenizer.get_chat_template()
    if CLOCK in template:
        # The line break behind the macro goes with it (`trim_blocks`): the template begins as it did.
        more["chat_template"] = _MACRO.replace("TOLD", _told(today)) + template
    return str(tokenizer.apply_chat_template(chat, tokenize=False, **more))


def shows_date(tokenizer: Any, chat: Sequence[Any]) -> bool:
    """Whether the conversation reads otherwise on another day."""
    return len({render_chat(tokenizer, chat, day, add_generation_prompt=True) for day in _DAYS}) > 1


@lru_cache(maxsize=4)
def _told(today: date) -> str:
    midnight, told = datetime.combine(today, time()), dict[str, str]()
    for letter in string.ascii_letters:
        for name in (flag + letter for flag in ("", "-", "_", "0", "^", "#")):
            with suppress(ValueError):  # Windows knows fewer
                told[name] = midnight.strftime(f"%{name}")
    known = {name: text for name, text in told.items() if text != f"%{name}"}
    return json.dumps(known, ensure_ascii=False)
