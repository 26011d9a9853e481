"""What a user is told of a server that misbehaves: docs/reliability.md, "Servers"."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks import LOGGER, request_type
from lm_eval_tasks.calls import Classify, Generate
from lm_eval_tasks.lm_eval_backend import Backend
from lm_eval_tasks.scoring_answers import answered
from lm_eval_tasks.server_problems import NoAnswer, ReplyError, read_reply
from lm_eval_tasks.server_replies import server_failures
from tests.lm_eval_tasks.evaluations import TASK, scores
from tests.lm_eval_tasks.misbehaving_server import FAILED, LOST, READ, STOPS, Reply, saying, serving

pytest.importorskip("tenacity")  # lm_eval[api]
from lm_eval.api.model import CachingLM
from lm_eval.models.openai_completions import LocalChatCompletion, LocalCompletionsAPI

CONCURRENT = [1, 2]  # lm-eval reads replies in two places
CALLS = [Classify((("user", f"text {number}"),), ("negative", "positive")) for number in range(3)]


def client(url: str, concurrent: int = 1, **settings: object) -> LocalChatCompletion:
    return LocalChatCompletion(
        base_url=url, model="m", num_concurrent=concurrent, max_retries=1, timeout=5, tokenizer_backend=None, **settings
    )


def cached_answers(lm: CachingLM) -> list[str]:
    return [lm.dbdict[key] for key in lm.dbdict if key != "faithful_se_model"]


def test_the_table_has_every_misbehaviour():
    text = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text("utf-8")
    names = [*READ, *FAILED, *STOPS, *LOST]
    assert len(names) == 24
    assert re.findall(r"^\| `(\w+)` \|", text.partition("## Servers")[2], re.M)[: len(names)] == names


@pytest.mark.parametrize("concurrent", CONCURRENT)
@pytest.mark.parametrize("name", READ)
def test_a_reply_in_another_form_is_read(name, concurrent):
    with serving(lambda number, _: READ[name]) as (url, _):
        answers = Backend(client(url, concurrent), as_lm_eval_renders).respond(CALLS)
    assert [(answer.label, answer.problem) for answer in answers] == [("positive", "")] * 3
    if name == "parts_with_thought":
        assert answers[0].text == "[THINK]Is it negative? No.[/THINK]positive" and answers[0].reply == "positive"


def as_lm_eval_renders(chat):
    from lm_eval.models.api_models import JsonChatStr

    return JsonChatStr(json.dumps(chat))


@pytest.mark.parametrize("concurrent", CONCURRENT)
@pytest.mark.parametrize("name", FAILED)
def test_a_failure_is_no_answer_and_not_in_the_cache(name, concurrent, tmp_path):
    reply, problem = FAILED[name]

    def script(number, payload):
        fails = payload["messages"][0]["content"] == "text 1" and number < 3
        return reply if fails else saying("positive")

    with serving(script) as (url, payloads):
        lm = CachingLM(client(url, concurrent), str(tmp_path / "cache.db"))
        backend = Backend(lm, as_lm_eval_renders)
        assert [(a.text, a.label, a.problem) for a in backend.respond(CALLS)] == [
            ("positive", "positive", ""), ("", None, problem), ("positive", "positive", "")
        ]  # fmt: skip
        assert cached_answers(lm) == ["positive"] * 2
        # The next run asks again, for this one only.
        assert [answer.label for answer in backend.respond(CALLS)] == ["positive"] * 3
        assert len(payloads) == 4 and cached_answers(lm) == ["positive"] * 3


@pytest.mark.parametrize("concurrent", CONCURRENT)
@pytest.mark.parametrize("name", [*STOPS, *LOST])
def test_what_is_no_reply_ends_the_run_with_one_line(name, concurrent, tmp_path):
    reply, line = {**STOPS, **LOST}[name]
    with serving(lambda number, _: saying("positive") if number == 0 else reply) as (url, _):
        lm = CachingLM(client(url), str(tmp_path / "cache.db"))
        Backend(lm, as_lm_eval_renders).respond(CALLS[:1])
        lm.lm._concurrent = concurrent
        with pytest.raises(UsageError) as raised:
            Backend(lm, as_lm_eval_renders).respond(CALLS)
    message = str(raised.value)
    assert "\n" not in message and message.startswith(url) and line in message and "check base_url" in message
    assert cached_answers(lm) == ["positive"]
    assert lm.lm.parse_generations.__module__ == "lm_eval.models.openai_completions"  # as before


def test_a_silent_server_is_one_line():
    with serving(lambda number, _: saying("positive")) as (url, _):
        pass
    with pytest.raises(UsageError, match="the server does not answer"):
        Backend(client(url), as_lm_eval_renders).respond(CALLS)


@pytest.mark.parametrize("concurrent", CONCURRENT)
def test_a_batch_of_completions_has_an_answer_for_each_prompt(concurrent):
    def script(number, payload):
        texts = [
            {"index": place, "text": f" {word}"} for place, word in enumerate(["positive", "negative", "positive"])
        ]
        return Reply({"choices": texts[::-1][: len(payload["prompt"]) - (number > 0)]})

    with serving(script) as (url, _):
        lm = LocalCompletionsAPI(
            base_url=url, model="m", num_concurrent=concurrent, max_retries=1, tokenizer_backend=None,
            tokenized_requests=False, batch_size=3,
        )  # fmt: skip
        backend = Backend(lm, None)
        assert [answer.label for answer in backend.respond(CALLS)] == ["positive", "negative", "positive"]
        with pytest.raises(UsageError, match="it has 2 choices for 3 prompts"):
            backend.respond(CALLS)


def test_an_evaluation_counts_failures_and_a_rerun_mends_them(evaluate, data, tmp_path, caplog, monkeypatch):
    caplog.set_level(logging.WARNING, LOGGER)
    lines: list[str] = []
    monkeypatch.setattr(request_type, "say_last", lines.append)
    failing = True

    def script(number, payload):
        content = payload["messages"][-1]["content"]
        if failing and len(payload["messages"]) == 1 and "number 1" in content:
            return FAILED["null"][0]
        return saying("positive" if len(payload["messages"]) == 1 else "number")

    texts = data / "sentiment140" / "test.jsonl"
    rows = [json.loads(line) for line in texts.read_text().splitlines()]
    folder = tmp_path / "data" / "sentiment140"
    folder.mkdir(parents=True)
    for number, row in enumerate(rows):
        row["text"] = f"I love number {number}"
    (folder / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    settings = {"use_cache": str(tmp_path / "cache")}
    with serving(script) as (url, payloads):
        first = evaluate(client(url, 2), folder.parent, TASK, 6, settings)
        assert first["results"][TASK]["answered,none"] == pytest.approx(5 / 6)
        assert "1 documents count as unfaithful: no answer from the server (null) (document 1)" in caplog.text
        (line,) = [line for line in lines if "server" in line]
        assert line == (
            f"{TASK}: the server did not answer for 1 of 6 documents: the numbers are not those of the model. "
            "Run again: no failure is in the cache"
        )
        failing, count = False, len(payloads)
        second = evaluate(client(url, 2), folder.parent, TASK, 6, settings)
        assert second["results"][TASK]["answered,none"] == 1.0 and len(payloads) > count
        assert scores(second) == scores(evaluate(client(url, 2), folder.parent, TASK, 6))


@pytest.mark.parametrize("concurrent", CONCURRENT)
def test_a_lone_surrogate_is_made_writable(concurrent):
    with serving(lambda number, _: saying("positive \ud800")) as (url, _):
        call = Generate((("user", "why?"),))
        (answer,) = Backend(client(url, concurrent), as_lm_eval_renders).respond([call])
    assert answer.text == answer.reply == "positive ?"


def test_a_ranking_needs_a_choice_for_each_prompt():
    lm = client("http://127.0.0.1:9/v1")
    for reply, line in (({"error": "down"}, "no list of choices"), ({"choices": []}, "0 choices for 2 prompts")):
        with pytest.raises(UsageError, match=line), server_failures(lm):
            lm.parse_logprobs(outputs=[reply], tokens=[], ctxlens=[1, 1])
    with pytest.raises(KeyError, match="logprobs"), server_failures(lm):
        lm.parse_logprobs(outputs={"choices": [{"index": 0}]}, tokens=[], ctxlens=[1])


def test_replies_of_several_prompts_by_hand():
    choices = [{"index": 1, "text": "b"}, {"index": 0, "text": "a"}, {"index": 2, "text": None}]
    texts = read_reply({"choices": choices}, 3)
    assert texts == ["a", "b", ""] and isinstance(texts[2], NoAnswer)
    for wrong in ([{"index": 0, "text": "a"}] * 2, [{"text": "a"}, {"text": "b"}], [{"index": True, "text": "a"}] * 2):
        with pytest.raises(ReplyError, match="not numbered"):
            read_reply({"choices": wrong}, 2)
    assert answered({"problem": NoAnswer("no answer from the server (null)").problem}) == 0.0
