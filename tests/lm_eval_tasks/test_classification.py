from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_tasks.classification import parse_label
from lm_eval_tasks.thoughts import after_thinking
from tests.lm_eval_tasks.styles.conftest import NEWS, SNLI, TWEETS
from tests.quick import least_seconds

SENTIMENT = ("negative", "positive")
NLI = ("entailment", "neutral", "contradiction")
RTE = ("entailment", "not entailment")
TOPICS = ("world", "sports", "business", "technology")


def test_classification_prompts() -> None:
    assert SNLI.classify({"premise": "A man sleeps.", "hypothesis": "A man is awake."}, "[REDACTED]", False) == (
        "Does the premise entail the hypothesis, contradict it, or neither of the two (neutral)? "
        'Words of the premise and hypothesis may be replaced by "[REDACTED]". '
        'Answer only with "entailment", "neutral" or "contradiction". Do not explain the answer.\n'
        "\n"
        "Premise: A man sleeps.\n"
        "Hypothesis: A man is awake."
    )
    assert TWEETS.classify({"text": "I love it"}, None, True) == (
        "Is the sentiment of the following tweet negative or positive? "
        'Answer only with "negative", "positive" or "unknown". Do not explain the answer.\n'
        "\n"
        "Tweet: I love it"
    )
    assert NEWS.classify({"text": "Oil {falls}"}, "___", False) == (
        "Which topic does the following news article belong to? "
        'Words of the article may be replaced by "___". '
        'Answer only with "world", "sports", "business" or "technology". Do not explain the answer.\n'
        "\n"
        "Article: Oil {falls}"
    )


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("positive", "positive"),
        ("Positive.", "positive"),
        ("  POSITIVE\n", "positive"),
        ('"positive"', "positive"),
        ("“positive”", "positive"),
        ("**positive**", "positive"),
        ("_positive_", "positive"),
        ("`positive`", "positive"),
        ("- positive", "positive"),
        ("positive 😊", "positive"),
        ("Answer: positive", "positive"),
        ("**Label:** positive", "positive"),
        ("The answer is positive", "positive"),
        ("The sentiment is: **positive**", "positive"),
        ("The sentiment of the tweet is positive.", "positive"),
        ("Based on the text, I'd say the tweet is positive.", "positive"),
        ("This tweet expresses a positive sentiment.", "positive"),
        ("positive\n\nThe tweet is not negative.", "positive"),
        ("positive (the tweet is not negative at all)", "positive"),
        ("positive. Negative would be wrong.", "positive"),
        ("Positive\nNegative", "positive"),
        ("The sentiment is positive, not negative.", "positive"),
        ("It is positive rather than negative", "positive"),
        ("It isn't negative but positive", "positive"),
        ("```\npositive\n```", "positive"),
        ("Sure!\n\npositive", "positive"),
        ("Based on the tweet, the sentiment is:\n\n**Positive**", "positive"),
        ("<think>\nnegative? No.\n</think>\n\npositive", "positive"),
        ("Is it negative? no idea </think> positive", "positive"),
        # no choice
        ("", None),
        ("   \n\n ", None),
        ("positive or negative", None),
        ("positive/negative", None),
        ("negative, positive", None),
        ("negative -> positive", None),
        ("Negative Positive", None),
        ("both positive and negative", None),
        ("The sentiment could be positive or negative.", None),
        ("Is the sentiment of the following tweet negative or positive? positive", None),
        # denied
        ("not positive", None),
        ("This is not really positive.", None),
        ("It isn’t positive.", None),
        ("neither positive nor negative", None),
        # other words
        ("positively", None),
        ("non-positive", None),
        ("positive-ish", None),
        ("neutral", None),
        ("I can't help with that.", None),
        ("I do not know.\nMaybe positive.", None),
        ("<think>\npositive, I would say", None),
        ("<think> positive", None),
    ],
)
def test_labels_of_a_tweet(answer: str, label: str | None) -> None:
    assert parse_label(answer, SENTIMENT) == label


@pytest.mark.parametrize(
    ("answer", "labels", "label"),
    [
        ("Entailment", NLI, "entailment"),
        ("Relation: contradiction", NLI, "contradiction"),
        ("neutral (neither entailment nor contradiction)", NLI, "neutral"),
        ("The premise entails the hypothesis.", NLI, None),
        ("not entailment", RTE, "not entailment"),
        ("Not entailment.", RTE, "not entailment"),
        ("entailment", RTE, "entailment"),
        ("The answer is not entailment", RTE, "not entailment"),
        ("I would say this is a sports article, not a business one.", TOPICS, "sports"),
        ("Topic: business", TOPICS, "business"),
        ("Sports/Business", TOPICS, None),
        ("business (technology)", TOPICS, None),
        ("worldwide", TOPICS, None),
        ("unknown", (*SENTIMENT, "unknown"), "unknown"),
        ("Unknown. It is neither positive nor negative.", (*SENTIMENT, "unknown"), "unknown"),
    ],
)
def test_labels_of_other_datasets(answer: str, labels: tuple[str, ...], label: str | None) -> None:
    assert parse_label(answer, labels) == label


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("A", "A"),
        ("b", "B"),
        ("(c)", "C"),
        ("**D**", "D"),
        ("_A_", "A"),
        ("A. Sports", "A"),
        ("B) a sports article", "B"),
        ('"I"', "I"),
        ("Answer: I", "I"),
        ("The answer is (B).", "B"),
        ("The answer is B", "B"),
        ("I would say a: it is about football", "A"),
        ("C, because a ball is a toy", "C"),
        ("A or B.", None),
        ("It could be A, B or C.", None),
        ("It is not A but B.", "B"),
        # words of the language, not labels
        ("A sports article", None),
        ("I think it is a sports article.", None),
        ("I'm sorry, but I can't help with that.", None),
        ("I’d say so", None),
        ("This is an article about a game.", None),
        ("a-b", None),
        ("vitamin-A", None),
    ],
)
def test_labels_of_one_letter(answer: str, label: str | None) -> None:
    assert parse_label(answer, ("A", "B", "C", "D", "I")) == label


def test_labels_that_are_digits() -> None:
    assert [parse_label(answer, ("1", "2")) for answer in ("2 stars", "1", "12", "1 or 2")] == ["2", "1", None, None]


def test_only_the_end_of_a_thought_is_an_answer() -> None:
    assert after_thinking("plain") == "plain"
    assert after_thinking("<think>a</think>b</think> c") == " c"
    assert after_thinking("<think> and on") == ""


@given(st.text(), st.sampled_from([SENTIMENT, NLI, RTE, TOPICS]))
def test_any_answer_is_read(answer: str, labels: tuple[str, ...]) -> None:
    label = parse_label(answer, labels)
    assert label is None or label in labels
    assert parse_label(f"\n {answer}\t\n", labels) == label or not answer.isprintable()


@pytest.mark.parametrize("unit", ["x", " ", "\n", ":", "not ", "positive or ", "** ", "word: ", ".:.", "<think>"])
def test_long_answers_are_quick(unit: str) -> None:
    for answer in (
        unit * (100_000 // len(unit)),
        unit * (100_000 // len(unit)) + "?",
        "It is " + unit * 50_000 + "positive",
    ):
        parse = partial(parse_label, answer[:100_000], SENTIMENT)
        assert least_seconds(parse, 0.5) < 0.5, repr(unit)
