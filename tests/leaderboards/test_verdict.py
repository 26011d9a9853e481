"""The verdict: its numbers by hand, and boards that have little to say."""

from __future__ import annotations

from dataclasses import replace

from leaderboards.board import Board, Estimate
from leaderboards.verdict import verdict
from tests.leaderboards.board_parts import cell, estimate, task, versus
from tests.leaderboards.example_boards import large, small

UNSEEN = task("trec", "counterfactual", "oneword")


def board_with_loss() -> Board:
    """The small board, with gains, and a counterfactual task on which the trained checkpoint lost."""
    board = small()
    cells = (
        cell("c0", UNSEEN.id, 0.5, None),
        cell("c1", UNSEEN.id, 0.05, versus(-0.45, "worse")),
        cell("c2", UNSEEN.id, 0.5, versus(0.0, "")),
    )
    gains = {"c1": {"all": estimate(0.3, 0.05)}, "c2": {"all": estimate(-0.02, 0.03)}}
    lead = {"c1": {"c2": replace(estimate(0.32, 0.06), note="over 3 tasks")}}
    rows = tuple(
        replace(row, gains=gains.get(row.id, {}), over_controls=lead.get(row.id, {})) for row in board.checkpoints
    )
    return replace(board, checkpoints=rows, tasks=(*board.tasks, UNSEEN), cells=(*board.cells, *cells))


def only(board: Board, *ids: str) -> Board:
    rows = tuple(row for row in board.checkpoints if row.id in ids)
    return replace(board, checkpoints=rows, cells=tuple(cell for cell in board.cells if cell.checkpoint in ids))


def test_good_and_bad():
    text = verdict(only(board_with_loss(), "c0", "c1"))
    assert text.best == "c1"
    assert text.headline == (
        "“mini-word” is faithful significantly more often than “mini” on 2 of 3 tasks, less often on 1. "
        "Mean change in faithful: +.30 [+.25, +.35]."
    )
    assert text.better == (
        "Better on the datasets it was trained on, one word: attribution .00 to .94.",
        "Better on unseen datasets, one word: attribution .10 to .50.",
    )
    assert text.worse == ("Worse on unseen datasets, one word: counterfactual (new style) .50 to .05.",)
    assert text.neither == ()
    assert text.caveats == (
        "No change of its accuracy is shown.",
        "No control arm was trained, so a part of the change may be practice with the format.",
    )
    assert text.sentences == (text.headline, *text.better, *text.worse, *text.caveats)


def test_control_arm():
    (line,) = (line for line in verdict(board_with_loss()).caveats if "control" in line)
    assert line.startswith("Faithful minus that of the control arm “")
    assert line.endswith("”, trained without useful explanations: +.32 [+.26, +.38] over 3 tasks.")


def test_control_arm_that_gains_as_much():
    board = board_with_loss()
    rows = [replace(row, over_controls={"c2": estimate(0.02, 0.05)}) for row in board.checkpoints]
    (line,) = (line for line in verdict(replace(board, checkpoints=tuple(rows))).caveats if "control" in line)
    assert line.endswith(": +.02 [−.03, +.07]: not told apart from it.")


def test_the_nearest_of_two_control_arms():
    board = board_with_loss()
    best, control = board.checkpoints[1], board.checkpoints[2]
    best = replace(best, over_controls=best.over_controls | {"c3": estimate(0.1, 0.05)})
    rows = (board.checkpoints[0], best, control, replace(control, id="c3", name="other"))
    (line,) = (line for line in verdict(replace(board, checkpoints=rows)).caveats if "control" in line)
    assert line.startswith("Faithful minus that of the nearest of 2 control arms, “other”, ")


def test_what_random_changes_reach():
    board = only(board_with_loss(), "c0", "c1")
    cells = [
        replace(cell, metrics=cell.metrics | {"faithful_random": estimate(0.6, 0.02)})
        if cell.checkpoint == "c1" and cell.task.startswith("agnews")
        else cell
        for cell in board.cells
    ]
    line = "Random changes alone reach .60 of the .94 of attribution on trained-on datasets."
    assert line in verdict(replace(board, cells=tuple(cells))).caveats


def test_one_checkpoint():
    text = verdict(only(small(), "c0"))
    assert text.headline == "“mini” has a mean lift (faithful minus chance): −.01 [−.04, +.02] over 2 tasks."
    assert text.better == ("Above chance with one word: attribution .05 against .06 (1 of 2 tasks).",)
    assert text.worse == ("Below chance with one word: attribution .05 against .06 (1 of 2 tasks).",)


def test_trained_without_its_base():
    board = only(small(), "c1")
    text = verdict(replace(board, cells=tuple(replace(cell, versus=None) for cell in board.cells)))
    assert text.best == "c1"
    assert text.better[0] == "Above chance on the datasets it was trained on, one word: attribution .94 against .06."
    assert text.caveats[0] == "It was not tested against its base: they have no samples of the same documents."


def test_unmeasured_cells():
    board = only(board_with_loss(), "c0", "c1")
    blank = Estimate(None, None, None, 0, "not measurable: one answer")
    cells = [
        replace(c, not_measurable="one answer", metrics={"faithful": blank}, versus=None) if c.task == UNSEEN.id else c
        for c in board.cells
    ]
    text = verdict(replace(board, cells=tuple(cells)))
    assert text.worse == ()
    assert text.caveats[-1] == "1 task of 3 could not be measured for it, or did not run."
    nothing = verdict(replace(board, cells=tuple(c for c in cells if c.task == UNSEEN.id)))
    assert nothing.best is None
    assert nothing.sentences == ("Nothing could be measured: no task has a number for faithful. The notes say why.",)


def test_nothing_significant():
    board = only(small(), "c0", "c1")
    cells = tuple(replace(c, versus=c.versus and versus(0.01, "")) for c in board.cells)
    text = verdict(replace(board, cells=cells))
    assert (text.better, text.worse) == ((), ())
    assert text.neither[1] == "No significant change on unseen datasets, one word: attribution .10 to .50."
    assert text.headline.startswith(
        "“mini-word” does not differ significantly in faithful from “mini” on any of 2 tasks."
    )
    single = replace(board, tasks=board.tasks[:1], cells=tuple(c for c in cells if c.task == board.tasks[0].id))
    assert "in faithful from “mini” on its only task." in verdict(single).headline


def test_a_task_that_the_base_lacks():
    board = only(small(), "c0", "c1")
    cells = tuple(c for c in board.cells if (c.checkpoint, c.task) != ("c0", UNSEEN.id))
    cells = tuple(replace(c, versus=None) if c.task == board.tasks[1].id else c for c in cells)
    text = verdict(replace(board, cells=cells))
    assert "more often than “mini” on 1 of 1 task." in text.headline
    assert "1 task more could not be compared: its base has no results of the same texts." in text.caveats


def test_only_losses():
    board = only(small(), "c0", "c1")
    lost = {board.tasks[0].id: versus(-0.4, "worse"), board.tasks[1].id: versus(0.01, "")}
    cells = tuple(replace(c, versus=c.versus and lost[c.task]) for c in board.cells)
    line = "“mini-word” is faithful significantly less often than “mini” on 1 of 2 tasks, more often on none; on 1 no"
    assert verdict(replace(board, cells=cells)).headline.startswith(line)
    cells = tuple(replace(c, versus=c.versus and versus(-0.4, "worse")) for c in board.cells)
    assert "significantly less often than “mini” on 2 of 2 tasks." in verdict(replace(board, cells=cells)).headline


def test_hundred_checkpoints():
    text = verdict(large(100, documents=0))
    assert "has the highest lift of 55 trained checkpoints" in text.headline
    assert "By lift it is not told apart from 2 of 54 others: their intervals overlap." in text.caveats
    assert "The best of 55 looks a little better than it is." in text.caveats
