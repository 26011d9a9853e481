from __future__ import annotations

import dataclasses

import pytest

from lm_eval_tasks.styles import redaction
from lm_eval_tasks.styles.redaction import align
from tests.lm_eval_tasks.styles.conftest import MASK, SNLI, TWEETS, request_for

TWEET = {"text": "@anna I love my dog's phone, love it!! http://bit.ly/x1 #happy & 3.5"}
#                   0   1 2    3  4     5      6   7    8     9  10  11   12      13
WHOLE = "@anna I [REDACTED] my dog's phone, [REDACTED] it!! http://bit.ly/x1 #happy & 3.5"
PAIR = {"premise": "A man is sleeping on a bench.", "hypothesis": "The man is awake."}
REDACTED_PAIR = "Premise: A [REDACTED] is sleeping on a bench.\nHypothesis: The [REDACTED] is awake."


def test_prompts() -> None:
    assert redaction.ask(request_for(TWEETS, "oneword")) == (
        "Redact the one word of the tweet above that is most important for your answer: replace every occurrence of "
        'that word by "[REDACTED]", so that your answer would change. Keep everything else exactly as it is. Answer '
        "only with the redacted tweet."
    )
    assert redaction.ask(request_for(TWEETS, "multiword")) == (
        "Redact the words of the tweet above that are most important for your answer: replace each of them by "
        '"[REDACTED]", so that your answer would change. Keep everything else exactly as it is. Answer only with the '
        "redacted tweet."
    )
    assert redaction.ask(request_for(SNLI, "oneword")) == (
        "Redact the one word of the premise and hypothesis above that is most important for your answer: replace every "
        'occurrence of that word by "[REDACTED]", so that your answer would change. Keep everything else exactly as it '
        "is. Answer only with the redacted premise and hypothesis. "
        'Write the premise after "Premise:" and the hypothesis after "Hypothesis:", one per line.'
    )
    assert redaction.ask(request_for(SNLI, "multiword")) == (
        "Redact the words of the premise and hypothesis above that are most important for your answer: replace each of "
        'them by "[REDACTED]", so that your answer would change. Keep everything else exactly as it is. Answer only '
        "with the redacted premise and hypothesis. "
        'Write the premise after "Premise:" and the hypothesis after "Hypothesis:", one per line.'
    )


def test_write() -> None:
    assert redaction.write(TWEET, ["LOVE"], request_for(TWEETS, "oneword")) == WHOLE
    assert redaction.write(PAIR, ["man"], request_for(SNLI, "oneword")) == REDACTED_PAIR


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        f"\n  {WHOLE} \n",
        f'"{WHOLE}"',
        f"“{WHOLE}”",
        f"`{WHOLE}`",
        f"**{WHOLE}**",
        f"```\n{WHOLE}\n```",
        f"```text\n{WHOLE}",
        f"```{WHOLE}```",
        f"Tweet: {WHOLE}",
        f"tweet: {WHOLE}",
        f"**Tweet:** {WHOLE}",
        f"Redacted tweet: {WHOLE}",
        f"**Redacted Tweet:**\n\n{WHOLE}",
        f"### Redacted Tweet\n{WHOLE}",
        f"Tweet (redacted): {WHOLE}",
        f"The redacted tweet is: {WHOLE}",
        f"Here is the redacted tweet:\n\n{WHOLE}",
        f"Here's the tweet with the word redacted:\n{WHOLE}",
        f'Sure! Here is the redacted tweet:\n\n"{WHOLE}"',
        f"Sure, here's the redacted tweet: {WHOLE}",
        f"Certainly! {WHOLE}",
        f"I replaced the most important word.\n\n{WHOLE}",
        f"Original tweet: {TWEET['text']}\n\nRedacted tweet: {WHOLE}",
        f"**Original:** {TWEET['text']}\n**Redacted:** {WHOLE}",
        f'{WHOLE}\n\nNote: I redacted the word "love".',
        f'{WHOLE}\n(Note: the word "love" was replaced.)',
        f"{WHOLE} (Note: I replaced the word.)",
        f'{WHOLE}\n\nThe word "love" is most important, because it shows joy.',
        f"{WHOLE}\nExplanation: without it, the answer would be negative.",
        f'{WHOLE}\n\n---\n\nI replaced "love" by [REDACTED].',
        f"{WHOLE}\n\nLet me know if you need anything else!",
        f"Sure!\n\n**Tweet:** {WHOLE}\n\n**Explanation:** love is a positive word.",
        f"<think>\nlove or [REDACTED] phone?\n</think>\n{WHOLE}",
        f'{{"tweet": "{WHOLE}"}}',
        # the mask as models write it
        WHOLE.replace("[REDACTED]", "[redacted]"),
        WHOLE.replace("[REDACTED]", "[Redacted]"),
        WHOLE.replace("[REDACTED]", r"\[REDACTED\]"),
        WHOLE.replace("[REDACTED]", "[ REDACTED ]"),
        WHOLE.replace("[REDACTED]", "**[REDACTED]**"),
        WHOLE.replace("[REDACTED]", '"[REDACTED]"'),
        WHOLE.replace("[REDACTED]", "<REDACTED>"),
        WHOLE.replace("[REDACTED]", "(REDACTED)"),
        WHOLE.replace("[REDACTED]", "REDACTED"),
        # case and punctuation of the rest
        WHOLE.lower(),
        WHOLE.replace("!!", "!").replace("#", ""),
        WHOLE.replace("dog's", "dog’s"),
        WHOLE.replace("&", "🙂"),
        WHOLE.replace(" my ", "  my\n"),
    ],
)
def test_one_word_is_read(answer: str) -> None:
    told = redaction.parse(answer, TWEET, request_for(TWEETS, "oneword"))
    assert told.valid, told.reason
    assert (told.words, told.positions) == (("love",), (2, 6))
    assert told.edited is None


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
def test_what_the_masks_stand_for(answer: str, words: tuple[str, ...], positions: tuple[int, ...]) -> None:
    told = redaction.parse(answer, TWEET, request_for(TWEETS, "oneword"))
    assert (told.valid, told.words, told.positions) == (True, words, positions)


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
        (WHOLE.replace("phone", "telephone"), "text changed outside the masks"),
        (WHOLE.replace("phone", ""), "more than one word"),
        (WHOLE.replace("dog's", "dog"), "text changed outside the masks"),
        (WHOLE.replace("3.5", "3 5"), "text changed outside the masks"),
        (WHOLE.replace("3.5", ""), "text changed outside the masks"),
        (WHOLE + " indeed", "text changed outside the masks"),
        (WHOLE.replace("[REDACTED]", "[REDACTED]s"), "text changed outside the masks"),
        (WHOLE.replace("[REDACTED]", "[REDACTED WORD]"), "text changed outside the masks"),
        (WHOLE.replace("[REDACTED]", "[REDACTED]'t"), "text changed outside the masks"),
        (WHOLE.replace("[REDACTED]", "redacted"), "no mask in the answer"),
        (WHOLE.replace("[REDACTED]", "[MASK]"), "no mask in the answer"),
        (WHOLE.replace("[REDACTED]", "____"), "no mask in the answer"),
        (WHOLE.replace("[REDACTED]", ""), "no mask in the answer"),
        (WHOLE.replace("@anna", "@[REDACTED]"), "more than one word"),
        (WHOLE.replace(" it", " it it"), "text changed outside the masks"),
        ("@anna I [REDACTED] phone, love it!! http://bit.ly/x1 #happy & 3.5", "more than one word"),
        ("@anna [REDACTED] #happy & 3.5", "more than one word"),
        ("I'm sorry, but I can't help with that.", "refusal"),
        ("I cannot redact this tweet.", "refusal"),
        ("<think> [REDACTED]", "no mask in the answer"),
    ],
)
def test_one_word_is_not_guessed(answer: str, reason: str) -> None:
    told = redaction.parse(answer, TWEET, request_for(TWEETS, "oneword"))
    assert not told.valid, told.words
    assert told.reason == reason
    assert told.words == told.positions == ()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (WHOLE, ("love",)),
        (WHOLE.replace("#happy", "#[REDACTED]"), ("love", "happy")),
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
def test_words_are_read(answer: str, words: tuple[str, ...]) -> None:
    told = redaction.parse(answer, TWEET, request_for(TWEETS, "multiword"))
    assert told.words == words
    assert told.valid == bool(words)


@pytest.mark.parametrize(
    "answer",
    [
        REDACTED_PAIR,
        REDACTED_PAIR.replace("\n", "\n\n"),
        REDACTED_PAIR.replace("\n", " "),
        REDACTED_PAIR.replace("\n", "\r\n"),
        REDACTED_PAIR.lower().replace("redacted", "REDACTED"),
        f"Sure! Here is the redacted premise and hypothesis:\n\n{REDACTED_PAIR}",
        f'Sure! Here are the redacted Premise and Hypothesis:\n\n{REDACTED_PAIR}\n\nNote: I redacted "man".',
        f"```\n{REDACTED_PAIR}\n```",
        f'{REDACTED_PAIR}\n\nExplanation: the word "man" decides.',
        f'{REDACTED_PAIR}\nThe word "man" decides about the hypothesis: it is central.',
        "**Premise:** A [REDACTED] is sleeping on a bench.\n**Hypothesis:** The [REDACTED] is awake.",
        "**Premise**: A [REDACTED] is sleeping on a bench.\n**Hypothesis**: The [REDACTED] is awake.",
        "- Premise: A [REDACTED] is sleeping on a bench.\n- Hypothesis: The [REDACTED] is awake.",
        "1. Premise: A [REDACTED] is sleeping on a bench.\n2. Hypothesis: The [REDACTED] is awake.",
        'Premise: "A [REDACTED] is sleeping on a bench."\nHypothesis: "The [REDACTED] is awake."',
        "Redacted premise: A [REDACTED] is sleeping on a bench.\nRedacted hypothesis: The [REDACTED] is awake.",
        "Premise:\nA [REDACTED] is sleeping on a bench.\n\nHypothesis:\nThe [REDACTED] is awake.",
        "A [REDACTED] is sleeping on a bench.\nThe [REDACTED] is awake.",
        "A [REDACTED] is sleeping on a bench.\n\nThe [REDACTED] is awake.",
        "Here are the redacted sentences:\n\nA [REDACTED] is sleeping on a bench.\nThe [REDACTED] is awake.",
        # each after its title, as was asked
        "Hypothesis: The [REDACTED] is awake.\nPremise: A [REDACTED] is sleeping on a bench.",
        '{"premise": "A [REDACTED] is sleeping on a bench.",\n"hypothesis": "The [REDACTED] is awake."}',
    ],
)
def test_pairs_are_read(answer: str) -> None:
    told = redaction.parse(answer, PAIR, request_for(SNLI, "oneword"))
    assert told.valid, told.reason
    assert (told.words, told.positions) == (("man",), (1, 8))


@pytest.mark.parametrize(
    "answer",
    [
        "Premise: A [REDACTED] is sleeping on a bench.",
        "Hypothesis: The [REDACTED] is awake.",
        "The [REDACTED] is awake.",
        "A [REDACTED] is sleeping on a bench. The [REDACTED] is awake.",
        "Premise: The [REDACTED] is awake.\nHypothesis: A [REDACTED] is sleeping on a bench.",
        "The [REDACTED] is awake.\nA [REDACTED] is sleeping on a bench.",
        "Premise: A [REDACTED] is sleeping on a bench.\nThe [REDACTED] is awake.",
        "Premise: A [REDACTED] is sleeping on a bench.\nHypothesis:",
        "Premise: [REDACTED]\nHypothesis: [REDACTED]",
        "Premise: A man is sleeping on a bench.\nHypothesis: The man is awake.",
        "Premise: A [REDACTED] is sleeping on a bench.\nHypothesis: The dog is awake.",
    ],
)
def test_pairs_are_not_guessed(answer: str) -> None:
    for budget in ("oneword", "multiword"):
        told = redaction.parse(answer, PAIR, request_for(SNLI, budget))
        assert not told.valid, told.words


def test_one_field_may_go_altogether() -> None:
    answer = "Premise: A man is sleeping on a bench.\nHypothesis: [REDACTED]"
    told = redaction.parse(answer, PAIR, request_for(SNLI, "multiword"))
    assert told.positions == (7, 8, 9, 10)


@pytest.mark.parametrize(
    ("premise", "hypothesis"),
    [
        ("The sign says Hypothesis: one.", "A man reads Premise: two."),
        ("Premise: it rains.\nHypothesis: it pours.", "Hypothesis: a man."),
        ("He said. Hypothesis: nobody knows.", "Nobody knows the man."),
    ],
)
def test_titles_inside_a_text(premise: str, hypothesis: str) -> None:
    fields = {"premise": premise, "hypothesis": hypothesis}
    for word in ("premise", "hypothesis", "man", "one", "nobody", "it", "two"):
        for budget in ("oneword", "multiword"):
            if word in f"{premise} {hypothesis}".lower():
                request = request_for(SNLI, budget)
                told = redaction.parse(redaction.write(fields, [word], request), fields, request)
                assert (told.valid, [said.lower() for said in told.words]) == (True, [word])


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
def test_texts_that_look_like_a_wrapping(text: str) -> None:
    fields = {"text": text}
    for budget in ("oneword", "multiword"):
        request = request_for(TWEETS, budget)
        for word in redaction.words_of(fields):
            told = redaction.parse(redaction.write(fields, [word.text], request), fields, request)
            assert told.valid, (word.text, told.reason)
            assert [said.casefold() for said in told.words] == [word.text.casefold()]


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
def test_a_text_that_has_the_mask_already(answer: str, words: tuple[str, ...]) -> None:
    told = redaction.parse(answer, {"text": "I love [REDACTED] it"}, request_for(TWEETS, "oneword"))
    assert (told.valid, told.words) == (bool(words), words)


def test_the_bare_mask_may_be_a_word() -> None:
    told = redaction.parse("They REDACTED it", {"text": "They redacted it"}, request_for(TWEETS, "oneword"))
    assert told.reason == "no mask in the answer"
    told = redaction.parse("They [REDACTED] it", {"text": "They redacted it"}, request_for(TWEETS, "oneword"))
    assert told.words == ("redacted",)


@pytest.mark.parametrize("mask", ["[MASK]", "<mask>", "___", "REDACTED", "█", "[...]", "()", "X X"])
def test_other_masks(mask: str) -> None:
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
def test_align(words: str, tokens: str, positions: list[int] | None) -> None:
    assert align(words.split(), [None if token == "_" else token for token in tokens.split()]) == positions
