"""Models that think, behind the backend: what their template, their tokenizer and lm-eval do with a thought."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace

import pytest

import faithful_se
from faithful_se.errors import UsageError
from lm_eval_tasks import LOGGER
from lm_eval_tasks.calls import Answer, Classify, Generate
from lm_eval_tasks.lm_eval_backend import CLASSIFY_TOKENS, Backend
from lm_eval_tasks.read_options import read_options
from lm_eval_tasks.thinking_models import end_mark, whole_answers
from lm_eval_tasks.thoughts import CUT
from tests.lm_eval_tasks.evaluations import TASK, load_model
from tests.tiny_model import QWEN3_TEMPLATE, QWEN35_TEMPLATE, R1_TEMPLATE

LABELS = ("negative", "positive")
MESSAGES = (("user", "Is it good?"),)
ANSWER = "negative</think>\n\npositive"


class ScriptedLM:
    """Answers with a text, and shows what was asked."""

    world_size, max_length, chat_template_args = 1, 4096, {}

    def __init__(self, text, tokenizer=None, **attributes):
        self.text, self.tokenizer, self.requests = text, tokenizer, []
        vars(self).update(attributes)

    def generate_until(self, requests):
        self.requests += [request.args for request in requests]
        mark = getattr(self, "think_end_token", None)
        return [self.text.split(mark)[-1] if mark else self.text for _ in requests]

    def tok_encode(self, text):
        return list(text)

    def render(self, chat):
        prompt = self.tokenizer.apply_chat_template(
            chat, tokenize=False, add_generation_prompt=True, **self.chat_template_args
        )
        return str(prompt)


def ask(lm, call):
    (answer,) = Backend(lm, lm.render).respond([call])
    return answer


@pytest.fixture(scope="module")
def hf(tiny):
    return load_model(tiny)


@pytest.fixture
def tokenizer(hf):
    """`tokenizer(template)`: the tiny model's, with another template."""
    original = hf.tokenizer.chat_template

    def with_template(template):
        hf.tokenizer.chat_template = template
        return hf.tokenizer

    yield with_template
    hf.tokenizer.chat_template = original


def test_room_is_added_to_both_limits_and_stop_texts_end_the_answer_only(tokenizer):
    lm = ScriptedLM("<think>\nhm\n\nnegative\n</think>\n\ngood\n\nday", tokenizer(QWEN3_TEMPLATE))
    settings = json.dumps({"max_gen_toks": 8, "until": ["\n\n"]})
    answer = ask(lm, Generate(MESSAGES, settings, thinking_tokens=100))
    assert (answer.text, answer.reply) == (lm.text, "good")
    ask(lm, Classify(MESSAGES, LABELS, thinking_tokens=100))
    limits = [(arguments["max_gen_toks"], arguments["until"]) for _, arguments in lm.requests]
    assert limits == [(108, []), (CLASSIFY_TOKENS + 100, [])]


@pytest.mark.parametrize(
    ("text", "template", "room", "label", "problem"),
    [
        (ANSWER, R1_TEMPLATE, 64, "positive", ""),
        ("negative, I think", R1_TEMPLATE, 64, None, CUT),
        ("<think>\nnegative", QWEN3_TEMPLATE, 0, None, CUT),
        ("<think>\n\n</think>\n\npositive", QWEN3_TEMPLATE, 0, "positive", ""),
        ("positive", QWEN3_TEMPLATE, 64, "positive", ""),
        (ANSWER, QWEN35_TEMPLATE, 64, "positive", ""),
    ],
)
def test_answers_are_read_as_the_template_says(tokenizer, text, template, room, label, problem):
    answer = ask(ScriptedLM(text, tokenizer(template)), Classify(MESSAGES, LABELS, thinking_tokens=room))
    assert (answer.text, answer.label, answer.problem) == (text, label, problem)


def test_a_thought_that_lm_eval_would_hand_over_as_the_answer_is_cut(tokenizer):
    """With `think_end_token` lm-eval removes thoughts that end. Those that do not would pass for answers."""
    call = Classify(MESSAGES, LABELS, thinking_tokens=64)
    plain = tokenizer(QWEN3_TEMPLATE)
    for text, label, problem in (("negative ## positive", "positive", ""), ("negative, or", None, CUT)):
        lm = ScriptedLM(text, plain, think_end_token="##")
        answer = ask(lm, call)
        assert (answer.text, answer.label, answer.problem) == (text, label, problem)
        assert lm.think_end_token == "##"
    # Switched off, the model does not think, whatever the mark.
    off = ScriptedLM("positive", plain, think_end_token="##", chat_template_args={"enable_thinking": False})
    assert ask(off, call).label == "positive"
    assert ask(ScriptedLM("positive", plain, think_end_token="##"), Classify(MESSAGES, LABELS)).label == "positive"


@pytest.mark.parametrize("ranked", [False, True])
def test_without_room_the_one_line_names_the_remedy(tokenizer, ranked):
    call = Classify(MESSAGES, LABELS, ranked)
    for template, remedy in (
        (QWEN35_TEMPLATE, r"switch thinking off, --model_args …,enable_thinking=False$"),
        (R1_TEMPLATE, r"give room for it, --metadata thinking_tokens=1024( classifier=generate)?$"),
        (QWEN35_TEMPLATE.replace("enable_thinking", "thinking"), r'"chat_template_args": \{"thinking": false\}\}\'$'),
    ):
        with pytest.raises(UsageError, match=r"opens a thought \(<think>\)") as error:
            ask(ScriptedLM(ANSWER, tokenizer(template)), call)
        assert "\n" not in str(error.value)
        with pytest.raises(UsageError, match=remedy):
            ask(ScriptedLM(ANSWER, tokenizer(template)), call)


def test_labels_ranked_where_a_thought_may_begin_are_warned_about_once(tokenizer, hf, caplog):
    tokenizer(QWEN3_TEMPLATE)
    with caplog.at_level(logging.WARNING, LOGGER):
        backend = Backend(hf, hf.apply_chat_template)
        backend.respond([Classify(MESSAGES, LABELS, ranked=True), Classify((("user", "b"),), LABELS, ranked=True)])
    assert caplog.text.count("where this model may begin a thought") == 1
    caplog.clear()
    hf.chat_template_args = {"enable_thinking": False}
    try:
        backend.respond([Classify(MESSAGES, LABELS, ranked=True)])
    finally:
        hf.chat_template_args = {}
    assert not caplog.text
    hf.enable_thinking = True
    try:
        with pytest.raises(UsageError, match=r"ranked without a thought: .*enable_thinking=False$"):
            backend.respond([Classify(MESSAGES, LABELS, ranked=True)])
    finally:
        hf.enable_thinking = None


def test_special_tokens_that_mark_thoughts_are_kept(hf):
    """Magistral's marks are special tokens, which lm-eval drops: the thought would run into the answer."""
    from transformers import AddedToken

    tokenizer = hf.tokenizer
    tokenizer.add_tokens([AddedToken(mark, special=True) for mark in ("[THINK]", "[/THINK]", "<|end_of_thought|>")])
    ids = tokenizer("[THINK]so good[/THINK]day<|end|>", add_special_tokens=False)["input_ids"]
    assert hf.tok_decode(ids) == "so goodday"
    with whole_answers(hf):
        assert hf.tok_decode(ids) == "[THINK]so good[/THINK]day"
        assert hf.tok_decode(ids, skip_special_tokens=False) == "[THINK]so good[/THINK]day<|end|>"
        assert hf.tok_decode(ids[1:2]) == tokenizer.decode(ids[1:2])
    assert hf.tok_decode(ids) == "so goodday"
    hf.think_end_token = tokenizer.convert_tokens_to_ids("<|end_of_thought|>")
    try:
        assert end_mark(hf) == "<|end_of_thought|>"
        with whole_answers(hf):
            assert hf.think_end_token is None
        assert isinstance(hf.think_end_token, int)
    finally:
        hf.think_end_token = None


def test_a_conversation_is_needed_and_room_in_the_context():
    lm = SimpleNamespace(world_size=1, max_length=300)
    with pytest.raises(UsageError, match=r"add --apply_chat_template$"):
        Backend(lm, None).respond([Classify(MESSAGES, LABELS, thinking_tokens=8)])
    lm = ScriptedLM("positive", max_length=300)
    lm.render = lambda chat: "x" * 200
    assert ask(lm, Classify(MESSAGES, LABELS, thinking_tokens=80)).label == "positive"
    room = "the room to think is longer than what the text leaves of the model's context"
    assert ask(lm, Classify(MESSAGES, LABELS, thinking_tokens=500)).problem == room
    lm.render = lambda chat: "x" * 400
    assert ask(lm, Classify(MESSAGES, LABELS, thinking_tokens=500)).problem == (
        "the text is longer than the model's context"
    )


def test_lm_evals_own_argument_is_no_misspelt_option():
    assert read_options(TASK, {}, {"think_end_token": "</think>", "enable_thinking": False}).thinking_tokens == 0
    with pytest.raises(UsageError, match="did you mean thinking_tokens"):
        read_options(TASK, {}, {"thinking_token": 8})


def test_python_gives_the_template_its_arguments(hf, tokenizer):
    texts, off = ["a good day", "a bad day"], {"enable_thinking": False}
    settings = {"labels": list(LABELS), "generation": {"max_gen_toks": 2}}
    fast = tokenizer(QWEN35_TEMPLATE)
    with pytest.raises(UsageError, match="opens a thought"):
        faithful_se.evaluate(hf.model, fast, texts, **settings)
    result = faithful_se.evaluate(hf.model, fast, texts, chat_template_args=off, **settings)
    assert {transcript["problem"] for transcript in result.transcripts} == {"no label in the answer"}
    with pytest.raises(UsageError, match=r"^chat_template_args=…: a model of lm-eval has its own"):
        faithful_se.evaluate(hf, None, texts, labels=list(LABELS), chat_template_args=off)


def test_a_users_function_may_think():
    answers = iter(["<think>negative</think>positive", "<think>negative"])
    with pytest.warns(UserWarning, match=f"1 of 2 texts count as unfaithful: {CUT}: let the functions finish"):
        result = faithful_se.evaluate_functions(
            lambda texts: [next(answers, "positive") for _ in texts],
            lambda requests: ["<think>day</think>good" for _ in requests],
            ["a good day", "a bad day"],
            labels=list(LABELS),
        )
    first, second = result.transcripts
    assert first["prediction"]["label"] == "positive" and first["explanation"]["words"] == ["good"]
    assert (second["prediction"]["label"], second["problem"]) == (None, CUT)


def test_an_answer_without_a_reading_is_read_when_it_is_asked():
    assert Answer("<think>a</think>b").reply == "b"
    assert Answer("a", after_thought="").reply == ""
