"""Answers that hold a thought: the marks of every family, thoughts that never end, and texts that only mention a mark.

The answers have the shapes that models write, not their words. Each thought names the wrong label.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lm_eval_tasks.classification import parse_label
from lm_eval_tasks.thoughts import after_thinking, ends_after_thought, opening_of, read_answer, switch_of

# How families open a thought, and end it.
MARKS = {
    "Qwen3, DeepSeek-R1": ("<think>\n", "\n</think>\n\n"),
    "no blanks": ("<think>", "</think>"),
    "prompted": ("<thinking>\n", "\n</thinking>\n"),
    "EXAONE": ("<thought>\n", "\n</thought>\n\n"),
    "reasoning tag": ("<reasoning>", "</reasoning>\n"),
    "Seed-OSS": ("<seed:think>", "</seed:think>"),
    "capitals": ("<Think>\n", "\n</Think>\n"),
    "two names": ("<think>\n", "\n</thinking>\n"),
    "Magistral": ("[THINK]", "[/THINK]"),
    "Kimi": ("◁think▷", "◁/think▷"),
    "Gemma 4": ("<|channel>thought\n", "<channel|>"),
    "Command A": ("<|START_THINKING|>", "<|END_THINKING|><|START_RESPONSE|>"),
    "OpenThinker": ("<|begin_of_thought|>\n\n", "\n\n<|end_of_thought|>\n\n<|begin_of_solution|>\n\n"),
    "gpt-oss": ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    "gpt-oss, two channels": (
        "<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant<|channel|>commentary<|message|>negative<|end|>"
        "<|start|>assistant<|channel|>final<|message|>",
    ),
    "gpt-oss, constrained": (
        "<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>",
    ),
    "gpt-oss, no special tokens": ("analysis", "assistantfinal"),
    "Granite 3.2": ("Here is my thought process:\n", "\n\nHere is my response:\n"),
    "Granite 3.2, short": ("Here's my thought process: ", " Here's my response: "),
    "Granite 3.3": ("<think>", "</think>\n<response>"),
    "R1-Zero": ("<think>", "</think>\n<answer>"),
    "a preamble": ("Sure! Let me think.\n<think>\n", "\n</think>\n"),
    "a preamble in the line": ("Let me think. <think>", "</think> "),
    "two thoughts": ("<think>\nnegative\n</think>\n<think>\n", "\n</think>\n"),
    "an empty thought before": ("<think>\n\n</think>\n\n<think>", "</think>"),
}
THOUGHTS = (
    "negative",
    'We need to say "negative" or "positive". Answer: negative',
    "negative\n\nNo, negative.\n\n**negative**",
    "I should close with a tag, <think> or so, and say negative.",
    "Sentiment: negative.\nWait, the user asks for one word only.",
)
REPLIES = ("positive", "Positive.", "\n\n**positive**", "The sentiment is positive.")


@pytest.mark.parametrize("family", MARKS)
def test_what_follows_a_thought_is_the_answer_and_a_thought_without_an_end_is_none(family):
    opening, ending = MARKS[family]
    closing = {"<response>": "</response>", "<answer>": "</answer>"}
    for thought in THOUGHTS:
        for reply in REPLIES:
            tail = next((end for start, end in closing.items() if ending.endswith(start)), "")
            answer = f"{opening}{thought}{ending}{reply}{tail}"
            assert after_thinking(answer).strip() == reply.strip(), answer
            assert not read_answer(answer).cut
            assert parse_label(answer, ("negative", "positive")) == "positive"
            assert read_answer("\n" + answer) == read_answer(answer)
        if not opening.startswith(("Sure", "Let", "<think>\nneg", "<think>\n\n</think>")):
            assert read_answer(opening + thought) == ("", True)
            assert parse_label(opening + thought, ("negative", "positive")) is None


@pytest.mark.parametrize("family", ["Qwen3, DeepSeek-R1", "Magistral", "Kimi", "gpt-oss", "Seed-OSS", "EXAONE"])
def test_an_answer_that_begins_inside_the_thought(family):
    opening, ending = MARKS[family]
    for thought in THOUGHTS:
        assert read_answer(thought, opened=True) == ("", True)
        assert read_answer(f"{thought}{ending}positive", opened=True).reply.strip() == "positive"
        assert read_answer(f"{opening}{thought}{ending}positive", opened=True).reply.strip() == "positive"
        # An API does not show its prompt: the end of a thought shows that there was one.
        if "<think>" not in thought:
            assert after_thinking(f"{thought}{ending}positive").strip() == "positive"
    assert read_answer("", opened=True) == ("", True)
    assert read_answer(f"negative{ending}", opened=True) == ("", False)  # it ends, and nothing follows


PLAIN = [
    "positive",
    "",
    " \n",
    "I wrote <think> and </think> into it myself.",
    "I wrote: <think> myself </think> ok",
    "positive. The tag <think> is not closed.",
    "The word is <think>",
    "Most important word: <think>",
    "analysis",
    "Analysis",
    "analysis's",
    "analysis, final",
    "analysis of the tweet: positive",
    "Analysis: The tweet is positive.",
    "analysis\npositive",
    "final",
    "finally",
    "assistant",
    "Here is my response: positive",
    "my <thoughts/> on it",
    "<b>positive</b>",
    "<response>positive</response>",
    "I think the channel is good",
    "The last channel",
]


@pytest.mark.parametrize("answer", PLAIN)
def test_an_answer_that_holds_no_thought_stays_as_it_is(answer):
    assert read_answer(answer) == (answer, False)


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        ("positive\n<think>\nWait, is it negative", "positive"),
        ("positive\n<think>\nis it negative?\n</think>", "positive"),
        ("<think>a</think>positive\n<think>negative", "positive"),
        ("<think>a</think>positive</think>", "positive"),
        ("</think>\n\npositive", "positive"),
        ("<think>a</think>positive<|return|>", "positive"),
        ("<|channel|>final<|message|>positive<|return|>", "positive"),
        ("<|channel|>analysis<|message|>negative<|end|><|start|>assistant", ""),
        ("<think>\nnegative\n</think>", ""),
        ("<think>a</think><answer>positive", "positive"),
    ],
)
def test_what_stands_around_a_thought(answer, reply):
    assert after_thinking(answer).strip() == reply


def test_a_mark_of_the_users_own():
    assert read_answer("negative ##END## positive", end_mark="##END##").reply == " positive"
    assert read_answer("negative", end_mark="##END##") == ("negative", False)  # nothing says that it is a thought
    assert read_answer("negative", opened=True, end_mark="##END##") == ("", True)
    # lm-eval's own example for gpt-oss: the mark also begins the thought
    cut = "<|channel|>analysis<|message|>negative"
    assert read_answer(cut, end_mark="<|message|>") == ("", True)
    whole = f"{cut}<|end|><|start|>assistant<|channel|>final<|message|>positive"
    assert read_answer(whole, end_mark="<|message|>") == ("positive", False)


@pytest.mark.parametrize(
    ("end", "opening", "closed"),
    [
        ("<|assistant|>\n", "", False),
        ("<｜Assistant｜><think>\n", "<think>\n", False),
        ("<|im_start|>assistant\n<think>", "<think>", False),
        ("<|im_start|>assistant\n<think>\n\n</think>\n\n", "", True),
        ("<|im_start|>assistant\n<think></think>", "", True),
        ("[|assistant|]<thought>\n", "<thought>\n", False),
        ("[/INST][THINK]", "[THINK]", False),
        ("<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|><|START_THINKING|>", "<|START_THINKING|>", False),
        ("<|start|>assistant", "", False),
        ("<|start|>assistant<|channel|>analysis<|message|>", "<|channel|>analysis<|message|>", False),
        ("<|start|>assistant<|channel|>final<|message|>", "", True),
        ("<|turn>model\n<|channel>thought\n<channel|>", "", True),
        ("Tweet: I wrote <think> today\n<|assistant|>\n", "", False),
    ],
)
def test_the_end_of_a_prompt_says_whether_a_thought_is_open(end, opening, closed):
    prompt = "<|user|>\nIs <think> a tag?\n" + end
    assert opening_of(prompt).endswith(opening) and bool(opening_of(prompt)) == bool(opening)
    assert ends_after_thought(prompt) == closed


@pytest.mark.parametrize(
    ("name", "opens", "switch"),
    [
        ("qwen3", False, {"enable_thinking": False}),
        ("qwen3_5_think", True, {"enable_thinking": False}),
        ("qwen3_5_nothink", False, None),
        ("qwen2_5", False, None),
        ("glm4moe", False, {"enable_thinking": False}),
        ("nemotron_3_nano", True, {"enable_thinking": False}),
        ("deepseek_r1_distill", True, None),
        ("gptoss", False, None),
        ("gemma3", False, None),
        ("llama3", False, None),
    ],
)
def test_templates_of_the_hub(name, opens, switch):
    """TRL ships them."""
    trl = pytest.importorskip("trl")
    from transformers.utils.chat_template_utils import render_jinja_template

    path = Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja"
    if not path.is_file():
        pytest.skip(f"this TRL has no template {name}")

    def render(arguments):
        (prompt,), _ = render_jinja_template(
            [[{"role": "user", "content": "x"}]],
            chat_template=path.read_text(encoding="utf-8"),
            add_generation_prompt=True,
            bos_token="<s>",
            eos_token="</s>",
            **arguments,
        )
        return prompt

    assert bool(opening_of(render({}))) == opens
    assert switch_of(render) == switch
