"""Chat templates that know thoughts: labels are never ranked inside one, and the prompt is the evaluation's."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

import faithful_se
from faithful_se.errors import UsageError
from tests.tiny_model import QWEN3_TEMPLATE, QWEN35_TEMPLATE, R1_TEMPLATE
from tests.training.attribution import tiny_models as tiny
from tests.training.attribution.command import attribute
from training.attribution.prompt.chat_template import read_template_args
from training.attribution.prompt.renderer import Renderer
from training.attribution.prompt.thoughts import thinking_switch
from training.build.attributions import read_attributions

OFF: dict[str, Any] = {"enable_thinking": False}


def fast_with(template: str) -> Any:
    fast = tiny.tokenizer()
    fast.chat_template = template
    return fast


@pytest.fixture(scope="module")
def thinker(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("thinker")
    return tiny.save(folder, tiny.random_model("llama", len(tiny.tokenizer())), fast_with(QWEN3_TEMPLATE))


def test_the_prompt_has_the_arguments_of_the_template() -> None:
    (text,) = tiny.documents()[:1]
    for template in (QWEN3_TEMPLATE, QWEN35_TEMPLATE):
        renderer = Renderer(tiny.spec(), fast_with(template), template_args=OFF)
        assert renderer.render(text.fields).endswith("<|assistant|>\n<think>\n\n</think>\n\n")
        assert thinking_switch(renderer) is None
    assert thinking_switch(Renderer(tiny.spec(), fast_with(QWEN3_TEMPLATE))) == OFF
    assert thinking_switch(Renderer(tiny.spec(), tiny.tokenizer())) is None


def test_labels_inside_a_thought_are_refused_with_the_remedy() -> None:
    with pytest.raises(
        UsageError, match=r"ranked inside it: add --chat-template-args '\{\"enable_thinking\": false\}'$"
    ):
        Renderer(tiny.spec(), fast_with(QWEN35_TEMPLATE))
    with pytest.raises(UsageError, match=r"ranked inside it: give a model, or a template, that answers without one$"):
        Renderer(tiny.spec(), fast_with(R1_TEMPLATE))


def test_the_command_records_the_arguments_and_a_folder_keeps_them(
    thinker: Path, texts: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    off = ["--chat-template-args", json.dumps(OFF), "--limit", "2"]
    with caplog.at_level(logging.WARNING):
        rows = attribute(thinker, texts, tmp_path / "off", *off)
        assert not caplog.text
        attribute(thinker, texts, tmp_path / "on", "--limit", "2")
    assert caplog.text.count("may begin a thought, so the scores may say little: add --chat-template-args") == 1
    assert json.loads((tmp_path / "off" / "manifest.json").read_text())["chat_template_args"] == OFF
    assert rows[0]["options"]["chat_template_args"] == OFF
    assert "chat_template_args" not in json.loads((tmp_path / "on" / "manifest.json").read_text())
    with pytest.raises(UsageError, match=r"begun with chat_template_args.* = .*give the same settings"):
        attribute(thinker, texts, tmp_path / "off", "--limit", "2")


def test_a_build_refuses_other_arguments_than_the_attribution_had(tmp_path: Path) -> None:
    row = {"dataset": "snli", "index": 0, "fields": {"premise": "a", "hypothesis": "b"}, "gold": None, "types": {}}
    row |= {"hash": "0" * 16, "prediction": None, "problem": "no words in the text", "top": None}
    (tmp_path / "snli.jsonl").write_text(json.dumps(row) + "\n")
    manifest = {"model": "m", "method": "occlusion", "options": {}, "prompt": {}, "rows": {"snli": 1}}
    for recorded, requested, refused in (
        (OFF, "", False),
        (OFF, "enable_thinking=False", False),
        (OFF, '{"enable_thinking": true}', True),
        (None, json.dumps(OFF), True),
        (None, "", False),
    ):
        more = {"chat_template_args": recorded} if recorded else {}
        (tmp_path / "manifest.json").write_text(json.dumps(manifest | more))
        attributions = read_attributions(tmp_path)
        assert attributions.template_args == (recorded or {})
        if refused:
            with pytest.raises(UsageError, match=r"words were attributed with .*, another prompt: leave"):
                attributions.check_template_args(requested)
        else:
            attributions.check_template_args(requested)


@pytest.mark.parametrize(
    ("typed", "arguments"),
    [
        ("", {}),
        (None, {}),
        ('{"enable_thinking": false}', OFF),
        ("enable_thinking=False", OFF),
        ("enable_thinking=false", OFF),
        (OFF, OFF),
        ("reasoning_effort=low,thinking_budget=0", {"reasoning_effort": "low", "thinking_budget": 0}),
        ('{"tools": []}', {"tools": []}),
        ("{}", {}),
    ],
)
def test_arguments_as_they_are_typed(typed: Any, arguments: dict[str, Any]) -> None:
    assert read_template_args(typed) == arguments


@pytest.mark.parametrize("typed", ["false", "[1]", "enable_thinking", "{enable_thinking: false}", '"x"', "7"])
def test_what_is_no_arguments_is_one_line(typed: str) -> None:
    with pytest.raises(UsageError, match=r"^--chat-template-args .*: give a JSON object"):
        read_template_args(typed)
    with pytest.raises(UsageError, match=r"--chat-template-args: tokenize cannot be set"):
        read_template_args("tokenize=True")


def test_from_python(caplog: pytest.LogCaptureFixture) -> None:
    model, settings = tiny.random_model("llama", len(tiny.tokenizer())), {"labels": ["bad", "good"]}
    with pytest.raises(UsageError, match="opens a thought"):
        faithful_se.attribute(model, fast_with(QWEN35_TEMPLATE), ["a day"], **settings)
    with caplog.at_level(logging.WARNING):
        (row,) = faithful_se.attribute(model, fast_with(QWEN35_TEMPLATE), ["a day"], chat_template_args=OFF, **settings)
        assert row.top and not caplog.text
        faithful_se.attribute(model, fast_with(QWEN3_TEMPLATE), ["a day"], **settings)
    assert "may begin a thought: give chat_template_args={'enable_thinking': False}" in caplog.text
