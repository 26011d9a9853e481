"""Answers in which a word could be guessed, and is not."""

from __future__ import annotations

import pytest

from lm_eval_tasks.styles import attribution
from tests.lm_eval_tasks.styles.conftest import NEWS, TWEETS, request_for
from tests.lm_eval_tasks.styles.documents import HAPPY

ARTICLE = {"text": "World Cup sports business: Google profits rise, positive outlook and more"}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "no word named"),
        (" \n ", "no word named"),
        ("😀 !!!", "no word named"),
        ("hate", "word not in the text"),
        ("loved", "word not in the text"),
        ("cry http://bit.ly/x2", "no word named"),
        ("positive", "word not in the text"),
        ("[REDACTED]", "word not in the text"),
        ("love, great", "more than one word"),
        ("love great", "more than one word"),
        ("great. love", "more than one word"),
        ("love/great", "more than one word"),
        ("love and great", "more than one word"),
        ("my new phone", "more than one word"),
        ("love\ngreat", "more than one word"),
        ("love\n\ngreat\n\nnew\n\nphone", "more than one word"),
        ("1. love\n2. great", "more than one word"),
        ("- love: shows joy\n- great: shows joy too", "more than one word"),
        ("- love - shows joy\n\n- great - shows joy too", "more than one word"),
        ('["love", "great"]', "more than one word"),
        ("**hate**\n**great**", "no word named"),
        ("love: great", "more than one word"),
        ("love (great)", "more than one word"),
        ("love - joy, great - joy", "no word named"),
        ('The words "love" and "great" make it "positive".', "more than one word"),
        ('The word "love" and the word "great" make it positive.', "more than one word"),
        ('The most important word is "very good".', "no word named"),
        ('The most important word is not "love".', "no word named"),
        ("The word that decides is not love.", "no word named"),
        # a label is not a word named
        ('The answer is "positive".', "no word named"),
        ('I classified it as "positive" because of the love in it.', "no word named"),
        # talk
        ("I love my new phone", "more than one word"),
        ("The tweet shows love for a phone.", "no word named"),
        ("It hangs on several words.", "no word named"),
        ("I love my new phone, it's great!!", "more than one word"),
        ("I [REDACTED] my new phone", "no word named"),
        ("I'm sorry, but I can't help with that.", "refusal"),
        ("I cannot name a single word.", "refusal"),
        ("N/A", "refusal"),
        ("Here is the tweet with one word changed:", "no word named"),
        ("As an AI language model, I do not have feelings about love.", "refusal"),
        ("<think>\nlove", "no word named"),
    ],
)
def test_one_word_is_not_guessed(answer: str, reason: str) -> None:
    explanation = attribution.parse(answer, HAPPY, request_for(TWEETS, "oneword"))
    assert not explanation.valid, explanation.words
    assert explanation.reason == reason
    assert explanation.words == explanation.positions == ()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        # A label that stands in the text may be named, but not by saying the answer again.
        ("sports", ("sports",)),
        ("Sports", ("sports",)),
        ('The most important word is "business".', ("business",)),
        ("Sports: the article is about a match.", ()),
        ("Sports. The article is about a match.", ()),
        ("business (the article is about profits)", ()),
        ("The answer is business.", ()),
        ('"sports" and "business"', ()),
    ],
)
def test_a_label_in_the_text_may_be_named_but_not_said_again(answer: str, words: tuple[str, ...]) -> None:
    assert attribution.parse(answer, ARTICLE, request_for(NEWS, "oneword")).words == words


@pytest.mark.parametrize(
    ("text", "answer", "reason"),
    [
        ("okay, I'm off", "okay, I'm", "more than one word"),
        ("Mark it down: Notre Dame", "Mark, it", "more than one word"),
        ("Tired this morning", "Tired, this, morning", "more than one word"),
        ("Sofar, this is hella boring", "Sofar, this is hella boring", "more than one word"),
        ("feels as good as it gets", "feels, as, good, xyz", "more than one word"),
        ("Study: phones are bad for you", "Study: phones are bad for you", "more than one word"),
        ("No. 5 North Carolina wins", "No. 5 North Carolina wins", "more than one word"),
        ("Yah-hoo - got the followers", "Yah-hoo - got the followers", "more than one word"),
        ("Ugh\n\nI hate it all", "Ugh\n\nI hate it all", "more than one word"),
        ("@anna because you are in it", "@anna because you are in it", "more than one word"),
    ],
)
def test_words_of_the_text_alone_are_a_list_and_not_one_word_with_talk(text: str, answer: str, reason: str) -> None:
    for wrapped in (answer, f"Sure! Here is the answer:\n\n{answer}", f'"{answer}"'):
        assert attribution.parse(wrapped, {"text": text}, request_for(TWEETS, "oneword")).reason == reason, wrapped


def test_no_answer_is_no_pair_of_letters_and_an_opening_alone_no_word() -> None:
    fields = {"text": "In n Out is a burger place here"}
    for budget in ("oneword", "multiword"):
        assert attribution.parse("N/A", fields, request_for(TWEETS, budget)).reason == "refusal"
        explanation = attribution.parse("Here is the tweet with one word changed:", fields, request_for(TWEETS, budget))
        assert (explanation.valid, explanation.words) == (False, ())
