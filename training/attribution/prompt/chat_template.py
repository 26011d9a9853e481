"""Renders chat templates with one date for a whole run.

Some templates write today's date by `strftime_now` (Llama 3.x, gpt-oss, SmolLM3), so a run that goes past midnight
would change its prompts. Only Llama's take a date as an argument. A keyword `strftime_now=` shadows the function in the
template's environment, but recent transformers pass plain data only and turn a function into text. A macro of that name
in front of the template shadows it in every version.
"""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from faithful_se.transcript import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

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
