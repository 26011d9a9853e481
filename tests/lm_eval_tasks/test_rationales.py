"""The words people marked: read from rows, kept in transcripts, compared with the words an explanation names."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faithfulness_metrics.plausibility import token_f1
from faithfulness_metrics.words import find_words, key_of, words_of
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.errors import UsageError
from lm_eval_tasks.models import RuleLM
from lm_eval_tasks.models.reading import Conversation
from lm_eval_tasks.rationales import extractive_explanation, selected_text, token_indices

BOY = {
    "premise": "A boy splashing through the ocean.",
    "hypothesis": "The boy is swimming.",
    "label": 0,
    "premise_rationale": [2, 5],
    "hypothesis_rationale": [1, 3],
}
HIKER = {
    "premise": "A man in a red jacket walks up a hill.",
    "hypothesis": "The man is hiking.",
    "label": 1,
    "premise_rationale": [],
    "hypothesis_rationale": [3],
}


def pair(premise: str, hypothesis: str, first: list[int], second: list[int]) -> dict[str, Any]:
    return {
        "premise": premise,
        "hypothesis": hypothesis,
        "label": 0,
        "premise_rationale": first,
        "hypothesis_rationale": second,
    }


@pytest.mark.parametrize(
    ("dataset", "row", "positions", "words"),
    [
        ("esnli", BOY, (2, 5, 7, 9), ["splashing", "ocean", "boy", "swimming"]),
        ("esnli", HIKER, (13,), ["hiking"]),
        # One token of several words; a token without a word; marks out of order.
        ("esnli", pair("He and/or she - sits.", "A dog.", [4, 1, 3], []), (1, 2, 4), ["and", "or", "sits"]),
        ("esnli", pair(" Two  men\trun.", "Nobody runs.", [1, 2], []), (1, 2), ["men", "run"]),
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
def test_marked_words_of_a_row(dataset, row, positions, words):
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


@pytest.mark.parametrize(("dataset", "rows", "marked", "other"), [("esnli", 1000, 1000, 0), ("cos_e", 500, 500, 0)])
def test_real_rows(real_data, dataset, rows, marked, other):
    """The column `rationale` of the test data, made by others' code, holds the same words."""
    spec = dataset_spec(dataset)
    table = load(spec, str(real_data))
    documents = [spec.document(row) for row in table]
    assert (len(documents), sum(document.rationale is not None for document in documents)) == (rows, marked)
    assert sum(keys(document) != told(row) for document, row in zip(documents, table, strict=True)) == other


def test_real_tweets(real_data):
    """665 of 667 tweets with a sentiment: two select "****". 25 differ where a token holds several words."""
    spec = dataset_spec("tweet_extraction")
    table = load(spec, str(real_data))
    documents = [spec.document(row) for row in table]
    marked = [(d, row) for d, row in zip(documents, table, strict=True) if d.rationale is not None]
    assert {row["label"] for _, row in marked} == {0, 2}
    assert len(marked) == 665
    assert sum(keys(document) == told(row) for document, row in marked) == 640
    assert all(len(keys(document) ^ told(row)) <= 2 for document, row in marked)


@pytest.mark.parametrize(
    ("dataset", "types", "most"), [("esnli", 3.4, 0.55), ("tweet_extraction", 3.7, 0.67), ("cos_e", 3.5, 0.54)]
)
def test_the_numbers_of_the_readmes(real_data, dataset, types, most):
    """Different words that people marked, and the F1 of an explanation that names one of them, at its best."""
    spec = dataset_spec(dataset)
    sizes = [len(keys(d)) for d in map(spec.document, load(spec, str(real_data))) if d.rationale is not None]
    assert round(sum(sizes) / len(sizes), 1) == types
    best = [token_f1(["a"], [*"abcdefghijklmnopqrstuvwxyz"[:size]]) for size in sizes if size <= 26]
    assert round(sum(best) / len(best), 2) == most
    assert len(best) == len(sizes)


def keys(document: Any) -> set[str]:
    return {document.words[position].key for position in document.rationale}


def told(row: dict[str, Any]) -> set[str]:
    return {word.key for text in row["rationale"] for word in find_words(text)}


# What the scripted model says about each premise.
NAMES = {
    # named: the, boy, ocean; marked: splashing, ocean, boy, swimming. Two in common: F1 4/7, IoU 2/5
    BOY["premise"]: "boy, ocean, the",
    HIKER["premise"]: "hiking",
    "A man sleeps.": "man",
    "A cat sits.": "zebra",
    "Two dogs run.": "dogs",
}
ROWS = [
    BOY,
    HIKER,
    pair("A man sleeps.", "A man rests.", [], []),  # nobody marked anything
    pair("A cat sits.", "An animal sits.", [1], [1]),  # names a word that is not there
    pair("Two dogs run.", "Animals run.", [1], [0]),  # gives no label
]


@pytest.fixture
def scripted(tmp_path, evaluate):
    """`scripted(task, answers, **options)`: the real `simple_evaluate` on ROWS with a model that says `answers`."""

    def run(task: str, answers: dict[str, str], **options: Any) -> dict[str, Any]:
        (tmp_path / "esnli").mkdir(exist_ok=True)
        (tmp_path / "esnli" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
        lm = RuleLM()
        by_rule = lm.classify
        lm.classify = lambda lm, asked: "hm" if asked.fields["premise"] == "Two dogs run." else by_rule(lm, asked)
        lm.explain = lambda lm, asked: said(answers, asked)
        return evaluate(lm, tmp_path, f"faithful_se_esnli_{task}", **options)

    return run


def said(answers: dict[str, str], asked: Conversation) -> str:
    return answers[asked.fields["premise"]]


def test_plausibility_by_hand(scripted):
    results = scripted("attribution_multiword", NAMES)
    row = results["results"]["faithful_se_esnli_attribution_multiword"]
    samples = results["samples"]["faithful_se_esnli_attribution_multiword"]
    assert [sample["plausibility_f1"] for sample in samples] == [pytest.approx(4 / 7), 1.0, None, 0.0, 0.0]
    assert [sample["plausibility_iou"] for sample in samples] == [0.4, 1.0, None, 0.0, 0.0]
    assert [sample["valid"] for sample in samples] == [1.0, 1.0, 1.0, 0.0, 0.0]
    assert row["plausibility_f1,none"] == pytest.approx((4 / 7 + 1) / 4)
    assert row["plausibility_iou,none"] == pytest.approx(1.4 / 4)
    # deviations from .35: .05, .65, -.35, -.35
    assert row["plausibility_iou_stderr,none"] == pytest.approx(math.sqrt((0.0025 + 0.4225 + 2 * 0.1225) / 3 / 4))


def test_the_transcript_keeps_the_marked_words(scripted):
    samples = scripted("attribution_multiword", NAMES)["samples"]["faithful_se_esnli_attribution_multiword"]
    transcripts = [json.loads(sample["resps"][0][0]) for sample in samples]
    assert transcripts[0]["rationale"] == {
        "positions": [2, 5, 7, 9],
        "fields": ["premise", "premise", "hypothesis", "hypothesis"],
        "words": ["splashing", "ocean", "boy", "swimming"],
    }
    assert transcripts[2]["rationale"] is None
    words = words_of(transcripts[0]["fields"])
    assert [words[position].text for position in transcripts[0]["rationale"]["positions"]] == [
        "splashing", "ocean", "boy", "swimming",
    ]  # fmt: skip


def test_a_counterfactual_names_the_words_it_changes(scripted):
    answers = {
        # boy changed in both fields: one of the four marked words, and nothing else: F1 2/5, IoU 1/4
        BOY["premise"]: "Premise: A girl splashing through the ocean.\nHypothesis: The girl is swimming.",
        # a word added: no word of the text is changed
        HIKER["premise"]: f"Premise: {HIKER['premise']}\nHypothesis: The man is not hiking.",
        "A man sleeps.": "Premise: A man sleeps.\nHypothesis: A man runs.",
        # a marked word changed, into a label: not valid
        "A cat sits.": "Premise: A contradiction sits.\nHypothesis: An animal sits.",
        "Two dogs run.": "no",
    }
    results = scripted("counterfactual_multiword", answers)
    samples = results["samples"]["faithful_se_esnli_counterfactual_multiword"]
    assert [sample["valid"] for sample in samples] == [1.0, 1.0, 1.0, 0.0, 0.0]
    assert [sample["plausibility_f1"] for sample in samples] == [pytest.approx(0.4), 0.0, None, 0.0, 0.0]
    assert [sample["plausibility_iou"] for sample in samples] == [0.25, 0.0, None, 0.0, 0.0]


def test_without_marked_words_there_is_no_number(tmp_path, evaluate):
    (tmp_path / "esnli").mkdir()
    row = {"premise": "A man sleeps.", "hypothesis": "A man rests.", "label": 0}
    (tmp_path / "esnli" / "test.jsonl").write_text(json.dumps(row) + "\n")
    name = "faithful_se_esnli_attribution_oneword"
    results = evaluate(RuleLM(), tmp_path, name)
    assert results["samples"][name][0]["plausibility_f1"] is None
    assert math.isnan(results["results"][name]["plausibility_f1,none"])


def test_other_datasets_do_not_report_plausibility(tmp_path, evaluate):
    (tmp_path / "snli").mkdir()
    (tmp_path / "snli" / "test.jsonl").write_text(json.dumps(BOY) + "\n")
    name = "faithful_se_snli_attribution_oneword"
    results = evaluate(RuleLM(), tmp_path, name)
    assert "plausibility_f1" not in results["samples"][name][0]
    assert not any(key.startswith("plausibility") for key in results["results"][name])


def test_naming_what_people_marked_is_plausible_and_need_not_be_faithful(scripted):
    """The point of the two numbers: every marked word named, and the answers of the rule stay what they are."""
    answers = {row["premise"]: ", ".join(w.text for w in marked_words(row)) or "man" for row in ROWS}
    results = scripted("attribution_multiword", answers)
    samples = results["samples"]["faithful_se_esnli_attribution_multiword"]
    assert [sample["plausibility_f1"] for sample in samples] == [1.0, 1.0, None, 1.0, 0.0]
    assert not all(sample["faithful"] for sample in samples)


def marked_words(row: dict[str, Any]) -> list[Any]:
    document = dataset_spec("esnli").document(row)
    found = {key_of(document.words[p].text): document.words[p] for p in document.rationale or ()}
    return list(found.values())
