"""`read_board`, `read_results` and `compare`: what `lm_eval` and `faithful-se board` wrote, from Python."""

from __future__ import annotations

import pytest

import faithful_se

TASKS = {f"faithful_se_sentiment140_{style}_oneword" for style in ("attribution", "redaction", "counterfactual")}


def test_a_board_has_a_row_per_checkpoint_and_task(project):
    frame = faithful_se.read_board(project / "board" / "board.json")
    assert frame.height == 2 * len(TASKS)
    assert set(frame["task"]) == TASKS
    assert frame["checkpoint"].n_unique() == 2
    assert (frame["faithful low"] <= frame["faithful"]).all()
    assert (frame["faithful"] <= frame["faithful high"]).all()


def test_results_have_a_row_per_document(project):
    frame = faithful_se.read_results(project / "results")
    assert frame.height == 2 * len(TASKS) * 20
    assert {"checkpoint", "task", "doc_hash", "gold", "prediction", "after", "faithful", "lift"} <= set(frame.columns)
    one_side = faithful_se.read_results(str(project / "results" / "base"))
    assert one_side.height == frame.height // 2


def test_the_two_agree(project):
    import polars as pl

    cells = faithful_se.read_board(project / "board" / "board.json").sort("checkpoint", "task")
    documents = faithful_se.read_results(project / "results")
    means = documents.group_by("checkpoint", "task").agg(pl.col("faithful").mean()).sort("checkpoint", "task")
    assert means["faithful"].to_list() == pytest.approx(cells["faithful"].to_list())


def test_two_checkpoints_are_compared(project):
    comparison = faithful_se.compare(project / "results" / "base", project / "results" / "trained")
    assert len(comparison.pairs) == len(TASKS)
    for pair in comparison.pairs:
        assert pair.versus.n == 20
        assert pair.versus.faithful.estimate == pytest.approx(pair.b["faithful"].estimate - pair.a["faithful"].estimate)
    assert comparison.mean.estimate > 0
    names = [f"faithful-se-rules (strategy={strategy})" for strategy in ("random", "honest")]
    by_name = faithful_se.compare(*names, results=[project / "results"])
    on_board = faithful_se.compare(*names, board=project / "board" / "board.json")
    assert by_name.pairs == on_board.pairs == comparison.pairs


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda folder: faithful_se.read_board(folder / "none.json"), "none.json: cannot be read"),
        (lambda folder: faithful_se.read_results(folder / "none"), "none: no such file or folder"),
        (lambda folder: faithful_se.compare(folder / "none", folder / "results" / "base"), "none: no such folder"),
        (lambda folder: faithful_se.compare("a", "b", results=[folder / "results"]), "the checkpoints are"),
        (lambda folder: faithful_se.compare("a", "b", draws=1), "draws must be a whole number from 100"),
    ],
)
def test_wrong_input(project, call, message):
    with pytest.raises(faithful_se.UsageError, match=message):
        call(project)
