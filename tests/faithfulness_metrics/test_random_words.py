"""The random words of the chance control: as many as are named, of the same fields, every other word equally often."""

import random

from hypothesis import given
from hypothesis import strategies as st

from faithfulness_metrics.random_words import random_positions
from faithfulness_metrics.words import words_of

texts = st.lists(st.sampled_from(["a", "b", "Bad", "don't", "3.5", ".", "-"]), max_size=25).map(" ".join)
pairs = st.tuples(texts, texts).map(lambda t: {"premise": t[0], "hypothesis": t[1]})
documents = texts.map(lambda text: {"text": text}) | pairs


@given(documents, st.integers(0, 5), st.integers(0, 4), st.integers(0, 3))
def test_random_positions(document, seed, draws, size):
    words = words_of(document)
    named = [i for i in range(len(words)) if random.Random(seed * 1000 + i).random() < 0.4]
    sets = random_positions(words, named, draws, seed, size)
    assert sets == random_positions(words, reversed(named), draws, seed, size)
    assert len(sets) == draws
    for drawn in sets:
        assert drawn == sorted(set(drawn))
        assert set(drawn) <= set(range(len(words)))
        if not named:
            assert len(drawn) == min(size, len(words))
            continue
        assert len(drawn) == len(named)
        types = {field: {w.key for w in words if w.field == field} for field in document}
        if any(len(types[words[position].field]) == 1 for position in named):
            continue  # such a field has no other word
        for field in document:
            inside = {i for i, w in enumerate(words) if w.field == field}
            wanted = len(inside & set(named))
            assert len(inside & set(drawn)) == wanted  # as many in the same field
            if len(inside - set(named)) >= wanted:
                assert not inside & set(drawn) & set(named)  # other words


def test_random_positions_share_their_draws():
    words = words_of({"text": "a b c d e f g h"})
    first = random_positions(words, [0], 20, seed=7)
    second = random_positions(words, [1], 20, seed=7)
    differing = sum(x != y for x, y in zip(first, second, strict=True))
    assert differing == sum(x == [1] or y == [0] for x, y in zip(first, second, strict=True))


def test_random_positions_are_uniform():
    words = words_of({"text": "a b c d e"})
    drawn = [p for s in random_positions(words, [2], 4000, seed=1) for p in s]
    counts = [drawn.count(i) for i in range(5)]
    assert counts[2] == 0
    # 1,000 expected each, standard deviation sqrt(4000 * 0.25 * 0.75) = 27
    assert all(abs(counts[i] - 1000) < 4 * 28 for i in (0, 1, 3, 4))


def test_random_positions_without_words():
    assert random_positions([], [], 3, seed=0) == [[], [], []]


def test_a_field_of_one_word_competes_with_the_other_fields():
    words = words_of({"premise": "a b c", "hypothesis": "no"})
    assert {tuple(drawn) for drawn in random_positions(words, [3], 50, seed=0)} == {(0,), (1,), (2,)}
    assert random_positions(words, [0, 3], 9, seed=0) == [[1, 2]] * 9
    assert random_positions(words, [0, 1, 2, 3], 9, seed=0) == [[0, 1, 2, 3]] * 9
    assert random_positions(words_of({"text": "no"}), [0], 2, seed=0) == [[0]] * 2


def test_a_field_of_one_word_twice_has_no_other_either():
    words = words_of({"premise": "a b c", "hypothesis": "no no"})
    assert {tuple(drawn) for drawn in random_positions(words, [3, 4], 50, seed=0)} == {(0, 1), (0, 2), (1, 2)}
