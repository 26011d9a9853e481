"""Chat templates that write the date: a renderer keeps one day, whatever the clock says meanwhile."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from lm_eval_tasks.calls import as_chat
from lm_eval_tasks.classification import Question
from lm_eval_tasks.document import Document
from tests.training.attribution import tiny_models as tiny
from training.attribution.prompt.chat_template import render_chat
from training.attribution.prompt.label_tree import read_labels
from training.attribution.prompt.renderer import Renderer

# As Llama 3.2 writes it.
LLAMA = (
    "{%- if strftime_now is defined %}{%- set day = strftime_now('%d %b %Y') %}{%- else %}{%- set day = 'no' %}"
    "{%- endif %}Today Date: {{ day }}\n"
)


DAY = date(2026, 7, 4)


def dated(front: str = LLAMA) -> Any:
    fast = tiny.tokenizer()
    fast.chat_template = front + tiny.TEMPLATE
    return fast


def written(front: str, today: date) -> str:
    return render_chat(dated(front), [{"role": "user", "content": "x"}], today).split("<|user|>")[0]


class NextDay(datetime):
    """The clock of the day after."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return cls(2026, 11, 27, 12, 30)


def test_a_renderer_keeps_its_day_after_midnight(monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = Renderer(tiny.spec(), dated(), date(2026, 11, 26))
    monkeypatch.setattr("transformers.utils.chat_template_utils.datetime", NextDay)
    assert renderer.render({"text": "x"}).startswith("Today Date: 26 Nov 2026\n<|user|>")
    assert len(renderer.encode(tiny.documents())) == 6


def test_todays_prompt_is_the_evaluations() -> None:
    fast, spec = dated(), tiny.spec()
    chat = as_chat(spec.classify(Document({"text": "good day"})).messages)
    rendered = fast.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    (prompt,) = Renderer(spec, fast).encode([Document({"text": "good day"})])
    assert prompt.ids == fast(rendered)["input_ids"]


@pytest.mark.parametrize(
    "form",
    ["%d %B %Y", "%Y-%m-%d", "%H:%M:%S", "%A, %b %e", "%-d.%-m.", "100%% %%d %%%d", "%", "%Q", "", "%j of %y"],
)
def test_every_format_is_that_of_the_day_at_midnight(form: str) -> None:
    assert written(f"{{{{ strftime_now({form!r}) }}}}", DAY) == datetime(2026, 7, 4).strftime(form)


@pytest.mark.parametrize(
    "front",
    [
        "  {% if true %}\n x{% endif %}",
        "\n\nx",
        "{{- 'a' }}\n {%- if true %}\n b{% endif %}",
    ],
)
def test_nothing_else_of_the_template_changes(front: str) -> None:
    fast, chat = dated(front + "{# strftime_now #}"), [{"role": "user", "content": "x"}]
    assert render_chat(fast, chat, date.today()) == fast.apply_chat_template(chat, tokenize=False)


def test_macros_of_the_template_see_the_day() -> None:
    assert written("{% macro y() %}{{ strftime_now('%Y') }}{% endmacro %}{{ y() }}{{ y() | length }}", DAY) == "20264"


def test_only_a_template_that_shows_the_day_depends_on_it() -> None:
    assert Renderer(tiny.spec(), dated()).dated
    assert not Renderer(tiny.spec(), tiny.tokenizer()).dated
    assert not Renderer(tiny.spec(), dated("{% set day = strftime_now('%d') %}")).dated  # asked for, not shown
    assert not Renderer(tiny.spec(), dated("{{ strftime_now('%H:%M') }}")).dated  # always midnight


def test_the_end_of_an_answer_is_found_on_any_day() -> None:
    """The question names the label too, so the answer is looked for after it, in a conversation of the same day."""
    labels = Question("q", "text", "Which?", ("text",), ("Text",), ("on", "one"))
    paths = [
        read_labels(Renderer(tiny.spec(labels), dated(), day), whole_answer=True).paths
        for day in (date(2001, 2, 3), date.today())
    ]
    assert paths[0] == paths[1] and all(dated().decode(path).endswith("<|end|>") for path in paths[0])
