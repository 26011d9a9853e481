"""The edits of a counterfactual: what was changed, how many changes it is, the same change elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from faithfulness_metrics.words import words_of
from lm_eval_tasks.styles import counterfactual
from lm_eval_tasks.styles.edits import Edit, edits_between, move_edits, one_change
from tests.lm_eval_tasks.styles.conftest import TWEETS, request_for
from tests.lm_eval_tasks.styles.documents import EDITED, TWEET


@pytest.mark.parametrize(
    ("answer", "edits", "words"),
    [
        # one occurrence of two
        (TWEET["text"].replace("love it", "hate it"), (Edit(6, "replace", "hate"),), ("love",)),
        # added, before and after the last word
        (TWEET["text"].replace("I love", "I never love"), (Edit(2, "before", "never"),), ()),
        (TWEET["text"] + " not", (Edit(13, "after", "not"),), ()),
        # deleted
        (TWEET["text"].replace("#happy ", ""), (Edit(12, "delete"),), ("happy",)),
        (TWEET["text"].replace("love ", ""), (Edit(2, "delete"), Edit(6, "delete")), ("love",)),
        # parts of words, numbers, endings
        (TWEET["text"].replace("3.5", "0.5"), (Edit(13, "replace", "0.5"),), ("3.5",)),
        (TWEET["text"].replace("dog's", "cat's"), (Edit(4, "replace", "cat's"),), ("dog's",)),
        (TWEET["text"].replace("happy", "**unhappy**"), (Edit(12, "replace", "unhappy"),), ("happy",)),
        # the rest in another case and punctuation
        (TWEET["text"].lower().replace("!!", ".").replace("happy", "sad"), (Edit(12, "replace", "sad"),), ("happy",)),
        (TWEET["text"].replace("happy", "sad").replace("&", "🙂"), (Edit(12, "replace", "sad"),), ("happy",)),
    ],
)
def test_one_change_is_read(answer: str, edits: tuple[Edit, ...], words: tuple[str, ...]) -> None:
    explanation = counterfactual.parse(answer, TWEET, request_for(TWEETS, "oneword", "negative"))
    assert explanation.valid, explanation.reason
    assert (explanation.edits, explanation.words) == (edits, words)


@pytest.mark.parametrize(
    "answer",
    [
        TWEET["text"].replace("love", "hate", 1).replace("love", "loathe"),
        EDITED.replace("happy", "sad"),
        TWEET["text"].replace("love", "do not love", 1),
        TWEET["text"].replace("I love", "love I", 1),
        TWEET["text"].replace("my dog's phone", "it"),
        TWEET["text"].replace("happy", "so sad"),
        TWEET["text"].replace("I ", "not I ").replace("my", "not my"),
        "@anna my dog hates everything and everybody he sees",
    ],
)
def test_more_than_one_changed_word_is_too_many_for_one_and_fine_for_several(answer: str) -> None:
    refused = counterfactual.parse(answer, TWEET, request_for(TWEETS, "oneword", "negative"))
    assert (refused.valid, refused.reason) == (False, "more than one word changed")
    assert refused.edited == {"text": answer}
    assert len(refused.edits) > 1
    accepted = counterfactual.parse(answer, TWEET, request_for(TWEETS, "multiword", "negative"))
    assert accepted.valid
    assert (accepted.edited, accepted.edits) == (refused.edited, refused.edits)


def test_another_text_altogether_is_an_edit_of_several_words() -> None:
    answer = "what a horrible day this is going to be for me"
    assert counterfactual.parse(answer, TWEET, request_for(TWEETS, "multiword", "negative")).valid
    assert not counterfactual.parse(answer, TWEET, request_for(TWEETS, "oneword", "negative")).valid


def test_edits_between_two_texts_are_the_fewest() -> None:
    def edits(before: str, after: str) -> tuple[Edit, ...]:
        return edits_between({"text": before}, {"text": after})

    assert edits("a b c", "a x c") == (Edit(1, "replace", "x"),)
    assert edits("a b c", "a c") == (Edit(1, "delete"),)
    assert edits("a b", "x a b") == (Edit(0, "before", "x"),)
    assert edits("a b", "a b x y") == (Edit(1, "after", "x"), Edit(1, "after", "y"))
    assert edits("", "x") == (Edit(0, "after", "x"),)
    assert edits("A b", "a B!") == ()


def test_edits_stay_in_their_field() -> None:
    pair = {"premise": "A man sleeps.", "hypothesis": "A dog barks."}

    def edits(premise: str, hypothesis: str) -> tuple[Edit, ...]:
        return edits_between(pair, {"premise": premise, "hypothesis": hypothesis})

    assert edits("A man", "quietly A dog barks") == (Edit(2, "delete"), Edit(3, "before", "quietly"))
    assert edits("A man", "sleeps A dog barks") == (Edit(2, "delete"), Edit(3, "before", "sleeps"))
    # Behind the premise's last word, not before the hypothesis's first one.
    assert edits("A man sleeps well", "A dog barks") == (Edit(2, "after", "well"),)
    assert edits("A man sleeps", "A dog barks loudly") == (Edit(5, "after", "loudly"),)


@pytest.mark.parametrize(
    ("before", "after", "edit"),
    [
        ({"a": "", "b": "one two"}, {"a": "new", "b": "one two"}, Edit(0, "before", "new")),
        ({"a": "one two", "b": "..."}, {"a": "one two", "b": "new"}, Edit(1, "after", "new")),
    ],
)
def test_a_word_in_a_field_without_words_stands_beside_its_neighbour(before: Any, after: Any, edit: Edit) -> None:
    assert edits_between(before, after) == (edit,)


def test_one_change_is_the_same_change_of_the_same_word() -> None:
    words = words_of({"text": "a b a"})
    assert one_change(words, [Edit(0, "replace", "x"), Edit(2, "replace", "X")])
    assert one_change(words, [Edit(0, "delete"), Edit(2, "delete")])
    assert not one_change(words, [Edit(0, "replace", "x"), Edit(2, "replace", "y")])
    assert not one_change(words, [Edit(0, "replace", "x"), Edit(1, "replace", "x")])
    assert not one_change(words, [Edit(0, "replace", "x"), Edit(2, "delete")])
    assert not one_change(words, [Edit(0, "before", "x"), Edit(0, "before", "x")])
    assert not one_change([], [Edit(0, "after", "x"), Edit(0, "after", "y")])


def test_the_same_edit_is_made_elsewhere() -> None:
    fields = {"premise": "A man sleeps.", "hypothesis": "He rests."}
    assert move_edits(fields, [Edit(0, "replace", "runs")], [4]) == {
        "premise": "A man sleeps.",
        "hypothesis": "He runs.",
    }
    assert move_edits(fields, [Edit(0, "delete")], [1]) == {"premise": "A sleeps.", "hypothesis": "He rests."}
    assert move_edits(fields, [Edit(0, "before", "not")], [2]) == {
        "premise": "A man not sleeps.",
        "hypothesis": "He rests.",
    }
    assert move_edits(fields, [Edit(4, "after", "now")], [2]) == {
        "premise": "A man sleeps now.",
        "hypothesis": "He rests.",
    }


def test_edits_at_one_place_go_to_another_place_together() -> None:
    fields = {"text": "I love this phone"}
    edited = {"text": "I do not hate this phone now then"}
    edits = edits_between(fields, edited)
    assert [(edit.position, edit.kind, edit.text) for edit in edits] == [
        (1, "before", "do"),
        (1, "before", "not"),
        (1, "replace", "hate"),
        (3, "after", "now"),
        (3, "after", "then"),
    ]
    assert move_edits(fields, edits, [1, 3]) == edited
    assert move_edits(fields, edits, [0, 2]) == {"text": "do not hate love this now then phone"}
    gone = [Edit(1, "before", "do"), Edit(1, "delete"), Edit(2, "delete")]
    assert move_edits(fields, gone, [0, 3]) == {"text": "do love this"}
