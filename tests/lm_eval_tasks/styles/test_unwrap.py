from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_tasks.styles import EXPLANATION_STYLES, STYLES
from lm_eval_tasks.styles.unwrap import MOST_READINGS, is_prose, is_refusal, readings
from tests.lm_eval_tasks.styles.conftest import SNLI, WRAPPERS, request_for
from tests.quick import least_seconds

TEXT = "I [X] it."


@pytest.mark.parametrize("name", WRAPPERS)
def test_every_wrapping_comes_off(name: str) -> None:
    if name != "bold titles":
        assert TEXT in readings(WRAPPERS[name](TEXT)), list(readings(WRAPPERS[name](TEXT)))


def test_the_answer_itself_is_read_first() -> None:
    assert list(readings("love")) == ["love"]
    assert next(readings(' "love" ')) == '"love"'
    assert list(readings(' "love" ')) == ['"love"', "love"]
    assert list(readings(" \n ")) == []


@pytest.mark.parametrize(
    ("answer", "not_read"),
    [
        # Lists and sentences are not cut down to one of their words.
        ("love\n\ngreat", "love"),
        ("love\n\n- great - a nice word for it", "love"),
        ("love, great, nice\n\nfun, joy, bliss", "love, great, nice"),
        ("hate\n\nlove", "love"),
        ("great, love", "love"),
        ("love\nthis\nplease", "love"),
        ("**hate**\nlove", "love"),
        # What is called the original is not the answer.
        ("Original tweet:\n\nold text\n\nEdited tweet:\n\nnew text", "old text"),
        # The thought is not the answer.
        ("<think>love</think> hate", "love"),
    ],
)
def test_what_is_no_reading(answer: str, not_read: str) -> None:
    assert not_read not in readings(answer)


@pytest.mark.parametrize(
    ("answer", "refuses"),
    [
        ("I'm sorry, but I can't help with that.", True),
        ("I’m sorry, I cannot do this.", True),
        ("Sorry, I am unable to do that.", True),
        ("I can't do that.", True),
        ("I am not able to help.", True),
        ("I won't do this.", True),
        ("I apologize, but I cannot do that.", True),
        ("My apologies, this is not possible.", True),
        ("I don't think I can do that.", True),
        ("As an AI language model, I have no opinion.", True),
        ("Unfortunately, this is not possible.", True),
        ("<think>Sure.</think> I cannot.", True),
        ("Sure! I can do that.", False),
        ("I love it", False),
        ("Word: sorry", False),
        ("", False),
    ],
)
def test_refusals(answer: str, refuses: bool) -> None:
    assert is_refusal(answer) == refuses


def test_prose() -> None:
    assert is_prose("\n---\n\nI replaced it.")
    assert is_prose("Explanation:\n- it fits")
    assert not is_prose("")
    assert not is_prose("love\nI replaced it.")


@given(st.text())
def test_readings_are_distinct_bounded_and_parts(answer: str) -> None:
    texts = list(readings(answer))
    assert len(texts) == len(set(texts)) <= MOST_READINGS + 2
    assert all(text == text.strip() and text for text in texts)
    assert texts == list(readings(f"\n {answer}\t\n"))


UNITS = [
    "x",
    " ",
    "\n",
    "\n \n",
    "a b. ",
    "*a ",
    "**a",
    "_a ",
    "`",
    "```",
    '"',
    ":",
    "!",
    "->",
    "\\[",
    "[REDACTED] ",
    "[REDACTED]",
    "Note: ",
    "\nNote: I did it",
    "\n\nThis is a long paragraph.",
    "original: ",
    "original:\nnew ",
    "Sure! ",
    "Here is: ",
    "Premise: a\n",
    "Premise: Hypothesis: ",
    "Hypothesis: a. ",
    'the word "love" is ',
    "word is not ",
    "love, ",
    "love - a\n",
    "(love ",
    "1. ",
    "'a",
    "1,",
    "</think>",
    "<think>",
    "World ",
    "I'm sorry ",
]
LONG = {"premise": "World markets fall again on oil fears, says Reuters. " * 12, "hypothesis": "Markets rise. " * 8}


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("style", EXPLANATION_STYLES)
def test_long_answers_are_quick(style: str, unit: str) -> None:
    repeated = (unit * 100_000)[:100_000]
    pair = SNLI.show(LONG)
    for answer in (repeated, repeated + "?", f"Sure! Here it is:\n\n{pair}\n\n{repeated}", f"{repeated}\n{pair}"):
        for budget in ("oneword", "multiword"):
            request = request_for(SNLI, budget, "neutral")
            parse = partial(STYLES[style].parse, answer, LONG, request)
            assert least_seconds(parse, 0.5) < 0.5, budget
