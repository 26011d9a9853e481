"""The pages of reference say what the code has: options, metric keys, commands, prompts."""

from __future__ import annotations

import json
import re
from dataclasses import fields

import pytest

from docs.write_command_line import PAGE, written
from faithful_se.cli import COMMANDS
from lm_eval_tasks.data import dataset_names, dataset_spec
from lm_eval_tasks.metrics import METRICS
from lm_eval_tasks.options import CHOICES, CONTROLS, Options
from lm_eval_tasks.styles import STYLES
from lm_eval_tasks.styles.explanation import Request
from tests.test_house import ROOT


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one."""
    return re.split(r"^#+ ", text.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def keys_of_table(text: str) -> list[str]:
    """The names in the first column of a table."""
    return [name for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)]


def test_the_page_of_the_command_line_is_what_the_parsers_say():
    remedy = "run: python docs/write_command_line.py"
    assert written(page("command_line.md")) == PAGE.read_text("utf-8"), remedy


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_section(command):
    assert f"## faithful-se {command}\n" in page("command_line.md")


def test_the_protocol_lists_every_option_with_its_values_and_default():
    table = section(page("protocol.md"), "Options of a task")
    defaults = dict(re.findall(r"^\| `([^`]+)` \| .* \| `([^`]+)` \|$", table, re.MULTILINE))
    for field in fields(Options):
        default = getattr(Options(), field.name)
        visible_text = "+".join(default) if isinstance(default, tuple) else json.dumps(default).strip('"')
        assert defaults[field.name] == visible_text, field.name
    for value in (*CONTROLS, *(value for values in CHOICES.values() for value in values)):
        assert f"`{value}`" in table, value


def test_the_protocol_lists_every_dataset_and_style():
    tasks = keys_of_table(section(page("protocol.md"), "Tasks"))
    assert set(tasks) == set(dataset_names())
    assert keys_of_table(section(page("protocol.md"), "Styles and budgets")) == list(STYLES)


def test_the_protocol_quotes_the_prompts_of_the_code():
    quoted = " ".join(re.sub(r"^> ?", "", page("protocol.md"), flags=re.MULTILINE).split())
    question = dataset_spec("sentiment140").question
    for line in question.classify({"text": "I love rainy mondays"}, Options().mask, unknown=False).splitlines():
        assert line in quoted
    for style in STYLES.values():
        request = style.ask(Request(question, "oneword", Options().mask, target="negative"))
        assert re.split(r"[?:.] ", request)[0] in quoted


def test_the_metrics_page_has_every_key_in_its_table():
    keys = keys_of_table(section(page("metrics.md"), "Which key has it"))
    assert sorted(keys) == sorted(METRICS)
