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
        "“mini-word” is faithful significantly more often than “mini” on 2 of 3 tasks, less often on 1 "
        "(exact McNemar, 5 % after Holm); mean change in faithful +.30 [+.25, +.35]."
    )
    assert text.better == (
        "Better on the datasets it was trained on: attribution (agnews .00 to .94); "
        "on unseen datasets: attribution (trec .10 to .50).",
    )
    assert text.worse == ("Worse on unseen datasets: new style counterfactual (trec .50 to .05).",)
    # Chance is .06 everywhere: .94 - .06, .5 - .06, .05 - .06; no counterfactual on a dataset trained on.
    assert text.neither == (
        "No significant gain for counterfactual; lift (faithful minus chance) on trained-on and unseen datasets: "
        "attribution +.88 and +.44, counterfactual – and −.01.",
        "No change of its accuracy is shown.",
    )
    control = "No control arm was trained, so a part of the change may be practice with the format."
    assert text.caveats == (control,)
    assert text.sentences == (text.headline, *text.better, *text.worse, *text.neither, *text.caveats)


def test_gains_of_several_words_are_named_and_many_tasks_are_a_mean():
    """Four tasks of a group: three gains are named one by one; of four, the means of both, .1 and .45."""
    tasks = tuple(
        task(dataset, "attribution", budget, trained_on=True)
        for dataset in ("agnews", "snli")
        for budget in ("oneword", "multiword")
    )
    rates = (0.3, 0.4, 0.5, 0.6)
    board = only(replace(small(), tasks=tasks), "c0", "c1")

    def better(*markers: str) -> tuple[str, ...]:
        cells = [cell("c0", own.id, 0.1, None) for own in tasks]
        cells += [
            cell("c1", own.id, value, versus(value - 0.1, marker))
            for own, value, marker in zip(tasks, rates, markers, strict=True)
        ]
        training = replace(board.checkpoints[1].training, datasets=("agnews", "snli"))
        rows = (board.checkpoints[0], replace(board.checkpoints[1], training=training))
        return verdict(replace(board, checkpoints=rows, cells=tuple(cells))).better

    lead = "Better on the datasets it was trained on: attribution"
    assert better("better", "better", "", "") == (f"{lead} (agnews .10 to .30, agnews with several words .10 to .40).",)
    assert better(*["better"] * 4) == (f"{lead} .10 to .45 (all 4 tasks).",)


def with_valid(board: Board, valid: dict[str, float]) -> Board:
    """The trained checkpoint with these shares of valid explanations, each give or take .01."""
    cells = [
        replace(c, metrics=c.metrics | {"valid": estimate(valid[c.task], 0.01)})
        if c.checkpoint == "c1" and c.task in valid
        else c
        for c in board.cells
    ]
    return replace(board, cells=tuple(cells))


def test_fewer_valid_explanations():
    """Of the base .98 everywhere. Clearly: the mean of the upper bounds is below the base's .97."""
    board = only(board_with_loss(), "c0", "c1")
    attributions, edits = [t.id for t in board.tasks if t.style == "attribution"], UNSEEN.id
    (line,) = verdict(with_valid(board, {edits: 0.12})).worse
    # (.98 + .98 + .12) / 3
    assert line == (
        "Worse on unseen datasets: new style counterfactual (trec .50 to .05); fewer explanations are valid: "
        ".98 to .69 over 3 tasks (counterfactual .98 to .12); invalid ones count as not faithful."
    )
    # Attribution: (.9 + .94 + .02) / 2 = .93; in all (.91 + .95 + .99) / 3 = .95.
    both = dict.fromkeys(attributions, 0.9) | {attributions[1]: 0.94}
    assert ".98 to .94 over 3 tasks (attribution .98 to .92);" in verdict(with_valid(board, both)).worse[0]
    # In all (.99 + .99 + .94) / 3 = .973 is not below .97, but .94 of the style is.
    (line,) = verdict(with_valid(board, {edits: 0.93})).worse
    assert "fewer explanations are valid: counterfactual .98 to .93;" in line
    # .96 + .01 does not lie below .97.
    assert "valid" not in " ".join(verdict(with_valid(board, {edits: 0.96})).worse)


def test_answers_that_changed_at_an_equal_accuracy():
    """Below .8 of equal answers, the fewest first: 1 - .553 = 45 %, 1 - .72 = 28 %."""
    board = only(board_with_loss(), "c0", "c1")

    def accuracy(first: float, second: float) -> str:
        equal = {board.tasks[0].id: first, board.tasks[1].id: second}
        cells = [
            replace(c, versus=replace(c.versus, agreement=equal.get(c.task, 0.99))) if c.versus else c
            for c in board.cells
        ]
        return verdict(replace(board, cells=tuple(cells))).neither[1]

    known = "No change of its accuracy is shown"
    assert accuracy(0.72, 0.55333) == f"{known}, but 45 % of its answers changed on trec, 28 % on agnews."
    assert accuracy(0.8, 0.79) == f"{known}, but 21 % of its answers changed on trec."
    assert accuracy(0.8, 0.8) == f"{known}."


def control_line(board: Board) -> str:
    (line,) = (line for line in verdict(board).caveats if "control" in line)
    return line


def test_control_arm():
    line = "Lead in faithful over the control, trained on random words: +.32 [+.26, +.38] over 3 tasks."
    assert control_line(board_with_loss()) == line


def test_control_arm_that_gains_as_much():
    board = board_with_loss()
    rows = [replace(row, over_controls={"c2": estimate(0.02, 0.05)}) for row in board.checkpoints]
    line = control_line(replace(board, checkpoints=tuple(rows)))
    assert line.endswith(": +.02 [−.03, +.07], not told apart from it.")


def test_the_nearest_control_of_each_kind():
    board = board_with_loss()
    best, control = board.checkpoints[1], board.checkpoints[2]
    leads = {
        "c3": estimate(0.1, 0.05, note="over 2 tasks"),
        "c4": estimate(0.4, 0.05),
    }
    best = replace(best, over_controls=best.over_controls | leads)
    answers = replace(control, id="c3", name="other", training=replace(control.training, arm="answers"))
    rows = (board.checkpoints[0], best, control, answers, replace(control, id="c4", name="another"))
    assert control_line(replace(board, checkpoints=rows)) == (
        "Lead in faithful over the nearest control, trained on answers without explanations: +.10 [+.05, +.15] "
        "over 2 tasks; over the control trained on random words: +.32 [+.26, +.38] over 3 tasks."
    )


def test_a_checkpoint_that_was_not_ranked_is_named():
    board = board_with_loss()
    other = replace(board.checkpoints[1], id="c3", name="small")
    cells = (*board.cells, replace(board.cells[2], checkpoint="c3"))
    text = verdict(replace(board, checkpoints=(*board.checkpoints, other), cells=cells))
    assert text.caveats[-1] == "Measured on other tasks and not ranked: “small” (1 task)."
    assert len(text.sentences) <= 7


def test_one_checkpoint():
    text = verdict(only(small(), "c0"))
    assert text.headline == "“mini” has a mean lift (faithful minus chance): −.01 [−.04, +.02] over 2 tasks."
    assert text.better == ("Above chance: attribution .05 against .06 (1 of 2 tasks).",)
    assert text.worse == ("Below chance: attribution .05 against .06 (1 of 2 tasks).",)


def test_trained_without_its_base():
    board = only(small(), "c1")
    text = verdict(replace(board, cells=tuple(replace(cell, versus=None) for cell in board.cells)))
    assert text.best == "c1"
    assert text.better == (
        "Above chance on the datasets it was trained on: attribution .94 against .06; "
        "on unseen datasets: attribution .50 against .06.",
    )
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
    lifts = "Lift (faithful minus chance) on trained-on and unseen datasets: attribution +.88 and +.44."
    assert text.neither == (lifts, "No change of its accuracy is shown.")
    assert text.headline.startswith(
        "“mini-word” does not differ significantly in faithful from “mini” on any of 2 tasks (exact"
    )
    single = replace(board, tasks=board.tasks[:1], cells=tuple(c for c in cells if c.task == board.tasks[0].id))
    assert "in faithful from “mini” on its only task (exact" in verdict(single).headline


def test_a_task_that_the_base_lacks():
    board = only(small(), "c0", "c1")
    cells = tuple(c for c in board.cells if (c.checkpoint, c.task) != ("c0", UNSEEN.id))
    cells = tuple(replace(c, versus=None) if c.task == board.tasks[1].id else c for c in cells)
    text = verdict(replace(board, cells=cells))
    assert "more often than “mini” on 1 of 1 task (exact" in text.headline
    assert "1 task more could not be compared: its base has no results of the same texts." in text.caveats


def test_only_losses():
    board = only(small(), "c0", "c1")
    lost = {board.tasks[0].id: versus(-0.4, "worse"), board.tasks[1].id: versus(0.01, "")}
    cells = tuple(replace(c, versus=c.versus and lost[c.task]) for c in board.cells)
    line = "“mini-word” is faithful significantly less often than “mini” on 1 of 2 tasks, more often on none (exact"
    assert verdict(replace(board, cells=cells)).headline.startswith(line)
    cells = tuple(replace(c, versus=c.versus and versus(-0.4, "worse")) for c in board.cells)
    assert (
        "significantly less often than “mini” on 2 of 2 tasks (exact" in verdict(replace(board, cells=cells)).headline
    )


def test_hundred_checkpoints():
    text = verdict(large(100, documents=0))
    assert "has the highest lift of 55 trained checkpoints" in text.headline
    assert text.caveats[-1] == (
        "By lift it is not told apart from 2 of 54 others: their intervals overlap; "
        "the best of 55 looks a little better than it is."
    )
