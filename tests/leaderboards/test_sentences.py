"""Boards of explanations by sentences: the unit is shown where it is not the word, and cards have sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

from leaderboards.board import Segment, Settings
from leaderboards.build import make_board
from leaderboards.page.page_data import task_label
from tests.leaderboards.result_files import TASK, row, write_run

TEXT = "Oslo was nice. Why?"
UNITS = [{"field": "text", "start": 0, "end": 14}, {"field": "text", "start": 15, "end": 19}]


def write(folder: Path, units: object, **run: object) -> None:
    sentence = row(0, 1.0, text=TEXT, word="Oslo was nice.", transcript={"units": units})
    write_run(folder, {TASK: [sentence]}, options={"unit": "sentence"}, **run)


def test_the_unit_is_shown(tmp_path: Path) -> None:
    write(tmp_path / "sentences", UNITS)
    board, _ = make_board([tmp_path], settings=Settings(draws=200))
    (task,) = board.tasks
    assert task_label(task) == "snli · attribution · one sentence"
    assert any("1 of 1 columns are about sentences" in note for note in board.notes)
    (document,) = board.documents
    assert document.fields == {"Text": (Segment("Oslo was nice.", 0), Segment(" ", None), Segment("Why?", 1))}


def test_columns_of_words_and_sentences_are_kept_apart(tmp_path: Path) -> None:
    write(tmp_path / "sentences", UNITS)
    write_run(tmp_path / "words", {TASK: [row(0, 0.0, text=TEXT, word="nice")]}, peft="out/tuned")
    board, _ = make_board([tmp_path], settings=Settings(draws=200))
    assert sorted(task.variant for task in board.tasks) == ["unit=sentence", "unit=word"]
    assert sorted(map(task_label, board.tasks)) == [
        "snli · attribution · one sentence · unit=sentence",
        "snli · attribution · one word · unit=word",
    ]


@pytest.mark.parametrize("units", ["x", [1], [{"field": "no", "start": 0, "end": 1}], [*UNITS, UNITS[0]]])
def test_a_card_whose_sentences_are_no_places_has_words(tmp_path: Path, units: object) -> None:
    write(tmp_path / "sentences", units)
    board, _ = make_board([tmp_path], settings=Settings(draws=200))
    assert board.documents[0].fields["Text"][0] == Segment("Oslo", 0)
