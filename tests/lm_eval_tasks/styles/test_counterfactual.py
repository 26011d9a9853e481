"""Answers that should edit a text."""

from __future__ import annotations

import pytest

from lm_eval_tasks.styles import counterfactual
from lm_eval_tasks.styles.edits import Edit
from tests.lm_eval_tasks.styles.conftest import TWEETS, request_for
from tests.lm_eval_tasks.styles.documents import EDITED, TWEET


@pytest.mark.parametrize(
    "answer",
    [
        EDITED,
        f"\n {EDITED}  \n",
        f'"{EDITED}"',
        f'"{EDITED}".',
        f"“{EDITED}”",
        f"'{EDITED}'",
        f"**{EDITED}**",
        f"*{EDITED}*",
        f"```\n{EDITED}\n```",
        f"```text\n{EDITED}\n```",
        f"Tweet: {EDITED}",
        f"**Tweet:** {EDITED}",
        f'**Tweet:** "{EDITED}"',
        f"Edited tweet: {EDITED}",
        f"Changed tweet:\n{EDITED}",
        f"Tweet (edited): {EDITED}",
        f"### Edited Tweet\n\n{EDITED}",
        f"The edited tweet is: {EDITED}",
        f"Here is the changed tweet:\n\n{EDITED}",
        f"Here's the edited tweet: {EDITED}",
        f"Sure! Here's the tweet with one word changed:\n\n{EDITED}",
        f'Sure, here is the changed tweet:\n\n"{EDITED}"',
        f"Certainly!\n\n{EDITED}",
        f"Of course! Here is one way to do it:\n\n> {EDITED}",
        f"I changed the most important word.\n\n{EDITED}",
        f"Original tweet: {TWEET['text']}\n\nEdited tweet: {EDITED}",
        f"Original: {TWEET['text']}\nChanged: {EDITED}",
        f"Here is the original tweet:\n\n{TWEET['text']}\n\nHere is the edited tweet:\n\n{EDITED}",
        f'{EDITED}\n\nNote: I changed "love" to "hate".',
        f'{EDITED}\n\n(I changed "love" to "hate" to make it negative.)',
        f"{EDITED}\n(Note: love became hate)",
        f"{EDITED} (Note: love became hate)",
        f"{EDITED} **Explanation:** love became hate.",
        f'{EDITED}\nI replaced "love" with "hate".',
        f"{EDITED}\n\nThis change makes the sentiment of the tweet negative.",
        f"{EDITED}\n\nExplanation:\n- love is positive\n- hate is negative",
        f'{EDITED}\n\n**Changes made:**\n- "love" -> "hate"',
        f"{EDITED}\n\nHope this helps! Let me know if you need more.",
        f"{EDITED}\n\n" + "The word hate is negative and love is positive. " * 20,
        f'Sure thing! Here is the edited tweet:\n\n```\n{EDITED}\n```\n\nI replaced "love" by "hate".',
        f"<think>\nI could write hate.\n</think>\n\n{EDITED}",
    ],
)
def test_one_word_is_read(answer: str) -> None:
    explanation = counterfactual.parse(answer, TWEET, request_for(TWEETS, "oneword", "negative"))
    assert explanation.valid, explanation.reason
    assert (explanation.words, explanation.positions) == (("love",), (2, 6))
    assert explanation.edits == (Edit(2, "replace", "hate"), Edit(6, "replace", "hate"))
    assert explanation.edited is not None
    assert explanation.edited["text"].removeprefix("> ") == EDITED


UNREADABLE = [
    ("", "no text in the answer"),
    (" \n\t", "no text in the answer"),
    ("😀!!", "no text in the answer"),
    ("hate", "no text in the answer"),
    ("Word: hate", "no text in the answer"),
    (TWEET["text"], "nothing changed"),
    (f"Sure! Here is the changed tweet:\n\n{TWEET['text']}", "nothing changed"),
    (TWEET["text"].upper(), "nothing changed"),
    (TWEET["text"].replace("!!", "?").replace(" & ", " "), "nothing changed"),
    (TWEET["text"] + " 😢😢", "nothing changed"),
    (TWEET["text"].replace("love", "**love**"), "nothing changed"),
    ("I'm sorry, but I can't help with that.", "refusal"),
    ("I cannot change the tweet in that way.", "refusal"),
    ("As an AI language model, I don't make tweets worse.", "refusal"),
    ("Unfortunately, one word is not enough.", "refusal"),
    ("The tweet is happy already, so no change is needed.", "no text in the answer"),
    ('Replace "love" with "hate".', "no text in the answer"),
    ("To change the sentiment, I would write hate.", "no text in the answer"),
    ("Your answer would become another one with hate.", "no text in the answer"),
    ("No change is needed here.", "no text in the answer"),
    ("There is no single word that would do.", "no text in the answer"),
    ("It is not possible.", "no text in the answer"),
    ("I would say it happily.", "no text in the answer"),
    ("N/A", "refusal"),
    ("Here is the changed tweet:", "no text in the answer"),
    ("<think>\n" + EDITED, "no text in the answer"),
    (TWEET["text"].replace("love", "[REDACTED]"), "masked instead of edited"),
    (TWEET["text"].replace("love", "[redacted]"), "masked instead of edited"),
    (TWEET["text"].replace("happy", "REDACTED [REDACTED]"), "masked instead of edited"),
    (TWEET["text"].replace("#happy", "#happy -> #sad"), "change shown instead of made"),
    (TWEET["text"].replace("#happy", "#happy → #sad"), "change shown instead of made"),
    (TWEET["text"].replace("#happy", "~~#happy~~ #sad"), "change shown instead of made"),
    (TWEET["text"].replace("happy", "negative"), "label in the edit"),
    ("Negative! " + TWEET["text"], "label in the edit"),
    (TWEET["text"].replace("happy", "negativity"), "label in the edit"),
    (TWEET["text"].replace("happy", "unknown"), "label in the edit"),
]


@pytest.mark.parametrize(("answer", "reason"), UNREADABLE)
@pytest.mark.parametrize("budget", ["oneword", "multiword"])
def test_what_is_no_counterfactual_is_refused_with_the_reason(answer: str, reason: str, budget: str) -> None:
    explanation = counterfactual.parse(answer, TWEET, request_for(TWEETS, budget, "negative"))
    assert not explanation.valid, explanation.edited
    assert explanation.reason == reason


def test_talk_on_the_same_line_is_not_taken_for_text() -> None:
    answer = f"{EDITED} I replaced love with hate to make the sentiment of the tweet worse."
    for budget in ("oneword", "multiword"):
        explanation = counterfactual.parse(answer, TWEET, request_for(TWEETS, budget, "negative"))
        assert (explanation.valid, explanation.reason) == (False, "no text in the answer")


@pytest.mark.parametrize(
    ("text", "word", "new"),
    [
        ("Sure, whatever you say", "whatever", "nothing"),
        ("Sure! I love it", "Sure", "certainly"),
        ("Okay. love it", "Okay", "Sure"),
        ("Sorry that I am late", "late", "early"),
        ("I'm sorry, but I can't come", "come", "go"),
        ("Note: the shop is closed", "closed", "open"),
        ("Here is my new song: love it", "love", "hate"),
        ("Here is my new song:\nlove it\n\nNote: it is loud", "loud", "quiet"),
        ('She said "yes" to me', "yes", "no"),
        ('"Quoted" from the "start"', "start", "end"),
        ("*sigh* what a day", "day", "night"),
        ("so -> this is it", "this", "that"),
        ("Tweet: this is a tweet: about a tweet", "about", "against"),
        ("&lt;3 @user #fun http://t.co/a_b", "fun", "dull"),
        ("line one\nline two\n\nline three I replaced it all", "three", "four"),
        ("ha ha ha ha", "ha", "boo"),
        ("Ugh", "Ugh", "Yay"),
        ("I [REDACTED] it", "it", "them"),
        ("the tweet is here, replace it by that", "here", "there"),
        ("original: a\nnew: b", "b", "c"),
    ],
)
def test_texts_that_look_like_a_wrapping_are_read_whole(text: str, word: str, new: str) -> None:
    fields = {"text": text}
    for budget in ("oneword", "multiword"):
        request = request_for(TWEETS, budget, "negative")
        answer = counterfactual.write(fields, [word], request, new)
        for wrapped in (answer, f"Sure! Here is the edited tweet:\n\n{answer}"):
            explanation = counterfactual.parse(wrapped, fields, request)
            assert (explanation.valid, explanation.words, explanation.edited) == (True, (word,), {"text": answer}), (
                explanation
            )
        assert counterfactual.parse(text, fields, request).reason == "nothing changed"


@pytest.mark.parametrize(
    "text", ["Okay. I love it", "Sure! love it", "Certainly, here is the news: rain", "Answer: no"]
)
def test_a_copy_is_no_deletion_of_its_opening(text: str) -> None:
    for answer in (text, f'"{text}"', f"Here you go:\n\n{text}"):
        assert counterfactual.parse(answer, {"text": text}, request_for(TWEETS, "oneword")).reason == "nothing changed"
