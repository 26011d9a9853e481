"""Drawn explanations: every word is tried before one comes again."""

from __future__ import annotations

import random

import faithful_se
from faithful_se.evaluation import read_task
from training.grpo.explore import draw_explanations
from training.grpo.rows import Subject


def drawn(text: str, count: int, **settings: str) -> list[str]:
    spec, (document,) = read_task("test", [text], None, {"dataset": "sentiment140", **settings})
    return draw_explanations(Subject(spec, document, "positive", "positive", True), count, random.Random(0))


def test_no_word_comes_again_before_all_were_drawn() -> None:
    texts = drawn("a warm day and a warm night", 10)
    words = {"a", "warm", "day", "and", "night"}
    assert set(texts[:5]) == set(texts[5:]) == words
    assert drawn("a warm day and a warm night", 10) == texts
    assert drawn("warm", 3) == ["warm"] * 3


def test_explanations_of_several_words_name_each_word_once() -> None:
    texts = [text.split(", ") for text in drawn("we had a lovely quiet day at the lake", 9, budget="multiword")]
    assert {len(words) for words in texts} == {1, 2, 3}
    assert all(len(set(words)) == len(words) for words in texts)
    assert (
        faithful_se.format_reward(dataset="sentiment140", budget="multiword")(
            None, [", ".join(words) for words in texts], text=["we had a lovely quiet day at the lake"] * 9
        )
        == [1.0] * 9
    )
