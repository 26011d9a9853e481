"""The band over wordings: one checkpoint, explained under several wordings of the request, on the same documents."""

from __future__ import annotations

import pytest

from leaderboards.page.page_data import page_data
from leaderboards.page.render import render_page
from leaderboards.tables.table_markup import markdown
from leaderboards.tables.wording_table import wording_rows, wording_text_table
from tests.leaderboards.boards_from_files import NEW, OLD, OTHER_TASK, board_of
from tests.leaderboards.result_files import TASK, rows_of, write_run

FIVE, SEVEN, TWO = ([1.0] * count + [0.0] * (10 - count) for count in (5, 7, 2))


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """Lifts of the two tasks under wordings 1, 2 and 4: .5 and .7, .7 and .7, .2 and .5."""
    tmp_path = tmp_path_factory.mktemp("results")
    for wording, outcomes in {1: (FIVE, SEVEN), 2: (SEVEN, SEVEN), 4: (TWO, FIVE)}.items():
        tasks = {task: rows_of(of_task, task) for task, of_task in zip((TASK, OTHER_TASK), outcomes, strict=True)}
        options = {"template": wording} if wording > 1 else {}
        write_run(tmp_path / f"wording{wording}", tasks, options=options)
    # Other documents, and a model with one wording, have no band.
    write_run(tmp_path / "fewer", {TASK: rows_of(FIVE[2:7])}, options={"template": 3}, limit=5)
    write_run(tmp_path / "single", {TASK: rows_of(TWO)}, model="models/single")
    return board_of(tmp_path)


def test_the_band_by_hand(board):
    (row,) = wording_rows(board)
    assert (row.checkpoint, row.wordings, row.tasks) == ("base", "1, 2, 4", 2)
    assert row.lift.estimate == pytest.approx(0.6)
    assert row.band == pytest.approx((0.35, (0.6 + 0.7 + 0.35) / 3, 0.7))
    assert 0.2 < row.lift.low < 0.6 < row.lift.high < 0.95
    (band,) = board.wordings
    by_task = band.tasks["snli_attribution_oneword"]
    assert [lift.estimate for lift in by_task.values()] == pytest.approx([0.5, 0.7, 0.2])


def test_tables_and_page_show_it_beside_the_interval(board):
    assert "1, 2, 4      2  +0.600 [" in wording_text_table(board)
    assert "| base | 1, 2, 4 | 2 | +.60 [" in markdown(board) and "| +.35 | +.55 | +.70 |" in markdown(board)
    page = render_page(board)
    assert "Asked in other words" in page and '<td class="num"><span class="value">+.35</span></td>' in page
    base = next(checkpoint for checkpoint in page_data(board)["checkpoints"] if checkpoint["name"] == "base")
    cells = {cell["task"]: cell.get("wordings", {}) for cell in base["cells"]}
    assert sorted(map(len, cells.values())) == [0, 0, 0, 0, 0, 3, 3]


def test_without_a_second_wording_there_is_no_table_and_the_first_is_the_main_column(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(FIVE)}, date=OLD)
    write_run(tmp_path / "b", {TASK: rows_of(SEVEN)}, model="models/b", options={"template": 2}, date=NEW)
    board = board_of(tmp_path)
    assert [(task.id, task.options.get("template", 1)) for task in board.tasks] == [
        ("snli_attribution_oneword", 1),
        ("snli_attribution_oneword~2", 2),
    ]
    assert board.wordings == () and wording_rows(board) == [] and wording_text_table(board) == ""
