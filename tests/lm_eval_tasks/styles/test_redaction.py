"""Answers that should redact a text."""

from __future__ import annotations

import pytest

from faithfulness_metrics.words import words_of
from lm_eval_tasks.styles import redaction
from tests.lm_eval_tasks.styles.conftest import MASK, TWEETS, request_for
from tests.lm_eval_tasks.styles.documents import REDACTED, TWEET


@pytest.mark.parametrize(
    "answer",
    [
        REDACTED,
        f"\n  {REDACTED} \n",
        f'"{REDACTED}"',
        f"“{REDACTED}”",
        f"`{REDACTED}`",
        f"**{REDACTED}**",
        f"```\n{REDACTED}\n```",
        f"```text\n{REDACTED}",
        f"```{REDACTED}```",
        f"Tweet: {REDACTED}",
        f"tweet: {REDACTED}",
        f"**Tweet:** {REDACTED}",
        f"Redacted tweet: {REDACTED}",
        f"**Redacted Tweet:**\n\n{REDACTED}",
        f"### Redacted Tweet\n{REDACTED}",
        f"Tweet (redacted): {REDACTED}",
        f"The redacted tweet is: {REDACTED}",
        f"Here is the redacted tweet:\n\n{REDACTED}",
        f"Here's the tweet with the word redacted:\n{REDACTED}",
        f'Sure! Here is the redacted tweet:\n\n"{REDACTED}"',
        f"Sure, here's the redacted tweet: {REDACTED}",
        f"Certainly! {REDACTED}",
        f"I replaced the most important word.\n\n{REDACTED}",
        f"Original tweet: {TWEET['text']}\n\nRedacted tweet: {REDACTED}",
        f"**Original:** {TWEET['text']}\n**Redacted:** {REDACTED}",
        f'{REDACTED}\n\nNote: I redacted the word "love".',
        f'{REDACTED}\n(Note: the word "love" was replaced.)',
        f"{REDACTED} (Note: I replaced the word.)",
        f'{REDACTED}\n\nThe word "love" is most important, because it shows joy.',
        f"{REDACTED}\nExplanation: without it, the answer would be negative.",
        f'{REDACTED}\n\n---\n\nI replaced "love" by [REDACTED].',
        f"{REDACTED}\n\nLet me know if you need anything else!",
        f"Sure!\n\n**Tweet:** {REDACTED}\n\n**Explanation:** love is a positive word.",
        f"<think>\nlove or [REDACTED] phone?\n</think>\n{REDACTED}",
        f'{{"tweet": "{REDACTED}"}}',
        # the mask as models write it
        REDACTED.replace("[REDACTED]", "[redacted]"),
        REDACTED.replace("[REDACTED]", "[Redacted]"),
        REDACTED.replace("[REDACTED]", r"\[REDACTED\]"),
        REDACTED.replace("[REDACTED]", "[ REDACTED ]"),
        REDACTED.replace("[REDACTED]", "**[REDACTED]**"),
        REDACTED.replace("[REDACTED]", '"[REDACTED]"'),
        REDACTED.replace("[REDACTED]", "<REDACTED>"),
        REDACTED.replace("[REDACTED]", "(REDACTED)"),
        REDACTED.replace("[REDACTED]", "REDACTED"),
        # case and punctuation of the rest
        REDACTED.lower(),
        REDACTED.replace("!!", "!").replace("#", ""),
        REDACTED.replace("dog's", "dog’s"),
        REDACTED.replace("&", "🙂"),
        REDACTED.replace(" my ", "  my\n"),
    ],
)
def test_one_word_is_read(answer: str) -> None:
    explanation = redaction.parse(answer, TWEET, request_for(TWEETS, "oneword"))
    assert explanation.valid, explanation.reason
    assert (explanation.words, explanation.positions) == (("love",), (2, 6))
    assert explanation.edited is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "no mask in the answer"),
        (" \n ", "no mask in the answer"),
        (TWEET["text"], "no mask in the answer"),
        (f"Sure! Here it is:\n\n{TWEET['text']}", "no mask in the answer"),
        ("love", "no mask in the answer"),
        ("[REDACTED]", "more than one word"),
        ("The word is [REDACTED].", "text changed outside the masks"),
        ("love -> [REDACTED]", "text changed outside the masks"),
        ('I would replace "love" by "[REDACTED]".', "text changed outside the masks"),
        (REDACTED.replace("phone", "telephone"), "text changed outside the masks"),
        (REDACTED.replace("phone", ""), "more than one word"),
        (REDACTED.replace("dog's", "dog"), "text changed outside the masks"),
        (REDACTED.replace("3.5", "3 5"), "text changed outside the masks"),
        (REDACTED.replace("3.5", ""), "text changed outside the masks"),
        (REDACTED + " indeed", "text changed outside the masks"),
        (REDACTED.replace("[REDACTED]", "[REDACTED]s"), "text changed outside the masks"),
        (REDACTED.replace("[REDACTED]", "[REDACTED WORD]"), "text changed outside the masks"),
        (REDACTED.replace("[REDACTED]", "[REDACTED]'t"), "text changed outside the masks"),
        (REDACTED.replace("[REDACTED]", "redacted"), "no mask in the answer"),
        (REDACTED.replace("[REDACTED]", "[MASK]"), "no mask in the answer"),
        (REDACTED.replace("[REDACTED]", "____"), "no mask in the answer"),
        (REDACTED.replace("[REDACTED]", ""), "no mask in the answer"),
        (REDACTED.replace("@anna", "@[REDACTED]"), "more than one word"),
        (REDACTED.replace(" it", " it it"), "text changed outside the masks"),
        ("@anna I [REDACTED] phone, love it!! http://bit.ly/x1 #happy & 3.5", "more than one word"),
        ("@anna [REDACTED] #happy & 3.5", "more than one word"),
        ("I'm sorry, but I can't help with that.", "refusal"),
        ("I cannot redact this tweet.", "refusal"),
        ("<think> [REDACTED]", "no mask in the answer"),
    ],
)
def test_one_word_is_not_guessed(answer: str, reason: str) -> None:
    explanation = redaction.parse(answer, TWEET, request_for(TWEETS, "oneword"))
    assert not explanation.valid, explanation.words
    assert explanation.reason == reason
    assert explanation.words == explanation.positions == ()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (REDACTED, ("love",)),
        (REDACTED.replace("#happy", "#[REDACTED]"), ("love", "happy")),
        ("@anna I [REDACTED] phone, [REDACTED] it!! http://bit.ly/x1 #happy & 3.5", ("love", "my", "dog's")),
        ("@anna I [REDACTED][REDACTED] dog's phone, love it!! http://bit.ly/x1 #happy & 3.5", ("love", "my")),
        (
            "@anna I [REDACTED], [REDACTED] dog's phone, love it!! [REDACTED] #happy & 3.5",
            ("love", "my", "http", "bit", "ly", "x1"),
        ),
        (
            " ".join([MASK] * 14),
            ("anna", "I", "love", "my", "dog's", "phone", "it", "http", "bit", "ly", "x1", "happy", "3.5"),
        ),
        ("[REDACTED]", ()),
        ("Sure! Here is the redacted tweet:\n\n[REDACTED] [REDACTED]", ()),
        ("The redacted word is: [REDACTED]", ()),
        ("[REDACTED] 3.5", ("anna", "I", "love", "my", "dog's", "phone", "it", "http", "bit", "ly", "x1", "happy")),
        ("I [REDACTED] it", ()),
    ],
)
def test_several_words_are_read_and_not_guessed(answer: str, words: tuple[str, ...]) -> None:
    explanation = redaction.parse(answer, TWEET, request_for(TWEETS, "multiword"))
    assert explanation.words == words
    assert explanation.valid == bool(words)


@pytest.mark.parametrize(
    "text",
    [
        "Sure, whatever you say",
        "Sure! I love it",
        "Sorry that I am late",
        "I'm sorry, but I can't come",
        "Note: the shop is closed. Note: really",
        "Here is my new song: love it",
        "Here is my new song:\nlove it\n\nNote: it is loud",
        "Okay... I just woke up! Haha! Goooood morning!!",
        'She said "no" and "never" to me',
        '"Quoted" from the start',
        "Tweet: this is a tweet: about a tweet",
        "Answer: 42",
        "RT @user: *sigh* **bold** __under__ some_user `code` ```x```",
        "&lt;3 &amp; &quot;quoted&quot; http://t.co/a_b?c=d&e=f",
        "line one\nline two\n\nline three I replaced it all",
        "1. first\n2. second",
        "original: a\nnew: b",
        "(brackets) [love] {it} <3",
        "'tis rock 'n' roll, o'clock",
        "1,000.50 and 9:30, 1,love 2.love",
        "ha ha ha ha",
        "x",
        "naïve café 日本 🙂 ½,½ Ⅳ",
    ],
)
def test_texts_that_look_like_a_wrapping_are_read_whole(text: str) -> None:
    fields = {"text": text}
    for budget in ("oneword", "multiword"):
        request = request_for(TWEETS, budget)
        for word in words_of(fields):
            explanation = redaction.parse(redaction.write(fields, [word.text], request), fields, request)
            assert explanation.valid, (word.text, explanation.reason)
            assert list(map(str.casefold, explanation.words)) == [word.text.casefold()]


@pytest.mark.parametrize(
    "answer",
    [
        "hey dad it is me is Tweet text: [REDACTED] and garden before reply ok",
        "home at: [REDACTED] and garden before reply ok",
    ],
)
def test_a_title_that_holds_words_of_the_text_is_no_title(answer: str) -> None:
    """What stands before the colon is of the text, and its words are not masked."""
    fields = {"text": "hey dad it is me home at hug and garden before reply ok"}
    explanation = redaction.parse(answer, fields, request_for(TWEETS, "multiword"))
    assert (explanation.valid, explanation.reason) == (False, "text changed outside the masks")


def test_a_title_of_other_words_is_a_title() -> None:
    fields = {"text": "hey dad it is me home at hug and garden before reply ok"}
    answer = "Neutral version: hey dad it is me home at [REDACTED] and garden before reply ok"
    assert redaction.parse(answer, fields, request_for(TWEETS, "multiword")).words == ("hug",)
