"""The words that people marked, read from rows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faithful_se.errors import UsageError
from faithfulness_metrics.plausibility import token_f1
from faithfulness_metrics.words import find_words
from lm_eval_tasks import DATASETS
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.rationales import extractive_explanation, selected_text, token_indices
from tests.lm_eval_tasks.marked_pairs import BOY, HIKER, pair


@pytest.mark.parametrize(
    ("dataset", "row", "positions", "words"),
    [
        ("esnli", BOY, (2, 5, 7, 9), ["splashing", "ocean", "boy", "swimming"]),
        ("esnli", HIKER, (13,), ["hiking"]),
        # One token of several words; a token without a word; marks out of order.
        ("esnli", pair("He and/or she - sits.", "A dog.", [4, 1, 3], []), (1, 2, 4), ["and", "or", "sits"]),
        ("esnli", pair(" Two  men\trun.", "Nobody runs.", [1, 2], []), (1, 2), ["men", "run"]),
        # One word of two tokens: either marks it.
        ("esnli", pair("He does n't run .", "A dog.", [2], []), (1,), ["does n't"]),
        ("esnli", pair("He does n't run .", "A dog.", [1, 3], []), (1, 2), ["does n't", "run"]),
        ("esnli", pair("He does n't run .", "A dog.", [0, 3], []), (0, 2), ["He", "run"]),
        ("esnli", pair("A man.", "A dog.", [], []), None, None),
        (
            "tweet_extraction",
            {"text": "up since 5, what a rotten day", "label": 0, "selected_text": "rotten day"},
            (5, 6),
            ["rotten", "day"],
        ),
        # Whole words first, then anywhere; half of a word is enough, less is not.
        (
            "tweet_extraction",
            {"text": "goodness, so good!", "label": 2, "selected_text": "good"},
            (2,),
            ["good"],
        ),
        (
            "tweet_extraction",
            {"text": "it`s  sooo nice here", "label": 2, "selected_text": " s  sooo nic"},
            (1, 2, 3),
            ["s", "sooo", "nice"],
        ),
        (
            "tweet_extraction",
            {"text": "i do n't like it 's end", "label": 0, "selected_text": "n't like it"},
            (1, 2, 3),
            ["do n't", "like", "it 's"],
        ),
        ("tweet_extraction", {"text": "such rotters there", "label": 0, "selected_text": "such rot"}, (0,), ["such"]),
        ("tweet_extraction", {"text": "what the **** now", "label": 0, "selected_text": "****"}, None, None),
        ("tweet_extraction", {"text": "at the shop", "label": 1, "selected_text": "at the shop"}, None, None),
        ("tweet_extraction", {"text": "at the shop", "label": 2, "selected_text": None}, None, None),
        ("tweet_extraction", {"text": "at the shop", "label": 2}, None, None),
        (
            "cos_e",
            {
                "question": "Where is a small house likely to have a table?",
                "choices": ["conference", "kitchen", "dining room"],
                "answer": "kitchen",
                "extractive_explanation": "have a table",
            },
            (7, 8, 9),
            ["have", "a", "table"],
        ),
        (
            "cos_e",
            {
                "question": "What is cold?",
                "choices": ["ice", "fire", "sand"],
                "answer": "ice",
                "extractive_explanation": "very cold",  # in no question
            },
            None,
            None,
        ),
    ],
)
def test_the_marked_words_of_a_row_are_found(dataset, row, positions, words):
    document = dataset_spec(dataset).document(row)
    assert document.rationale == positions
    if positions is not None:
        assert [document.words[position].text for position in positions] == words


def test_marks_that_do_not_fit_the_text_are_not_read_silently():
    with pytest.raises(UsageError, match=r"premise_rationale \[2, 6\] does not fit the 6 tokens of 'A boy"):
        dataset_spec("esnli").document({**BOY, "premise_rationale": [2, 6]})


@given(st.text(), st.data())
def test_tokens_are_those_between_blanks(text: str, data: st.DataObject) -> None:
    tokens = text.split()
    if not tokens:
        return
    marked = data.draw(st.lists(st.integers(0, len(tokens) - 1), max_size=4, unique=True))
    words = find_words(text, "premise")
    positions = token_indices({"premise": text, "premise_rationale": marked}, words) or ()
    expected = [word.text for index in sorted(marked) for word in find_words(tokens[index])]
    assert [words[position].text for position in positions] == expected


@given(st.lists(st.sampled_from(["so", "good", "day", "goodness", "don't", "3.5"]), min_size=1, max_size=8), st.data())
def test_a_passage_from_word_to_word_is_those_words(tokens: list[str], data: st.DataObject) -> None:
    text = " ".join(tokens)
    first = data.draw(st.integers(0, len(tokens) - 1))
    last = data.draw(st.integers(first, len(tokens) - 1))
    passage, words = " ".join(tokens[first : last + 1]), find_words(text)
    positions = selected_text({"text": text, "label": 0, "selected_text": passage}, words)
    assert positions is not None
    assert [words[position].text for position in positions] == tokens[first : last + 1]
    row = {"question": text, "extractive_explanation": passage}
    assert extractive_explanation(row, find_words(text, "question")) == positions


@pytest.mark.parametrize(("dataset", "rows"), [("esnli", 1000), ("cos_e", 500)])
def test_real_rows_have_the_marked_words_of_the_test_data(real_data, dataset, rows):
    """The column `rationale` of the test data."""
    spec = dataset_spec(dataset)
    table = load(spec, str(real_data))
    documents = [spec.document(row) for row in table]
    assert len(documents) == rows and all(document.rationale is not None for document in documents)
    assert [keys(document) for document in documents] == [expected_keys(row) for row in table]


def test_real_tweets_with_a_sentiment_have_marked_words(real_data):
    """665 of 667 tweets with a sentiment: two select "****". 25 differ where a token holds several words."""
    spec = dataset_spec("tweet_extraction")
    table = load(spec, str(real_data))
    documents = [spec.document(row) for row in table]
    marked = [(d, row) for d, row in zip(documents, table, strict=True) if d.rationale is not None]
    assert {row["label"] for _, row in marked} == {0, 2}
    assert len(marked) == 665
    assert sum(keys(document) == expected_keys(row) for document, row in marked) == 640
    assert all(len(keys(document) ^ expected_keys(row)) <= 2 for document, row in marked)


@pytest.mark.parametrize(
    ("dataset", "types", "most"), [("esnli", 3.4, 0.55), ("tweet_extraction", 3.7, 0.67), ("cos_e", 3.5, 0.54)]
)
def test_the_numbers_of_the_readmes_are_those_of_the_data(real_data, dataset, types, most):
    """Different words that people marked, and the F1 of an explanation that names one of them, at its best."""
    spec = dataset_spec(dataset)
    sizes = [len(keys(d)) for d in map(spec.document, load(spec, str(real_data))) if d.rationale is not None]
    assert round(sum(sizes) / len(sizes), 1) == types
    best = [token_f1(["a"], [*"abcdefghijklmnopqrstuvwxyz"[:size]]) for size in sizes if size <= 26]
    assert round(sum(best) / len(best), 2) == most
    assert len(best) == len(sizes)
    readme = " ".join((DATASETS / dataset / "README.md").read_text().split())
    assert f"{types} different words" in readme and f"an F1 of {most:.2f} at most".replace("0.", ".") in readme


def keys(document: Any) -> set[str]:
    return {document.words[position].key for position in document.rationale}


def expected_keys(row: dict[str, Any]) -> set[str]:
    return {word.key for text in row["rationale"] for word in find_words(text)}
