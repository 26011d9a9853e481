"""`benchmarks/operator_verdicts.py`: in how many cells the operator changes the verdict."""

from __future__ import annotations

import pytest

from benchmarks.operator_verdicts import table
from faithful_se.errors import UsageError
from leaderboards.board import Settings
from leaderboards.build import make_board
from tests.leaderboards.result_files import TASK, rows_of, write_run

SNLI, TWEETS = TASK, ("sentiment140", *TASK[1:])


def board_of(folder):
    return make_board([folder], settings=Settings(draws=200))[0]


def test_the_share_of_cells_whose_verdict_depends_on_the_operator(tmp_path):
    """Of two cells, masking and infilling agree in one, deleting agrees with masking in both."""
    high, none = [1.0] * 30 + [0.0] * 10, [1.0, -1.0] * 20
    depends = {"lift_mask": high, "lift_delete": high, "lift_infill": none}
    agrees = {"lift_mask": high, "lift_delete": high, "lift_infill": high}
    options = {"operator": "mask+delete+infill"}
    write_run(
        tmp_path, {SNLI: rows_of(high, SNLI, **depends), TWEETS: rows_of(high, TWEETS, **agrees)}, options=options
    )
    lines = list(table(board_of(tmp_path)))
    assert lines[0] == "| task | checkpoint | mask | delete | infill | largest gap | verdict |"
    rows = {line.split(" | ")[0]: line.split(" | ")[-2:] for line in lines[2:4]}
    assert rows == {
        "| snli_attribution_oneword": ["0.750", "depends |"],
        "| sentiment140_attribution_oneword": ["0.000", "the same |"],
    }
    assert lines[5:] == [
        "3 operators: the operator changes the verdict in 1 of 2 cells: 50% [9%, 91%], largest gap 0.750",
        "mask and delete: the operator changes the verdict in 0 of 2 cells: 0% [0%, 66%], largest gap 0.000",
        "mask and infill: the operator changes the verdict in 1 of 2 cells: 50% [9%, 91%], largest gap 0.750",
        "delete and infill: the operator changes the verdict in 1 of 2 cells: 50% [9%, 91%], largest gap 0.750",
    ]


def test_results_with_one_operator_are_refused(tmp_path):
    write_run(tmp_path, {TASK: rows_of([1.0, 0.0])})
    with pytest.raises(UsageError, match="no results with several operators: evaluate with --metadata operator="):
        list(table(board_of(tmp_path)))
