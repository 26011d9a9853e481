"""Edit distance and pasted labels; the leak rule word by word."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faithfulness_metrics.counterfactual import edit_distance, edit_fraction, label_leak, one_edit, valid_within

fields = st.lists(st.sampled_from(["a", "b", "c", "good", "bad"]), max_size=8)
documents = st.fixed_dictionaries({"premise": fields, "hypothesis": fields})


def text(words):
    return {"text": words.split()}


@pytest.mark.parametrize(
    ("original", "edited", "distance"),
    [
        ("i love it", "i love it", 0),
        ("i love it", "i hate it", 1),  # replaced
        ("i love it", "i do love it", 1),  # inserted
        ("i love it", "i it", 1),  # deleted
        ("i love it", "it love i", 2),
        ("i love it", "we hated that", 3),
        ("", "so bad", 2),
        ("a b c d", "b c d e", 2),  # one deleted, one inserted; not four replaced
    ],
)
def test_edit_distance(original, edited, distance):
    assert edit_distance(text(original), text(edited)) == distance
    assert one_edit(text(original), text(edited)) == (distance == 1)


def test_edit_fraction():
    assert edit_fraction(text("i love it"), text("i hate it")) == pytest.approx(1 / 3)
    assert edit_fraction(text("a"), text("a b c d")) == 3 / 4  # 3 inserted, the longer one has 4
    assert edit_fraction(text("a"), text("")) == 1.0
    assert math.isnan(edit_fraction(text(""), text("")))


def test_fields_are_compared_one_by_one():
    original = {"premise": ["a", "man", "sleeps"], "hypothesis": ["a", "dog"]}
    # As one run of words "sleeps" would have become "quietly": two edits in two fields, not one.
    edited = {"premise": ["a", "man"], "hypothesis": ["quietly", "a", "dog"]}
    assert (edit_distance(original, edited), one_edit(original, edited)) == (2, 0)
    assert edit_fraction(original, edited) == 2 / (3 + 3)
    # As one run of words nothing would have changed.
    moved = {"hypothesis": ["sleeps", "a", "dog"], "premise": ["a", "man"]}
    assert edit_distance(original, moved) == 2
    with pytest.raises(ValueError, match="different fields: premise, hypothesis and text"):
        edit_distance(original, text("a"))


def test_a_text_is_not_a_list_of_words():
    with pytest.raises(TypeError, match="lists of words"):
        edit_distance({"text": "good"}, {"text": "bad"})


def levenshtein(a, b):
    """The recursion of the definition."""
    if not a or not b:
        return len(a) + len(b)
    return min(levenshtein(a[1:], b) + 1, levenshtein(a, b[1:]) + 1, levenshtein(a[1:], b[1:]) + (a[0] != b[0]))


@given(fields.map(lambda d: d[:5]), fields.map(lambda d: d[:5]))
def test_edit_distance_is_the_definition(a, b):
    assert edit_distance({"text": a}, {"text": b}) == levenshtein(a, b)


@given(documents, documents, documents)
def test_edit_distance_is_a_metric(a, b, c):
    assert edit_distance(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
    if any(a.values()) or any(b.values()):
        assert 0 <= edit_fraction(a, b) <= 1


@pytest.mark.parametrize(
    ("faithful", "distance", "budget", "expected"),
    [(1, 1, 1, 1), (1, 2, 1, 0), (1, 2, 2, 1), (0, 1, 5, 0), (1, 0, 5, 0), (1, 6, 5, 0)],
)
def test_valid_within(faithful, distance, budget, expected):
    assert valid_within(faithful, distance, budget) == expected


def test_valid_within_missing_stays_missing():
    assert math.isnan(valid_within(math.nan, 1, 1))


SENTIMENT = ["negative", "positive", "unknown"]
NLI = ["entailment", "neutral", "contradiction"]
TOPICS = ["world", "sports", "business", "technology"]
RTE = ["entailment", "not entailment"]
EMOTION = ["anger", "joy", "optimism", "sadness"]
IRONY = ["ironic", "not ironic"]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (SENTIMENT, "positive positively positivity positives positiveness Positive POSITIVE all-positive"),
        (SENTIMENT, "negative negatively negativity negatives x_negative"),
        (SENTIMENT, "unknown unknowns"),
        (NLI, "entailment entailments entails entail entailed entailing"),
        (NLI, "contradiction contradictions contradicts contradict contradictory contradicted"),
        (NLI, "neutral neutrality neutrally"),
        (TOPICS, "technology technologies technological technologist"),
        (TOPICS, "sports sport sporty sporting sport's"),
        (TOPICS, "business businesses businessman"),
        (TOPICS, "world worlds worldwide world's world’s"),
        (["World", "Sports", "Business", "Sci/Tech"], "sci tech sci-tech technology WORLD"),
        (RTE, "entailment entails"),
        (EMOTION, "joy optimism optimistic sadness angered"),
        (IRONY, "ironic irony ironical ironically"),
        (["objective", "subjective"], "objectively subjectivity"),
        (["spam", "ham"], "spam spammer ham"),
        (["yes", "no"], "yes no"),  # a label that is only a function word is still a label
        (["ｐｏｓｉｔｉｖｅ"], "positive"),  # compatibility forms
    ],
)
def test_leaks(labels, words):
    for word in words.split():
        assert label_leak(["a", "b"], ["a", word], labels) == 1.0, word


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (SENTIMENT, "pos post posit position deposit positron posh poster neg negate negotiate negligent"),
        (SENTIMENT, "known know good awful happy"),
        (NLI, "ent entire detail tail curtail contra contrary contrast diction tradition neutron neutrino"),
        (TOPICS, "word words wordy work would spot spots sporadic spore busy busier busiest bus"),
        (TOPICS, "tech technique technician logic"),
        (RTE, "not no never"),  # of "not entailment" only the noun says anything
        (EMOTION, "enjoy sad optimum optimal danger"),
        (IRONY, "iron ironing not"),
        (["entity", "location"], "entitled entire local"),
        (["spam", "ham"], "hamster hammer spa"),
        (["yes", "no"], "yesterday nothing note"),
    ],
)
def test_does_not_leak(labels, words):
    for word in words.split():
        assert label_leak(["a", "b"], ["a", word], labels) == 0.0, word


def test_only_added_words_leak():
    original = ["a", "positive", "day"]
    assert label_leak(original, ["a", "day"], SENTIMENT) == 0.0  # taken out
    assert label_leak(original, ["positive", "a", "day"], SENTIMENT) == 0.0  # moved
    assert label_leak(original, ["a", "POSITIVE", "day"], SENTIMENT) == 0.0  # the same word
    assert label_leak(original, ["a", "positive", "positive"], SENTIMENT) == 1.0  # once more than before
    assert label_leak(original, ["a", "negative", "day"], SENTIMENT) == 1.0
    assert label_leak([], [], SENTIMENT) == 0.0
    assert label_leak(original, original, SENTIMENT) == 0.0


def test_pasted_instruction_leaks():
    edited = ["what", "a", "day", "answer", "negative"]
    assert label_leak(["what", "a", "day"], edited, SENTIMENT) == 1.0


@given(documents, documents, st.lists(st.text(max_size=12), max_size=4))
def test_leak_is_never_missing(original, edited, labels):
    assert label_leak(original, edited, labels) in (0.0, 1.0)
    assert label_leak(edited, edited, labels) == 0.0
