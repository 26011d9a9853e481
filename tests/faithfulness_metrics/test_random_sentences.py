"""Random sentences are as long as the named ones: who names the longest sentence has no lift from its length."""

from __future__ import annotations

import random
from statistics import mean

from faithfulness_metrics.random_words import random_sentences
from faithfulness_metrics.units import size_of, units_of
from faithfulness_metrics.words import Word


def document(*sizes: int) -> list[Word]:
    """Sentences of so many words."""
    return [Word("text", 9 * number, 9 * number + 8, "", " ".join("w" * size)) for number, size in enumerate(sizes)]


def sizes_of(sentences: list[Word], sets: list[list[int]]) -> list[int]:
    return [sum(size_of(sentences[position]) for position in positions) for positions in sets]


def test_a_draw_has_the_size_of_the_named_sentence_and_not_the_sentence() -> None:
    sentences = document(12, 3, 4, 5, 12, 3, 4, 5)
    assert [size_of(sentence) for sentence in sentences] == [12, 3, 4, 5, 12, 3, 4, 5]
    for named, size in ((0, 12), (1, 3), (2, 4)):
        sets = random_sentences(sentences, [named], 8, seed=1)
        assert all(abs(words - size) <= 1 for words in sizes_of(sentences, sets))
        assert all(named not in positions for positions in sets)
    assert len({tuple(positions) for positions in random_sentences(sentences, [0], 8, seed=1)}) > 3


def test_at_least_as_many_are_drawn_as_are_named() -> None:
    sentences = document(2, 2, 8, 8, 8)
    assert all(len(positions) == 2 for positions in random_sentences(sentences, [0, 1], 8, seed=1))
    # Edits move one by one.
    sets = random_sentences(sentences, [2], 8, seed=1, same_number=True)
    assert all(len(positions) == 1 for positions in sets) and set(sizes_of(sentences, sets)) == {8}


def test_where_the_others_are_too_short_all_sentences_take_part() -> None:
    sentences = document(4, 8)
    sets = random_sentences(sentences, [1], 40, seed=1)
    assert {tuple(positions) for positions in sets} == {(0,), (0, 1)}  # 4 or 12 words: 8 on average
    assert random_sentences(sentences, [0, 1], 3, seed=1) == [[0, 1]] * 3
    assert random_sentences(document(5), [0], 2, seed=1) == [[0]] * 2


def test_fields_are_matched_on_their_own() -> None:
    sentences = units_of({"a": "One two. Three four.", "b": "Five. Six seven eight. Nine."}, "sentence")
    assert random_sentences(sentences, [0, 2], 2, seed=1) == [[1, 4]] * 2


def test_a_field_of_one_sentence_competes_with_the_other_fields() -> None:
    sentences = units_of({"premise": "A man sleeps in his bed.", "hypothesis": "He is awake."}, "sentence")
    # Of 6 and 3 words. All take part where the other has too few words: 3 and 9 are equally near to 6.
    assert random_sentences(sentences, [1], 9, seed=1) == [[0]] * 9
    assert {tuple(positions) for positions in random_sentences(sentences, [0], 40, seed=1)} == {(1,), (0, 1)}
    assert random_sentences(sentences, [0, 1], 3, seed=1) == [[0, 1]] * 3
    assert random_sentences(sentences, [0], 9, seed=1, same_number=True) == [[1]] * 9


def test_nothing_named_draws_one_sentence() -> None:
    assert [len(positions) for positions in random_sentences(document(2, 3, 4), [], 3, seed=1)] == [1, 1, 1]
    assert random_sentences([], [], 2, seed=1) == [[], []]


def test_neither_the_longest_nor_a_random_sentence_has_a_lift() -> None:
    """One word decides, any word with equal probability: 1,000 documents, three standard errors."""
    draw = random.Random(0)
    lifts: dict[str, list[float]] = {"longest": [], "random": []}
    for number in range(1000):
        sentences = document(*(draw.randint(3, 25) for _ in range(draw.randint(3, 12))))
        sizes = [size_of(sentence) for sentence in sentences]
        decisive = draw.choices(range(len(sentences)), sizes)[0]
        for name, named in (("longest", sizes.index(max(sizes))), ("random", draw.randrange(len(sizes)))):
            sets = random_sentences(sentences, [named], 2, seed=number)
            lifts[name].append((named == decisive) - mean(decisive in positions for positions in sets))
    for name, values in lifts.items():
        error = (sum(value**2 for value in values) / len(values) ** 2) ** 0.5
        assert abs(mean(values)) < 3 * error, (name, mean(values), error)
