"""Tables of results in documents hold the numbers of the published boards, and no others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docs.write_results import BLOCK, PAGES, TABLES, Results, written
from leaderboards.board import Checkpoint
from tests.leaderboards.board_parts import cell, checkpoint, versus
from tests.leaderboards.example_boards import small


def with_files(row: Checkpoint, arm: str) -> Checkpoint:
    """A checkpoint whose results are where a study writes those of an arm."""
    return replace(row, files=(f"runs/results/{arm}/model/results_2026.json",))


def results() -> Results:
    """Base, an arm on true words and its control, and an arm that left trec out."""
    board = small()
    names = ("base", "word", "random")
    arms = [with_files(row, name) for row, name in zip(board.checkpoints, names, strict=True)]
    without = with_files(checkpoint("c3", "d", "c0", arms[1].training, {"all": 0.2}), "without-trec")
    own = cell("c3", "trec_attribution_oneword", 0.2, versus(0.1, "better"))
    return Results(replace(board, checkpoints=(*arms, without), cells=(*board.cells, own)))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_documents_hold_what_the_boards_say(path):
    if not path.is_file():
        pytest.skip("it is written once there are results")
    text = path.read_text("utf-8")
    assert {table for _, _, table, _ in BLOCK.findall(text)} <= TABLES.keys()
    assert written(text) == text, "run: python docs/write_results.py"


def test_the_short_table_holds_base_trained_control_and_chance():
    assert list(TABLES["short"](results()))[2:] == [
        "| agnews | .00, **.94** [.91, .97], .02; .06 |  |  |",
        "| *unseen:* trec | .10, **.50** [.47, .53], .04; .06 |  |  |",
    ]


def test_the_long_table_holds_intervals_chance_oracle_and_the_test():
    heading, _, agnews, trec = TABLES["one word"](results())
    assert heading == "| task | n | base | word | random | chance of word | oracle of word | p (Holm) |"
    assert agnews == (
        "| agnews attribution | 300 | .00 [−.03, .03] | .94 [.91, .97] | .02 [−.01, .05] | .06 | .95 | < .001 ▲ |"
    )
    assert trec.startswith("| *unseen:* trec attribution | 300 | .10 [.07, .13] | .50 [.47, .53] | .04 ")
    assert list(TABLES["several words"](results()))[2:] == []


def test_an_arm_that_left_a_dataset_out_stands_between_base_and_all():
    assert list(TABLES["left out"](results()))[2:] == [
        "| trec | attribution | .10 [.07, .13] | .20 [.17, .23] ▲ | .50 [.47, .53] |"
    ]


def test_means_across_styles_are_those_of_the_trained_datasets():
    rows = list(TABLES["across styles"](results()))[2:]
    assert rows == ["| (base) | .00 (−.06) | – (–) | – (–) |", "| all three | .94 (+.88) | – (–) | – (–) |"]


def test_people_s_words_are_compared_only_where_texts_have_them():
    assert list(TABLES["plausibility"](results()))[2:] == ["| trec attribution | – | – | .30 [.28, .32] |"]


def test_a_block_without_a_board_says_so_and_keeps_its_place():
    page = "a\n<!-- results of no-such: short -->\nold\n<!-- end -->\nb\n"
    assert written(page) == (
        "a\n<!-- results of no-such: short -->\nThe study is not finished: no board yet.\n<!-- end -->\nb\n"
    )
    assert written(written(page)) == written(page)
