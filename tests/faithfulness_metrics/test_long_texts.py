"""Long texts cost as much as they are long: what is looked at is counted, because times depend on the machine."""

from __future__ import annotations

import pytest

from faithfulness_metrics import words
from faithfulness_metrics.words import find_words, mask_out, parts_of


class CountedWords(list):
    """Words that count how often one of them is looked at; no one may go through all of them."""

    reads = 0

    def __getitem__(self, index):
        self.reads += 1
        return super().__getitem__(index)

    def __iter__(self):
        raise AssertionError("goes through all words")


def test_a_perturbed_document_takes_the_time_of_its_replaced_words():
    text = "word " * 10_000
    counted = CountedWords(find_words(text))
    assert mask_out({"text": text}, counted, [9_999, 5], "X")["text"].split().count("X") == 2
    assert counted.reads <= 4


@pytest.mark.parametrize("clitic", ["'s", "n't", "'ve"])
def test_a_word_of_many_clitics_is_read_once(clitic, monkeypatch):
    """`good's's's…`, 333,000 times, is a text of 1 MB that is one word."""
    searched = 0

    class CountedPattern:
        def search(self, text, start=0, end=None):
            nonlocal searched
            end = len(text) if end is None else end
            searched += end - start
            return pattern.search(text, start, end)

    pattern = words._CLITIC_OF_KEY
    monkeypatch.setattr(words, "_CLITIC_OF_KEY", CountedPattern())
    assert parts_of("good" + 1000 * clitic) == ["good", *[clitic.lstrip("'")] * 1000]
    assert searched <= 4 * 1001


def test_few_long_texts_are_remembered():
    """The words of a text take fifty times its memory, and the oracle makes thousands of texts of a long one."""
    for number in range(40):
        find_words(f"{number} " + "a" * words.LONG)
    assert words._find_in_long.cache_info().currsize == words._find_in_long.cache_info().maxsize == 32
