"""Means over tasks, gains and transfer, against numbers computed by hand or in another way."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.leaderboards.result_files import TASK, rows_of, train_info, write_run
from tests.leaderboards.test_numbers import board_of


def test_means_over_tasks_draw_shared_documents_together(tmp_path):
    """Two tasks with equal outcomes on the same documents are no more evidence than one of them."""
    rng = np.random.default_rng(2)
    outcomes = (rng.random(200) < 0.5).astype(float).tolist()
    other = ("snli", "redaction", "oneword")
    write_run(tmp_path / "one", {TASK: rows_of(outcomes, random=0.5)})
    write_run(tmp_path / "same", {TASK: rows_of(outcomes, random=0.5), other: rows_of(outcomes, other, random=0.5)})
    apart = ("agnews", "attribution", "oneword")
    texts = [f"elsewhere {i}" for i in range(200)]
    write_run(
        tmp_path / "apart",
        {TASK: rows_of(outcomes, random=0.5), apart: rows_of(outcomes, apart, random=0.5, text=texts)},
    )
    widths = {}
    for name in ("one", "same", "apart"):
        (checkpoint,) = board_of(tmp_path / name).checkpoints
        mean = checkpoint.means["all"]["faithful"]
        widths[name] = mean.high - mean.low
    assert widths["same"] == pytest.approx(widths["one"], rel=1e-5)
    assert widths["apart"] == pytest.approx(widths["one"] / math.sqrt(2), rel=0.1)


def test_a_control_arm_is_compared_on_the_tasks_of_both(tmp_path):
    """By hand: on the one task of both .8 against .3, paired on ten texts; the other task is not in it."""
    other = ("trec", "attribution", "oneword")
    outcomes = {
        "base": {TASK: [0.0] * 10, other: [0.0] * 10},
        "word": {TASK: [1.0] * 8 + [0.0] * 2, other: [0.0] * 10},
        "control": {TASK: [1.0] * 3 + [0.0] * 7},
    }
    for name, tasks in outcomes.items():
        rows = {task: rows_of(values, task) for task, values in tasks.items()}
        write_run(tmp_path / name, rows, peft="" if name == "base" else f"out/{name}")
        if name != "base":
            train_info(tmp_path / name, arm=["random" if name == "control" else "word"])
    by_name = {row.name: row for row in board_of(tmp_path).checkpoints}
    (lead,) = by_name["word"].over_controls.values()
    assert list(by_name["word"].over_controls) == [by_name["control"].id]
    assert (lead.estimate, lead.n, lead.note) == (pytest.approx(0.5), 10, "over 1 tasks")
    assert 0 < lead.low < 0.5 < lead.high < 1
    assert by_name["base"].over_controls == by_name["control"].over_controls == {}


def test_n_of_a_mean_counts_documents_and_a_text_in_several_tasks_once(tmp_path):
    """The bootstrap draws documents. snli has 20 texts in two tasks and 30 in a third; trec has 10 others."""
    tasks = {
        TASK: [1.0] * 20,
        ("snli", "redaction", "oneword"): [1.0] * 19 + [None],
        ("snli", "attribution", "multiword"): [0.0] * 29 + [None],
        ("trec", "attribution", "oneword"): [0.0] * 9 + [None],
    }
    write_run(tmp_path / "base", {t: rows_of([0.0] * len(values), t) for t, values in tasks.items()})
    write_run(tmp_path / "tuned", {t: rows_of(values, t) for t, values in tasks.items()}, peft="out/tuned")
    train_info(tmp_path / "tuned")
    board = board_of(tmp_path)
    base, tuned = board.checkpoints
    assert (board.documents_total, board.pairs_total) == (30 + 10, 20 + 20 + 30 + 10)
    assert {group: estimates["faithful"].n for group, estimates in base.means.items()} == {
        "all": 40,
        "trained": 30,
        "in distribution": 20,
        "several words": 30,
        "unseen": 10,
    }
    # Where a value is missing, the document counts if another task has one for it.
    assert {group: estimates["faithful"].n for group, estimates in tuned.means.items()} == {
        "all": 38,
        "trained": 29,
        "in distribution": 20,
        "several words": 29,
        "unseen": 9,
    }
    assert {group: estimates.n for group, estimates in tuned.gains.items()} == {
        group: estimates["faithful"].n for group, estimates in tuned.means.items()
    }
    (transfer,) = board.matrix
    assert (transfer.on.n, transfer.off["style"].n, transfer.ratio.n) == (20, 19, 38)
    assert all(cell.metrics["faithful"].n == sum(v is not None for v in tasks[TASK]) for cell in board.cells[:1])


def test_n_without_samples_counts_as_many_documents_of_a_dataset_as_the_same(tmp_path):
    tasks = [TASK, ("snli", "redaction", "oneword"), ("trec", "attribution", "oneword")]
    write_run(tmp_path, {t: rows_of([1.0, 0.0] * 10, t) for t in tasks}, samples=False)
    board = board_of(tmp_path)
    assert board.checkpoints[0].means["all"]["faithful"].n == board.documents_total == 40
    assert board.pairs_total == 0  # no cards without samples


def test_groups_of_tasks(tmp_path):
    tasks = {
        ("snli", "attribution", "oneword"): 1.0,
        ("snli", "attribution", "multiword"): 0.5,
        ("trec", "attribution", "oneword"): 0.25,
    }
    base_rows = {task: rows_of([1.0] * int(8 * rate) + [0.0] * int(8 - 8 * rate), task) for task, rate in tasks.items()}
    write_run(tmp_path / "base", base_rows)
    write_run(tmp_path / "tuned", {task: rows_of([1.0] * 8, task) for task in tasks}, peft="out/tuned")
    board = board_of(tmp_path)
    assert set(board.checkpoints[0].means) == {"all"}  # nobody's training is known
    train_info(tmp_path / "tuned")
    base, tuned = board_of(tmp_path).checkpoints
    means = {group: estimates["faithful"].estimate for group, estimates in base.means.items()}
    assert means == {
        "all": pytest.approx(1.75 / 3),
        "trained": 0.75,
        "in distribution": 1.0,
        "several words": 0.5,
        "unseen": 0.25,
    }
    assert tuned.means["unseen"]["faithful"].estimate == 1.0
    gains = {group: estimates.estimate for group, estimates in tuned.gains.items()}
    assert base.gains == {}
    assert gains == {
        "all": pytest.approx(1.25 / 3),
        "trained": 0.25,
        "in distribution": 0.0,
        "several words": 0.5,
        "unseen": 0.75,
    }
    assert tuned.gains["all"].low < tuned.gains["all"].estimate < tuned.gains["all"].high
    assert [task.trained_on for task in board_of(tmp_path).tasks] == [True, True, False]


def test_a_mean_over_fewer_tasks_says_so(tmp_path):
    other = ("snli", "redaction", "oneword")
    write_run(tmp_path / "base", {TASK: rows_of([1.0, 0.0]), other: rows_of([1.0, 1.0], other)})
    write_run(tmp_path / "tuned", {TASK: rows_of([1.0, 0.0])}, peft="out/tuned")
    base, tuned = board_of(tmp_path).checkpoints
    assert base.means["all"]["faithful"].note == ""
    assert tuned.means["all"]["faithful"].note == "over 1 of 2 tasks"


def test_transfer(tmp_path):
    """Gains: .8 on the trained task, .4 in another style, .2 on another dataset, 0 with several words."""
    gains = {
        ("snli", "attribution", "oneword"): 0.8,
        ("snli", "redaction", "oneword"): 0.4,
        ("trec", "attribution", "oneword"): 0.2,
        ("snli", "attribution", "multiword"): 0.0,
        ("trec", "redaction", "oneword"): -0.2,
    }
    ten = {task: [0.0] * 8 + [1.0] * 2 for task in gains}
    tuned = {
        t: [1.0] * round(10 * g) + [0.0] * (8 - round(10 * g)) + [1.0] * 2 if g >= 0 else [0.0] * 10
        for t, g in gains.items()
    }
    write_run(tmp_path / "base", {task: rows_of(values * 10, task) for task, values in ten.items()})
    for name, arm in (("tuned", "word"), ("control", "random")):
        write_run(
            tmp_path / name, {task: rows_of(values * 10, task) for task, values in tuned.items()}, peft=f"out/{name}"
        )
        train_info(tmp_path / name, arm=[arm])
    board = board_of(tmp_path)
    first, second = board.matrix
    assert [board.checkpoints[int(t.checkpoint[1:])].name for t in board.matrix] == ["tuned", "control"]
    assert (first.control, second.control) == (False, True)
    assert first.trained == ("snli_attribution_oneword",)
    assert first.label == "snli · attribution · oneword" and second.label.endswith("random (control)")
    assert first.on.estimate == pytest.approx(0.8)
    off = {kind: gain.estimate for kind, gain in first.off.items()}
    assert off == {
        "style": pytest.approx(0.4),
        "dataset": pytest.approx(0.2),
        "budget": pytest.approx(0.0),
        "several": pytest.approx(-0.2),
    }
    assert first.ratio.estimate == pytest.approx(0.1 / 0.8)
    assert first.ratio.low < first.ratio.estimate < first.ratio.high


def test_no_ratio_without_a_gain_on_the_trained_tasks(tmp_path):
    other = ("trec", "attribution", "oneword")
    for name, peft in (("base", ""), ("tuned", "out/tuned")):
        write_run(tmp_path / name, {task: rows_of([1.0, 0.0] * 20, task) for task in (TASK, other)}, peft=peft)
    train_info(tmp_path / "tuned")
    (transfer,) = board_of(tmp_path).matrix
    assert transfer.on.estimate == 0 and transfer.ratio.estimate is None
    assert transfer.ratio.note == "no gain above 0 on its own tasks, so nothing can transfer"


@pytest.mark.parametrize(("gained", "ratio"), [(4, None), (5, 3.0)])
def test_no_ratio_to_a_gain_below_the_headroom(tmp_path, gained, ratio):
    """Four or five of 100 documents are gained on the trained task, and fifteen on another one."""
    other = ("trec", "attribution", "oneword")
    won = {TASK: [1.0] * gained + [0.0] * (100 - gained), other: [1.0] * 15 + [0.0] * 85}
    write_run(tmp_path / "base", {task: rows_of([0.0] * 100, task) for task in won})
    write_run(tmp_path / "tuned", {task: rows_of(values, task) for task, values in won.items()}, peft="out/tuned")
    train_info(tmp_path / "tuned")
    (transfer,) = board_of(tmp_path).matrix
    assert transfer.on.low > 0 and transfer.on.estimate == pytest.approx(gained / 100)
    assert transfer.ratio.estimate == (None if ratio is None else pytest.approx(ratio))
    assert transfer.ratio.note == ("its own tasks gained less than 0.05: not measurable" if ratio is None else "")


def test_a_gain_equal_to_the_headroom_is_enough_despite_rounding(tmp_path):
    """Six trained tasks gain .05 each. In binary their mean is 0.049999999999999996."""
    trained_tasks = [
        ("snli", s, b) for s in ("attribution", "redaction", "counterfactual") for b in ("oneword", "multiword")
    ]
    won = {**dict.fromkeys(trained_tasks, 5), ("trec", "attribution", "oneword"): 15}
    write_run(tmp_path / "base", {task: rows_of([0.0] * 100, task) for task in won})
    tuned = {task: rows_of([1.0] * k + [0.0] * (100 - k), task) for task, k in won.items()}
    write_run(tmp_path / "tuned", tuned, peft="out/tuned")
    train_info(
        tmp_path / "tuned", train_styles=["attribution", "redaction", "counterfactual"], budget=["oneword", "multiword"]
    )
    (transfer,) = board_of(tmp_path).matrix
    assert transfer.on.estimate < 0.05 and transfer.ratio.estimate == pytest.approx(3) and transfer.ratio.note == ""


def test_a_training_on_answers_has_no_tasks_of_its_own(tmp_path):
    write_run(tmp_path / "base", {TASK: rows_of([0.0] * 20)})
    write_run(tmp_path / "tuned", {TASK: rows_of([1.0] * 20)}, peft="out/tuned")
    train_info(tmp_path / "tuned", arm=["answers"], train_styles=[])
    (transfer,) = board_of(tmp_path).matrix
    assert transfer.trained == () and transfer.on is None and transfer.ratio is None
    assert (
        transfer.off["style"].estimate == 1.0 and transfer.label == "snli · answers only · oneword · answers (control)"
    )
