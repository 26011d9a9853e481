"""All the words that an answer names, or none: a part of a list is never taken for the list."""

from __future__ import annotations

import random

import pytest

from faithfulness_metrics.words import key_of, words_of
from lm_eval_tasks.styles import attribution
from tests.lm_eval_tasks.styles.conftest import TWEETS, request_for
from tests.lm_eval_tasks.styles.list_shapes import SHAPES, UNSURE

TEXT = {"text": "What a fun day, but the worst movie was awful and not good, they don't like such boring games. Ha ha"}
# Words that look like titles, comments, bullets, labels and conjunctions, and words of a treebank.
VOCABULARY = (
    "fun awful worst not love great I the word words are is a important Note answer Positive negative positive 1 2 3 "
    "don't it's does n't film 's tweet Here Sure reason because mood shows it writer's first other Premise: : , . \" - "
    "x b c why Explanation: Original New"
)


def _crafted(draw: random.Random) -> dict[str, str]:
    return {"text": " ".join(draw.choices(VOCABULARY.split(), k=draw.randint(2, 18)))}


@pytest.mark.parametrize("seed", range(4))
def test_no_list_is_read_as_a_part_of_it_or_as_more_than_it(seed: int) -> None:
    draw = random.Random(seed)
    for document in [_crafted(draw) for _ in range(25)]:
        types = list({word.key: word.text for word in words_of(document)}.values())
        for name, shape in SHAPES.items():
            words = draw.sample(types, draw.randint(1, min(5, len(types))))
            answer, named = shape(words), {key_of(word) for word in words}
            for budget in ("oneword", "multiword"):
                explanation = attribution.parse(answer, document, request_for(TWEETS, budget))
                if explanation.valid:
                    assert set(map(key_of, explanation.words)) == named, (name, answer, document)
                    assert budget == "multiword" or len(named) == 1, (name, answer, document)


@pytest.mark.parametrize("name", SHAPES)
def test_lists_of_every_shape_are_read(name: str) -> None:
    for words in (["awful"], ["awful", "worst"], ["worst", "don't", "boring", "awful"]):
        answer = SHAPES[name](words)
        explanation = attribution.parse(answer, TEXT, request_for(TWEETS, "multiword"))
        if name not in UNSURE:
            assert sorted(explanation.words) == sorted(words), (answer, explanation.reason)
        else:
            assert not explanation.valid or sorted(explanation.words) == sorted(words), answer
        explanation = attribution.parse(answer, TEXT, request_for(TWEETS, "oneword"))
        if len(words) > 1:
            assert explanation.reason == "more than one word", answer


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("Positive words: fun\nNegative words: awful, worst, not", "fun worst awful not"),
        ("Word 1: awful\nWord 2: worst", "worst awful"),
        ("Important words: awful,\nworst,\nnot", "worst awful not"),
        ("1) awful 2) worst", "worst awful"),
        ("(1) awful, (2) worst", "worst awful"),
        ("(1) awful, (2) worst, and (3) not", "worst awful not"),
        ('certain words such as "awful," "worst," and "not."', "worst awful not"),
        ("Negative: awful, worst\nPositive: none", "worst awful"),
        ("Adjectives: awful, worst\nNegation: not", "worst awful not"),
        ("**Final Answer**\nawful, worst", "worst awful"),
        ("~~~\nawful, worst\n~~~", "worst awful"),
        ("The answer is \\(\\boxed{\\text{awful, worst}}\\).", "worst awful"),
        ('{"word1": "awful", "word2": "worst"}', "worst awful"),
        ('```json\n{\n  "words": [\n    "awful",\n    "worst"\n  ]\n}\n```', "worst awful"),
        ("awful = negative\nworst = negative", "worst awful"),
        ('I chose "awful" and "worst".', "worst awful"),
        ("It is negative because of the words awful and worst.", "worst awful"),
        ("Negative: worst, awful; Positive: fun", "fun worst awful"),
        ("1- awful\n2- worst", "worst awful"),
        ("awful, worst\n(negative words)", "worst awful"),
        ("Palabras: awful, worst", "worst awful"),
        # Not the whole list: not valid.
        ("fun\n\nNegative words include awful and horrible.", ""),
        ("fun\nNegative: awful, horrible", ""),
        ("Positive words: fun\nNegative words: awful, horrible", ""),
        ('The words "awful" and "worst" are important, and also:\n- not', ""),
        ("awful, worst, etc.", ""),
        ("awful\nworst - not", ""),
        ('awful, worst\n\nThe word "boring" matters too.', ""),
        ('The words "awful" and "worst" matter, "boring" does not.', ""),
        ("fun\nNote: awful", ""),
        ("fun\n\nBesides: awful, worst", ""),
        ("awful (worst)", ""),
        ("awful -> strong\nhorrible -> strong", ""),
        ("- horrible: shows the mood\n- awful: shows the mood", ""),
        ("* **horrible:** it shows the mood\n* **awful:** it shows the mood", ""),
        ("Here are the words:\n\n* furious: strong anger\n* boring: the cause", ""),
        ("awful (adjective), horrible (adjective)", ""),
    ],
)
def test_several_words(answer: str, words: str) -> None:
    explanation = attribution.parse(answer, TEXT, request_for(TWEETS, "multiword"))
    assert " ".join(explanation.words) == words, explanation.reason


@pytest.mark.parametrize(
    "answer",
    [
        "\\boxed{awful}",
        "$\\boxed{\\text{awful}}$",
        "The final answer is $\\boxed{awful}$.",
        "\\[ \\boxed{\\text{awful}} \\]",
        "**Final Answer**\n\\boxed{awful}",
        "\\text{awful}",
        "<word>awful</word>",
        "<answer>\nawful\n</answer>",
        "<p>awful</p>",
        "The word is <b>awful</b>.",
        "a) awful",
        "(1) awful",
        "1: awful",
        "**1.** awful",
        "Word 1: awful",
        "> awful",
        "~~~\nawful\n~~~",
        '{"most_important_word": "awful"}',
        '{"word": "awful", "reason": "It is negative"}',
        "| Word |\n|---|\n| awful |",
        "### Answer\nawful",
        'The most important word is "awful." If it were replaced by "[REDACTED]," my answer would be "positive."',
        'I would say "awful".',
        "关键词:awful",
        "awful\n(a negative word)",
        'It\'s "awful".',
        "My answer is awful.",
        "The sentiment is negative because of the word awful.",
        'The most important word is not "worst", but "awful".',
    ],
)
def test_one_word(answer: str) -> None:
    explanation = attribution.parse(answer, TEXT, request_for(TWEETS, "oneword"))
    assert explanation.words == ("awful",), explanation.reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ('The word in the tweet is "awful" but that is not the most important word.', "no word named"),
        ('"awful" is a word of the tweet, but it is not the most important word.', "no word named"),
        ('The word "awful" is not the most important word.', "no word named"),
        ('The word "awful" isn\'t important.', "no word named"),
        ('The word "awful" does not matter.', "no word named"),
        ('The word "awful" does not affect my answer.', "no word named"),
        ('The word "awful" would not change my answer.', "no word named"),
        ('The word is "awful". However, that is not the most important one.', "no word named"),
        ('The word "awful" is there, though it was not decisive for the answer.', "no word named"),
        ("The most important word is not awful.", "no word named"),
        ('The word is not "awful".', "no word named"),
        ('The most important word is "fun day".', "more than one word"),
        ('"fun day"', "more than one word"),
        ('The phrase "worst movie" decides.', "more than one word"),
        ("The most important phrase is **the worst movie**.", "more than one word"),
        ('I classified it so because of the words "worst movie".', "more than one word"),
        ('awful\n\nThe word "worst" is also important.', "more than one word"),
        ('The most important word is "awful". Another important word is "worst".', "more than one word"),
        ("awful\nWord 2: horrible", "more than one word"),
        ("**Answer:** Word 1: awful\nWord 2: horrible", "more than one word"),
        ("awful -> strong\nhorrible -> strong", "more than one word"),
        ("- horrible: shows the mood\n- awful: shows the mood", "more than one word"),
        ("awful (adjective), horrible (adjective)", "more than one word"),
        ("Word 1: awful\nWord 2: worst\nWord 3: horrible", "more than one word"),
    ],
)
def test_denied_words_and_phrases_are_no_one_word(answer: str, reason: str) -> None:
    explanation = attribution.parse(answer, TEXT, request_for(TWEETS, "oneword"))
    assert (explanation.words, explanation.reason) == ((), reason)
