"""Answers that should name several words."""

from __future__ import annotations

import pytest

from lm_eval_tasks.styles import attribution
from tests.lm_eval_tasks.styles.conftest import SNLI, TWEETS, request_for
from tests.lm_eval_tasks.styles.documents import HAPPY, PAIR


@pytest.mark.parametrize(
    "answer",
    [
        "love, great",
        "love,great",
        "great, love, love",
        "Love, Great.",
        '"love", "great"',
        "“love”, “great”",
        "love; great",
        "love | great",
        "love / great",
        "love and great",
        "love, and great",
        "love\ngreat",
        "- love\n- great",
        "* love\n* great",
        "• love\n• great",
        "1. love\n2. great",
        "1) love\n2) great",
        "1. **love**\n2. **great**",
        "**love**, **great**",
        "**love**\n\n**great**",
        '["love", "great"]',
        "['love', 'great']",
        '```json\n["love", "great"]\n```',
        '{"words": ["love", "great"]}',
        "Words: love, great",
        "The words are: love, great",
        "Positive words: love, great",
        "Sure! Here are the words:\n\nlove, great",
        "Sure, here are the most important words: love, great",
        "Here are the words that are most important for my answer:\n\n1. love\n2. great",
        "1. love - a strong, positive word\n2. great - shows joy",
        "- love: shows joy\n- great: shows joy, too",
        "* **love**: shows joy\n* **great**: shows joy",
        '1. "love" (positive)\n2. "great" (positive)',
        "love, great (positive words)",
        "love, great - they show joy",
        "love, great because they show joy",
        'The most important words are "love" and "great".',
        "The most important words are love and great. They show joy.",
        "The words that matter most are: love, great",
        'The words "love" and "great" make it "positive".',
        "love, great\n\nThese words show that the writer is happy.",
        "love, great\nExplanation: they show joy.",
        "love, great\n\nNote: without them the tweet would be neutral.",
        "<think>\nphone?\n</think>\n\nlove, great",
    ],
)
def test_lists_of_words_are_read(answer: str) -> None:
    explanation = attribution.parse(answer, HAPPY, request_for(TWEETS, "multiword"))
    assert explanation.valid, explanation.reason
    assert explanation.words == ("love", "great")
    assert explanation.positions == (2, 7, 8)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("love", ("love",)),
        ("new phone, great", ("new", "phone", "great")),
        ("@anna, #happy, 3.5", ("anna", "happy", "3.5")),
        ("don't cry", ("don't", "cry")),
        ("I love my new phone", ("I", "love", "my", "new", "phone")),
        # named words that are not in the text are not dropped
        ("love, great, wonderful", ()),
        ("love, great\n\nwonderful, super, cool", ()),
        ("1. love\n2. wonderful", ()),
        ("**wonderful**\n\nlove", ()),
        ("love, loved", ()),
        ("love - joy, great - joy", ()),
        ("love: joy; great: joy", ()),
        ("The tweet is positive because of love and great.", ()),
        ("I love my new phone, it is great", ()),
        ("Positive: love", ()),
        ("positive", ()),
        ("[REDACTED]", ()),
        ("", ()),
        ("🙂, 🙃", ()),
        ("I'm sorry, but I can't help with that.", ()),
        ("none", ()),
        ("n/a", ()),
    ],
)
def test_only_lists_of_words_of_the_text_are_read(answer: str, words: tuple[str, ...]) -> None:
    explanation = attribution.parse(answer, HAPPY, request_for(TWEETS, "multiword"))
    assert explanation.words == words
    assert explanation.valid == bool(words)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("sleeping, awake", ("sleeping", "awake")),
        ("Premise: sleeping\nHypothesis: awake", ("sleeping", "awake")),
        ("**Premise:** sleeping, bench\n**Hypothesis:** awake", ("sleeping", "bench", "awake")),
        ("- Premise: sleeping\n- Hypothesis: awake", ("sleeping", "awake")),
        ("sleeping (premise), awake (hypothesis)", ("sleeping", "awake")),
    ],
)
def test_words_of_both_texts_of_a_pair_are_read(answer: str, words: tuple[str, ...]) -> None:
    assert attribution.parse(answer, PAIR, request_for(SNLI, "multiword")).words == words


def test_and_is_a_word_where_the_text_says_it() -> None:
    request, fields = request_for(TWEETS, "multiword"), {"text": "rock and roll, black and white"}
    assert attribution.parse("and", fields, request).words == ("and",)
    assert attribution.parse("rock and roll", fields, request).words == ("rock", "and", "roll")
    assert attribution.parse("rock and white", fields, request).words == ("rock", "white")
    assert attribution.parse("rock, and white", fields, request).words == ("rock", "white")
    assert attribution.parse("roll, black and white", fields, request).words == ("and", "roll", "black", "white")
    fields = {"text": "rain, cold, and annoying people"}
    assert attribution.parse(fields["text"], fields, request).words == ("rain", "cold", "and", "annoying", "people")
    assert attribution.parse("rain, and people", fields, request).words == ("rain", "people")
