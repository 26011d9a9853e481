"""Words of other texts, at like places."""

from __future__ import annotations

from faithfulness_metrics.infill import OtherTexts, infill
from faithfulness_metrics.words import replace, words_of

FIELDS = {"text": "I love my new phone, love it!"}
WORDS = words_of(FIELDS)


def infilled(positions, *texts, fields=FIELDS, seed=0):
    words = words_of(fields)
    return replace(fields, words, infill(words, positions, OtherTexts.of(texts), seed))


def test_the_word_of_the_same_place_is_written():
    # Words 1 and 5 of 7: the first is at 1.5 / 7 = .21, which is word 1 of 5, and word 0 of 4. Word 6 is at .93.
    assert infilled([1, 5], {"text": "we hate our old car"}) == {"text": "I hate my new phone, hate it!"}
    assert infilled([1, 5], {"text": "we hate old cars"}) == {"text": "I we my new phone, we it!"}
    assert infilled([6], {"text": "we hate our old car"}) == {"text": "I love my new phone, love car!"}


def test_a_removed_word_is_not_written_again():
    only = {"text": "you love"}  # word 1 of 7 is at word 0 of 2, word 5 would be at word 1
    assert infilled([1, 5], only) == {"text": "I you my new phone, you it!"}
    # Nothing else: deleted.
    assert infilled([0, 1, 5], {"text": "love love love I I I"}) == {"text": "my new phone, it!"}
    assert infilled([1], {"text": "?!"}) == {"text": "I my new phone, love it!"}  # no other words


def test_the_field_is_the_same_where_texts_have_it():
    pair = {"premise": "A dog runs", "hypothesis": "A dog sleeps"}
    assert infilled([2], {"premise": "one two three", "hypothesis": "x y z"}, fields=pair)["premise"] == "A dog three"
    assert infilled([5], {"premise": "one two three", "hypothesis": "x y z"}, fields=pair)["hypothesis"] == "A dog z"
    assert infilled([5], {"text": "one two three"}, fields=pair)["hypothesis"] == "A dog three"
    # One type in both fields: the place of its first occurrence, in both.
    assert infilled([1, 4], {"premise": "a b c", "hypothesis": "x y z"}, fields=pair) == {
        "premise": "A b runs",
        "hypothesis": "A b sleeps",
    }


def test_a_word_is_replaced_alike_in_every_set_and_run():
    others = OtherTexts.of({"text": f"w{i} v{i} u{i} t{i} s{i} r{i} q{i}"} for i in range(50))
    alone = [infill(WORDS, [position], others, 7)[position] for position in range(len(WORDS))]
    assert alone == [infill(WORDS, range(len(WORDS)), others, 7)[position] for position in range(len(WORDS))]
    assert alone[1] == alone[5] and [word[0] for word in alone] == ["w", "v", "u", "t", "s", "v", "q"]
    assert alone != [infill(WORDS, [position], others, 8)[position] for position in range(len(WORDS))]
