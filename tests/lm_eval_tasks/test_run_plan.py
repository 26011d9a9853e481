"""`--plan`: what a run will ask, against what the same run then asks; and the cost in the results."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lm_eval_tasks.document import Document
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.run_plan import PLAN
from lm_eval_tasks.work import Meter, Work, plan_table, spread, weight
from tests.lm_eval_tasks.evaluations import SHORT_ANSWERS, TASK, TWEET_TASKS, load_model

OPTIONS = {"classifier": "loglikelihood", "controls": "random+oracle"}


def planned(capsys: Any, evaluate: Any, *arguments: Any, **options: Any) -> list[list[float]]:
    """The numbers of a plan's rows: texts, calls, tokens asked and written, minutes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PLAN, "1")
        with pytest.raises(SystemExit) as end:
            evaluate(*arguments, **options)
    assert end.value.code == 0
    rows = re.findall(r"^\| (?:[a-z]\w+) (.*) \|$", capsys.readouterr().out, re.MULTILINE)
    return [[float(cell.replace(",", "")) for cell in row.split("|")[1:]] for row in rows[1:]]


def test_where_all_texts_are_asked_about_the_plan_is_exact(evaluate, data, tiny, capsys):
    plan = planned(capsys, evaluate, load_model(tiny), data, TWEET_TASKS, 6, SHORT_ANSWERS, **OPTIONS)
    results = evaluate(load_model(tiny), data, TWEET_TASKS, 6, SHORT_ANSWERS, **OPTIONS)
    cost = results["configs"][TASK]["metadata"]["cost_of_run"]
    assert plan[0][:4] == [6, cost["calls"], cost["tokens_asked"], cost["tokens_written"]]
    assert cost["tasks"] == 3 and cost["tokens_written"] > 18


def test_a_plan_scales_with_the_work_of_the_texts(evaluate, data, capsys):
    lm = RuleLM("honest")
    tasks = "faithful_se_sentiment140_attribution_oneword,faithful_se_snli_attribution_oneword"
    few, many, both = planned(capsys, evaluate, lm, data, tasks, 6, controls="none")
    assert few[:4] == [6, 18, 0, 0] and many[0] == 6  # classify, explain, check; rules count no tokens
    assert both[:2] == [12, few[1] + many[1]]


def test_tokens_without_a_tokenizer(evaluate, data):
    results = evaluate(RuleLM("honest"), data, TASK, 3, controls="none")
    cost = results["configs"][TASK]["metadata"]["cost_of_run"]
    assert cost == {"tasks": 1, "calls": 9, "tokens_asked": 0, "tokens_written": 0}


def test_work_and_its_table():
    meter = Meter(lambda calls: ["a"] * len(calls), lambda calls, answers: (10 * len(calls), len(answers)))  # type: ignore[arg-type]
    assert meter.respond([1, 2, 3]) == ["a"] * 3  # type: ignore[list-item]
    assert (meter.work.calls, meter.work.tokens, meter.work.written) == (3, 30, 3)
    assert Work(1, 2, 3, 4).times(2).plus(Work(1)) == Work(3, 4, 6, 8)
    lines = list(plan_table({"a": (1000, Work(2000, 3e6, 90, 5)), "b": (1, Work(1, 1, 30, 1))}, "2 texts"))
    assert lines[2:5] == [
        "| a | 1,000 | 2,000 | 3,000,000 | 5 | 1.5 |",
        "| b | 1 | 1 | 1 | 1 | 0.5 |",
        "| all | 1,001 | 2,001 | 3,000,001 | 6 | 2.0 |",
    ]
    assert "An estimate from 2 texts." in lines[5]
    documents = [Document({"text": " ".join(["word"] * length)}) for length in range(1, 9)]
    assert [len(document.words) for document in spread(documents, 2)] == [3, 7]
    assert (
        weight(documents[:1], calls_per_word=True) == 61 * 5 and weight(documents[:1], calls_per_word=False) == 61 * 4
    )
