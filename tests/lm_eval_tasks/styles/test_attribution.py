from __future__ import annotations

import pytest

from faithfulness_metrics.words import key_of
from lm_eval_tasks.styles import attribution
from tests.lm_eval_tasks.styles.conftest import NEWS, SNLI, TWEETS, request_for

TWEET = {"text": "@anna I love my new phone, it's great!! LOVE it & don't cry http://bit.ly/x1 #happy 3.5"}
PAIR = {"premise": "A man is sleeping on a bench.", "hypothesis": "The man is awake."}
ARTICLE = {"text": "World Cup sports business: Google profits rise, positive outlook and more"}


def test_prompts() -> None:
    assert attribution.ask(request_for(TWEETS, "oneword")) == (
        "Which one word of the tweet above is most important for your answer? If every occurrence of that word were "
        'replaced by "[REDACTED]", your answer would change. Answer only with the word, exactly as it stands in the '
        "tweet."
    )
    assert attribution.ask(request_for(TWEETS, "multiword")) == (
        "Which words of the tweet above are most important for your answer? If all of them were replaced by "
        '"[REDACTED]", your answer would change. Answer only with the words, exactly as they stand in the tweet, '
        "separated by commas."
    )
    assert attribution.ask(request_for(SNLI, "oneword")) == (
        "Which one word of the premise and hypothesis above is most important for your answer? If every occurrence of "
        'that word were replaced by "[REDACTED]", your answer would change. Answer only with the word, exactly as it '
        "stands in the premise and hypothesis."
    )
    assert attribution.ask(request_for(SNLI, "multiword")) == (
        "Which words of the premise and hypothesis above are most important for your answer? If all of them were "
        'replaced by "[REDACTED]", your answer would change. Answer only with the words, exactly as they stand in the '
        "premise and hypothesis, separated by commas."
    )


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
    told = attribution.parse(answer, TWEET, request_for(TWEETS, "oneword"))
    assert told.valid, told.reason
    assert told.words == ("love",)
    assert told.positions == (2, 8)
    assert told.edited is None
    assert told.reason == ""


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
    told = attribution.parse(answer, TWEET, request_for(TWEETS, "oneword"))
    assert (told.valid, told.words, told.positions) == (True, words, positions)


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
        ("love and great", "no word named"),
        ("my new phone", "more than one word"),
        ("love\ngreat", "more than one word"),
        ("love\n\ngreat\n\nnew\n\nphone", "more than one word"),
        ("1. love\n2. great", "no word named"),
        ("- love: shows joy\n- great: shows joy too", "no word named"),
        ("- love - shows joy\n\n- great - shows joy too", "no word named"),
        ('["love", "great"]', "more than one word"),
        ("**hate**\n**great**", "no word named"),
        ("love: great", "more than one word"),
        ("love (great)", "more than one word"),
        ("love - joy, great - joy", "no word named"),
        ('The words "love" and "great" make it "positive".', "no word named"),
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
    told = attribution.parse(answer, TWEET, request_for(TWEETS, "oneword"))
    assert not told.valid, told.words
    assert told.reason == reason
    assert told.words == told.positions == ()


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
def test_labels_in_the_text(answer: str, words: tuple[str, ...]) -> None:
    assert attribution.parse(answer, ARTICLE, request_for(NEWS, "oneword")).words == words


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
def test_one_word_of_a_pair(answer: str, words: tuple[str, ...], positions: tuple[int, ...]) -> None:
    told = attribution.parse(answer, PAIR, request_for(SNLI, "oneword"))
    assert (told.words, told.positions, told.valid) == (words, positions, bool(words))


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
def test_words_are_read(answer: str) -> None:
    told = attribution.parse(answer, TWEET, request_for(TWEETS, "multiword"))
    assert told.valid, told.reason
    assert told.words == ("love", "great")
    assert told.positions == (2, 7, 8)


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
def test_words_are_not_guessed(answer: str, words: tuple[str, ...]) -> None:
    told = attribution.parse(answer, TWEET, request_for(TWEETS, "multiword"))
    assert told.words == words
    assert told.valid == bool(words)


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
def test_words_of_a_pair(answer: str, words: tuple[str, ...]) -> None:
    assert attribution.parse(answer, PAIR, request_for(SNLI, "multiword")).words == words


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("okay, I'm off", "okay, I'm"),
        ("Mark it down: Notre Dame", "Mark, it"),
        ("Tired this morning", "Tired, this, morning"),
        ("Sofar, this is hella boring", "Sofar, this is hella boring"),
        ("feels as good as it gets", "feels, as, good, xyz"),
        ("Study: phones are bad for you", "Study: phones are bad for you"),
        ("No. 5 North Carolina wins", "No. 5 North Carolina wins"),
        ("Yah-hoo - got the followers", "Yah-hoo - got the followers"),
        ("Ugh\n\nI hate it all", "Ugh\n\nI hate it all"),
        ("@anna because you are in it", "@anna because you are in it"),
    ],
)
def test_words_of_the_text_alone_are_a_list(text: str, answer: str) -> None:
    for said in (answer, f"Sure! Here is the answer:\n\n{answer}", f'"{answer}"'):
        assert not attribution.parse(said, {"text": text}, request_for(TWEETS, "oneword")).valid, said


def test_no_answer_is_no_pair_of_letters() -> None:
    fields = {"text": "In n Out is a burger place here"}
    for budget in ("oneword", "multiword"):
        assert attribution.parse("N/A", fields, request_for(TWEETS, budget)).reason == "refusal"
        told = attribution.parse("Here is the tweet with one word changed:", fields, request_for(TWEETS, budget))
        assert not told.valid


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


@pytest.mark.parametrize("word", ["Sure", "Sorry", "Note", "Here", "Okay", "The", "word", "and"])
def test_words_that_look_like_an_opening(word: str) -> None:
    fields = {"text": "Sure, Sorry. Note: Here is Okay the word and positive"}
    for budget in ("oneword", "multiword"):
        told = attribution.parse(word, fields, request_for(TWEETS, budget))
        assert [key_of(said) for said in told.words] == [key_of(word)]
