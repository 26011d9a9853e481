"""Boards and results as polars frames."""

from __future__ import annotations

import pytest

from faithful_se.errors import UsageError
from leaderboards.frames import board_frame, results_frame
from tests.leaderboards.boards_from_files import NEW, OLD, OTHER_TASK, board_of
from tests.leaderboards.example_boards import small
from tests.leaderboards.result_files import TASK, row, rows_of, write_run


def test_a_board_has_one_line_per_cell():
    frame = board_frame(small())
    assert frame.height == 6
    assert frame["checkpoint"].to_list()[:3] == ["mini", "mini", "mini-word"]
    word = frame.row(2, named=True)
    assert (word["dataset"], word["style"], word["budget"]) == ("agnews", "attribution", "oneword")
    assert (word["faithful"], word["faithful high"], word["n"]) == (0.94, 0.97, 300)
    assert (word["versus base"], word["versus faithful"], word["versus marker"]) == ("mini", 0.94, "better")
    base = frame.row(1, named=True)
    assert (base["ccf"], base["ccf note"]) == (None, "not measurable (headroom 0.03)")
    assert base["versus base"] is None and base["versus p_holm"] is None
    assert frame["plausibility_f1"].to_list() == [None] * 5 + [0.3]


def test_types_do_not_depend_on_the_values(tmp_path):
    """Nothing is compared on this board, so all of these fields are null."""
    write_run(tmp_path, {TASK: rows_of([1.0, 0.0])})
    schema = {name: str(kind) for name, kind in board_frame(board_of(tmp_path)).schema.items()}
    assert schema["versus faithful"] == "Float64" and schema["versus n"] == "Int64"
    assert schema["versus marker"] == schema["versus base"] == "String"


def test_results_have_one_line_per_checkpoint_task_and_document(tmp_path):
    tasks = {TASK: rows_of([1.0, 0.0]), OTHER_TASK: [row(0, 1.0, OTHER_TASK, extra=0.5), row(1, None, OTHER_TASK)]}
    write_run(tmp_path / "base", {TASK: rows_of([0.0, 0.0])})
    write_run(tmp_path / "tuned", tasks, peft="out/tuned")
    frame = results_frame([tmp_path])
    assert frame.group_by("checkpoint", "style").len().sort("checkpoint", "style").rows() == [
        ("base", "attribution", 2),
        ("tuned", "attribution", 2),
        ("tuned", "redaction", 2),
    ]
    tuned = frame.filter(checkpoint="tuned", style="attribution")
    assert sorted(tuned["faithful"].to_list()) == [0.0, 1.0]
    assert set(tuned["prediction"]) == {"positive"} and set(tuned["after"]) == {"positive", "negative"}
    redaction = frame.filter(style="redaction")
    assert redaction["faithful"].null_count() == 1 and set(redaction["extra"]) == {0.5, None}
    # A document has the same hash in every run, so that runs can be joined.
    assert set(tuned["doc_hash"]) == set(frame.filter(checkpoint="base")["doc_hash"])


def test_results_are_those_of_the_newest_complete_run(tmp_path):
    write_run(tmp_path, {TASK: rows_of([0.0] * 3)}, date=OLD)
    write_run(tmp_path, {TASK: rows_of([1.0] * 2)}, date=NEW, effective=3)
    assert results_frame([tmp_path])["faithful"].to_list() == [0.0] * 3


def test_results_without_samples_are_one_line(tmp_path):
    write_run(tmp_path, {TASK: rows_of([1.0])}, samples=False)
    with pytest.raises(UsageError, match="no complete run with samples; run lm_eval with --log_samples"):
        results_frame([tmp_path])
