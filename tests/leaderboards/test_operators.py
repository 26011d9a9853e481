"""The band over operators: the lift of a cell by each of them."""

from __future__ import annotations

import pytest

from leaderboards.analysis.operators import depends_on_operator, operator_lifts
from leaderboards.board import Estimate, Settings
from leaderboards.build import make_board
from leaderboards.page.page_data import page_data
from tests.leaderboards.result_files import TASK, rows_of, write_run


def test_the_verdict_depends_on_the_operator_where_one_interval_is_above_0_and_another_is_not():
    above, across, below = (Estimate(0.2, low, high, 9) for low, high in ((0.1, 0.3), (-0.1, 0.5), (0.0, 0.4)))
    assert depends_on_operator({"mask": above, "delete": across}) and depends_on_operator({"mask": above, "x": below})
    assert not depends_on_operator({"mask": above, "delete": above})
    assert not depends_on_operator({"mask": across, "delete": below})


def test_a_board_has_an_interval_for_each_operator_and_says_where_the_verdict_depends_on_it(tmp_path):
    outcomes = [1.0] * 30 + [0.0] * 10
    columns = {"lift_mask": outcomes, "lift_infill": [1.0, -1.0] * 20, "faithful_mask": outcomes}
    write_run(tmp_path / "a", {TASK: rows_of(outcomes, **columns)}, options={"operator": "mask+infill"})
    write_run(tmp_path / "b", {TASK: rows_of(outcomes)}, model="models/b", options={"operator": "mask+infill"})
    board, _ = make_board([tmp_path], settings=Settings(draws=500))
    without, with_keys = board.cells
    lifts = operator_lifts(with_keys.metrics)
    assert {name: lift.estimate for name, lift in lifts.items()} == {"mask": 0.75, "infill": 0.0}
    assert lifts["mask"].low == pytest.approx(0.75 - 1.96 * (0.75 * 0.25 / 40) ** 0.5, abs=0.03)
    assert lifts["infill"].low < 0 < lifts["infill"].high
    assert operator_lifts(without.metrics) == {}
    assert "Of 1 cell with several operators, 1 have a lift above 0 by some operators and not by others." in board.notes
    second, first = (checkpoint["cells"][0]["operators"] for checkpoint in page_data(board)["checkpoints"])
    assert list(first) == ["mask", "infill"] and second == {}
