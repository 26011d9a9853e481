"""What the masks of a redaction stand for."""

from __future__ import annotations

import dataclasses

import pytest

from lm_eval_tasks.styles import redaction
from lm_eval_tasks.styles.redaction import align
from tests.lm_eval_tasks.styles.conftest import TWEETS, request_for
from tests.lm_eval_tasks.styles.documents import TWEET


@pytest.mark.parametrize(
    ("answer", "words", "positions"),
    [
        # only some occurrences: only those are taken out
        ("@anna I [REDACTED] my dog's phone, love it!! http://bit.ly/x1 #happy & 3.5", ("love",), (2,)),
        ("@anna I love my dog's phone, [REDACTED] it!! http://bit.ly/x1 #happy & 3.5", ("love",), (6,)),
        ("@[REDACTED] I love my dog's phone, love it!! http://bit.ly/x1 #happy & 3.5", ("anna",), (0,)),
        ("[REDACTED] I love my dog's phone, love it!! http://bit.ly/x1 #happy & 3.5", ("anna",), (0,)),
        ("@anna I love my dog's phone, love it!! http://bit.ly/x1 #[REDACTED] & 3.5", ("happy",), (12,)),
        ("@anna I love my dog's phone, love it!! http://bit.ly/x1 #happy & [REDACTED]", ("3.5",), (13,)),
        ("@anna I love my [REDACTED] phone, love it!! http://bit.ly/x1 #happy & 3.5", ("dog's",), (4,)),
        ("@anna I love my [REDACTED]'s phone, love it!! http://bit.ly/x1 #happy & 3.5", ("dog's",), (4,)),
        ("@anna I love my [REDACTED]’s phone, love it!! http://bit.ly/x1 #happy & 3.5", ("dog's",), (4,)),
    ],
)
def test_a_mask_stands_for_the_word_at_its_place(
    answer: str, words: tuple[str, ...], positions: tuple[int, ...]
) -> None:
    explanation = redaction.parse(answer, TWEET, request_for(TWEETS, "oneword"))
    assert (explanation.valid, explanation.words, explanation.positions) == (True, words, positions)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("I [REDACTED] [REDACTED] it", ("love",)),
        ("I [redacted] [REDACTED] it", ("love",)),
        ("I love [REDACTED] [REDACTED]", ("it",)),
        ("I love [REDACTED] it", ()),
        ("I love [[REDACTED]] it", ()),
        ("I [REDACTED] it", ("love",)),
        ("I love REDACTED it", ()),
    ],
)
def test_a_mask_that_the_text_has_already_takes_nothing_out(answer: str, words: tuple[str, ...]) -> None:
    explanation = redaction.parse(answer, {"text": "I love [REDACTED] it"}, request_for(TWEETS, "oneword"))
    assert (explanation.valid, explanation.words) == (bool(words), words)


def test_the_bare_mask_is_a_word_where_the_text_says_it() -> None:
    explanation = redaction.parse("They REDACTED it", {"text": "They redacted it"}, request_for(TWEETS, "oneword"))
    assert explanation.reason == "no mask in the answer"
    explanation = redaction.parse("They [REDACTED] it", {"text": "They redacted it"}, request_for(TWEETS, "oneword"))
    assert explanation.words == ("redacted",)


@pytest.mark.parametrize("mask", ["[MASK]", "<mask>", "___", "REDACTED", "█", "[...]", "()", "X X"])
def test_any_other_mask_is_read(mask: str) -> None:
    request = dataclasses.replace(request_for(TWEETS, "oneword"), mask=mask)
    answer = redaction.write(TWEET, ["love"], request)
    assert redaction.parse(answer, TWEET, request).positions == (2, 6)
    assert redaction.parse(f"Sure! Here is the tweet:\n\n{answer}", TWEET, request).positions == (2, 6)
    assert not redaction.parse(TWEET["text"], TWEET, request).valid


@pytest.mark.parametrize(
    ("words", "tokens", "positions"),
    [
        ("a b c", "a _ c", [1]),
        ("a b c d", "a _ d", [1, 2]),
        ("a b c d", "_ d", [0, 1, 2]),
        ("a b c d", "a _", [1, 2, 3]),
        ("a b", "_ _", [0, 1]),
        ("a b c", "_ _", [0, 1, 2]),
        ("a b", "_ _ _", None),
        ("a b", "a b", []),
        ("a b", "a", None),
        ("a b", "a _ b", None),
        ("a b", "a b _", None),
        ("a x b x c", "_ x _", [0, 2, 3, 4]),
        ("x x x", "x _ x", [1]),
        ("a x a x", "_ x", [0, 1, 2]),
        ("a x b x", "_ x _ x", [0, 2]),
        ("a b", "b _", None),
        ("", "_", None),
        ("", "", []),
    ],
)
def test_words_are_aligned_with_the_tokens_of_an_answer(words: str, tokens: str, positions: list[int] | None) -> None:
    assert align(words.split(), [None if token == "_" else token for token in tokens.split()]) == positions
