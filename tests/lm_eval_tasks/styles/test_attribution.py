"""Answers that should name one word."""

from __future__ import annotations

import pytest

from faithfulness_metrics.words import key_of
from lm_eval_tasks.styles import attribution
from tests.lm_eval_tasks.styles.conftest import SNLI, TWEETS, request_for
from tests.lm_eval_tasks.styles.documents import HAPPY, PAIR


@pytest.mark.parametrize(
    "answer",
    [
        "love",
        "Love",
        "LOVE",
        "love.",
        " love \n",
        "love!!!",
        '"love"',
        "“love”",
        "‘love’",
        "'love'.",
        '"love."',
        "`love`",
        "**love**",
        '**"love"**',
        "*love*",
        "__love__",
        "```\nlove\n```",
        "```love```",
        "- love",
        "1. love",
        "[love]",
        '["love"]',
        '{"word": "love"}',
        "Word: love",
        "**Word:** love",
        "Answer: love",
        "The word: love",
        "Most important word: **love**",
        "The most important word is: love",
        "love (positive)",
        "love - it shows joy",
        "love – a positive word",
        "love: it shows that the writer is happy",
        "love, because it shows joy",
        "love because it is a strong word",
        "love -> [REDACTED]",
        "love. It carries the sentiment of the tweet.",
        "love\n\nThe word shows that the writer is happy.",
        "love\nExplanation: the writer is happy.",
        'love\n\nNote: I chose it because of "great".',
        'The word is "love".',
        "The word is love.",
        'The one word that is most important for my answer is "love".',
        "The most important word for my answer is 'love'. If it were replaced, my answer would be \"negative\".",
        "The most important word in the tweet is love.",
        "The most important word is love, since it shows joy.",
        'The word "love" makes it "positive".',
        'The word "love" in the tweet conveys a positive sentiment.',
        'I said "positive" because of the word "love".',
        "The word **love** is what my answer hangs on.",
        '"love" is the most important word in the tweet.',
        "Love is the most important word.",
        "Sure! The most important word is:\n\n**love**",
        "Sure, here is the word: love",
        "Certainly! love",
        "Based on the tweet, the most important word is:\nlove",
        'I classified the tweet as positive.\n\nThe most important word is "love".',
        'positive\n\nThe word "love" decides.',
        "<think>\ngreat? no\n</think>\nlove",
        "love love",
        "Tweet: love",
    ],
)
def test_one_word_is_read(answer: str) -> None:
    explanation = attribution.parse(answer, HAPPY, request_for(TWEETS, "oneword"))
    assert explanation.valid, explanation.reason
    assert explanation.words == ("love",)
    assert explanation.positions == (2, 8)
    assert explanation.edited is None
    assert explanation.reason == ""


@pytest.mark.parametrize(
    ("answer", "words", "positions"),
    [
        ("@anna", ("anna",), (0,)),
        ("#happy", ("happy",), (16,)),
        ("don’t", ("don't",), (10,)),
        ('"it\'s"', ("it's",), (6,)),
        ("3.5", ("3.5",), (17,)),
        ("phone,", ("phone",), (5,)),
        ("it", ("it",), (9,)),
    ],
)
def test_odd_words_are_read(answer: str, words: tuple[str, ...], positions: tuple[int, ...]) -> None:
    explanation = attribution.parse(answer, HAPPY, request_for(TWEETS, "oneword"))
    assert (explanation.valid, explanation.words, explanation.positions) == (True, words, positions)


@pytest.mark.parametrize(
    ("answer", "words", "positions"),
    [
        ("awake", ("awake",), (10,)),
        ("man", ("man",), (1, 8)),
        ("Hypothesis: awake", ("awake",), (10,)),
        ('**Hypothesis:** "awake"', ("awake",), (10,)),
        ("awake (hypothesis)", ("awake",), (10,)),
        ('The word "sleeping" in the premise', ("sleeping",), (3,)),
        ("Premise: sleeping\nHypothesis: awake", (), ()),
        ("premise", (), ()),
    ],
)
def test_one_word_of_a_pair_is_looked_for_in_both_texts(
    answer: str, words: tuple[str, ...], positions: tuple[int, ...]
) -> None:
    explanation = attribution.parse(answer, PAIR, request_for(SNLI, "oneword"))
    assert (explanation.words, explanation.positions, explanation.valid) == (words, positions, bool(words))


@pytest.mark.parametrize("word", ["Sure", "Sorry", "Note", "Here", "Okay", "The", "word", "and"])
def test_words_that_look_like_an_opening_are_read(word: str) -> None:
    fields = {"text": "Sure, Sorry. Note: Here is Okay the word and positive"}
    for budget in ("oneword", "multiword"):
        explanation = attribution.parse(word, fields, request_for(TWEETS, budget))
        assert list(map(key_of, explanation.words)) == [key_of(word)]
