"""Word lists: the mean score of each word over the texts that are answered with a label."""

from __future__ import annotations

import json

import pytest

from faithful_se.errors import UsageError
from training.attribution.cli import TextOptions
from training.attribution.word_list import word_list, write_word_lists

ROWS = [
    {"prediction": "positive", "types": {"love": 0.8, "it": 0.1}},
    {"prediction": "positive", "types": {"it": 0.3, "fine": 0.2}},
    {"prediction": "negative", "types": {"it": -0.5}},
    {"prediction": None, "types": {}},  # without an attribution
]
LISTS = {"negative": {"it": -0.5}, "positive": {"love": 0.8, "fine": 0.2, "it": 0.2}}


def test_means_by_hand():
    lists = word_list(ROWS)
    assert lists == LISTS
    assert list(lists["positive"]) == ["love", "fine", "it"]  # the highest first, equal ones by name


def test_the_file_has_the_lists_of_all_datasets_of_a_folder(tmp_path):
    for name in ("snli", "own"):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (tmp_path / "manifest.json").write_text(json.dumps({"rows": {"snli": 4, "own": 4}}))
    path = write_word_lists(tmp_path)
    assert json.loads(path.read_text()) == {"word_lists": {"snli": LISTS, "own": LISTS}}


def test_lists_of_sentences_are_refused(tmp_path):
    with pytest.raises(UsageError, match="--word-list is for words"):
        TextOptions("model", tmp_path, tasks=("snli",), unit="sentence", word_list=True)
