"""The style of docs/add_a_style.md is one file that works."""

from __future__ import annotations

import importlib.util
import re

import pytest

from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.styles import BUDGETS, Style
from lm_eval_tasks.styles.explanation import Request
from tests.test_house import ROOT

MEMBERS = sorted(name for name in vars(Style) if not name.startswith("_"))
TWEET = {"text": "I love rain, love it"}
PAIR = {"premise": "A man sleeps", "hypothesis": "The man eats"}


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs" / "add_a_style.md").read_text("utf-8")


@pytest.fixture(scope="module")
def style(page, tmp_path_factory):
    path = tmp_path_factory.mktemp("styles") / "highlight.py"
    path.write_text(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0], encoding="utf-8")
    spec = importlib.util.spec_from_file_location("highlight", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def request_for(dataset: str, budget: str) -> Request:
    return Request(dataset_spec(dataset).question, budget, "[REDACTED]")


def test_it_has_every_name_that_a_style_has_and_the_page_explains_each(style, page):
    assert [name for name in MEMBERS if not hasattr(style, name)] == []
    assert [name for name in MEMBERS if f"| `{name}` |" not in page] == []


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize(("dataset", "fields", "word"), [("sentiment140", TWEET, "love"), ("snli", PAIR, "man")])
def test_it_reads_what_it_writes(style, budget, dataset, fields, word):
    request = request_for(dataset, budget)
    explanation = style.parse(style.write(fields, [word], request), fields, request)
    assert explanation.valid and explanation.words == (word,) and len(explanation.positions) == 2
    assert "<<" in style.ask(request) and "{" not in style.ask(request)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("I love rain, love it", "no word marked"),
        ("I love <<snow>>, love it", "word not in the text"),
        ("I <<love>> <<rain>>, love it", "more than one word"),
    ],
)
def test_it_says_why_an_answer_is_not_valid(style, answer, reason):
    assert style.parse(answer, TWEET, request_for("sentiment140", "oneword")).reason == reason
