"""The numbers of a board against numbers computed by hand or by another way."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import numpy as np
import pytest

from faithfulness_metrics import chance, statistics
from leaderboards.board import Settings
from leaderboards.build import make_board
from leaderboards.notation import rate
from tests.leaderboards.synthetic import TASK, row, rows_of, train_info, write_run

SETTINGS = Settings(draws=2000)


def board(path, settings=SETTINGS):
    return make_board([path], settings=settings)[0]


def two(tmp_path, base, tuned, task=TASK, **columns):
    """A base and a checkpoint; columns: name -> (of the base, of the checkpoint)."""
    for index, (name, outcomes, peft) in enumerate((("base", base, ""), ("tuned", tuned, "out/tuned"))):
        its = {column: values[index] for column, values in columns.items()}
        write_run(tmp_path / name, {task: rows_of(outcomes, task, **its)}, peft=peft)
    return board(tmp_path)


def test_rates_have_wilson_intervals(tmp_path):
    write_run(tmp_path, {TASK: rows_of([1.0] * 8 + [0.0] * 2)})
    (cell,) = board(tmp_path).cells
    estimate = cell.metrics["faithful"]
    # (p + z^2/2n ± z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n) with p = .8, n = 10, z = 1.96
    assert (estimate.estimate, estimate.n) == (0.8, 10)
    assert (estimate.low, estimate.high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))


def test_lift_and_ccf_against_the_metrics_themselves(tmp_path):
    rng = np.random.default_rng(5)
    f, r, o = (rng.random(400) < 0.6).astype(float), rng.integers(0, 3, 400) / 2, (rng.random(400) < 0.95).astype(float)
    write_run(tmp_path, {TASK: rows_of(f.tolist(), random=r.tolist(), oracle=o.tolist())})
    (cell,) = board(tmp_path).cells
    lift, ccf = cell.metrics["lift"], cell.metrics["ccf"]
    assert lift.estimate == pytest.approx(chance.lift(f, r))
    assert ccf.estimate == pytest.approx(chance.ccf(f, r, o))
    # Other draws of the same distribution: intervals agree to what 2,000 draws leave open.
    expected = statistics.difference(f, r)
    assert (lift.low, lift.high) == (pytest.approx(expected.low, abs=0.01), pytest.approx(expected.high, abs=0.01))
    expected = chance.ccf_interval(f, r, o)
    assert (ccf.low, ccf.high) == (pytest.approx(expected.low, abs=0.02), pytest.approx(expected.high, abs=0.02))


def test_ccf_without_room_is_not_measurable(tmp_path):
    write_run(tmp_path, {TASK: rows_of([0.0] * 50, random=0.5, oracle=0.53)})
    (cell,) = board(tmp_path).cells
    assert cell.metrics["ccf"].estimate is None and cell.metrics["ccf"].low is None
    assert cell.metrics["ccf"].note == "not measurable (headroom 0.03)"


def test_an_interval_without_width_says_why(tmp_path):
    found = two(
        tmp_path, [0.0] * 60, [0.0] * 60, acc=([1.0] * 60, [1.0] * 59 + [0.0]), random=(0.0, 0.0), oracle=(1.0, 1.0)
    )
    base, tuned = found.cells
    told = "the same in every document: the interval knows no spread"
    gain = tuned.versus.faithful
    assert (gain.estimate, gain.low, gain.high, gain.note) == (0.0, 0.0, 0.0, told)
    assert tuned.versus.lift.note == told and tuned.versus.acc.note == ""
    ccf = tuned.metrics["ccf"]
    assert (ccf.estimate, ccf.low, ccf.high, ccf.note) == (0.0, 0.0, 0.0, told)
    checkpoint = found.checkpoints[1]
    assert checkpoint.gains["all"].note == f"over 1 tasks; {told}"
    means = checkpoint.means["all"]
    assert (means["lift"].note, means["ccf"].note, means["acc"].note) == (told, told, "")
    mean = found.checkpoints[0].means["all"]["acc"]
    assert (mean.estimate, mean.low, mean.high, mean.note) == (1.0, 1.0, 1.0, told)
    # Wilson's interval of a rate always has a width: z^2 / (n + z^2) at 0 of 60
    assert base.metrics["faithful"].high == pytest.approx(0.0602, abs=1e-4) and not base.metrics["faithful"].note


@pytest.mark.parametrize("value", [1 / 18, 0.7, 0.1])
def test_an_estimate_lies_in_its_interval_whatever_sums_round_to(tmp_path, value):
    """300 times 1/18 have the mean 0.05555555555555557, resamples of them 0.0555555555555555; and 32 bits hold less."""
    other, base, tuned = ("snli", "redaction", "oneword"), [0.0] * 300, [1.0, 0.0] * 150
    for name, outcomes, peft in (("base", base, ""), ("tuned", tuned, "out/tuned")):
        tasks = {t: rows_of(outcomes, t, random=value, oracle=1.0, masked_fraction=value) for t in (TASK, other)}
        write_run(tmp_path / name, tasks, peft=peft)
    train_info(tmp_path / "tuned")
    found = board(tmp_path)
    told = "the same in every document: the interval knows no spread"
    for cell in found.cells:
        one = cell.metrics["masked_fraction"]
        assert (one.estimate, one.low, one.high, one.note) == (value, value, value, told)
    estimates = list(estimates_of(asdict(replace(found, documents=()))))
    assert len(estimates) > 60
    assert [e for e in estimates if e["low"] is not None and not e["low"] <= e["estimate"] <= e["high"]] == []
    for e in (e for e in estimates if e["low"] is not None):
        low, middle, high = (round(float(rate(e[part]).replace("−", "-")), 2) for part in ("low", "estimate", "high"))
        assert low <= middle <= high


def estimates_of(value):
    """Every estimate of a board that has a number."""
    if isinstance(value, dict):
        if set(value) == {"estimate", "low", "high", "n", "note"}:
            yield from [value] if value["estimate"] is not None else []
        else:
            yield from (found for one in value.values() for found in estimates_of(one))
    elif isinstance(value, tuple):
        yield from (found for one in value for found in estimates_of(one))


def test_against_the_base(tmp_path):
    base = [1.0] * 2 + [0.0] * 10
    tuned = [0.0] * 1 + [1.0] * 9 + [0.0] * 2
    found = two(tmp_path, base, tuned, acc=([1.0] * 12, [1.0] * 9 + [0.0] * 3), random=(0.0, 0.5))
    cells = {cell.checkpoint: cell for cell in found.cells}
    versus = cells["c1"].versus
    assert cells["c0"].versus is None
    assert versus.n == 12 and (versus.only_base, versus.only_checkpoint) == (1, 8)
    assert versus.faithful.estimate == pytest.approx(7 / 12)
    # Two-sided binomial, 1 of 9: 2 (1 + 9) / 2^9
    assert versus.p == pytest.approx(20 / 512) and versus.p_holm == pytest.approx(20 / 512)
    assert versus.marker == "better"
    assert versus.acc.estimate == pytest.approx(-0.25)
    assert versus.lift.estimate == pytest.approx(7 / 12 - 0.5)
    assert versus.detectable == pytest.approx(statistics.detectable_difference(12, 9 / 12))
    expected = statistics.difference(tuned, base)
    assert versus.faithful.low == pytest.approx(expected.low, abs=0.09)
    assert versus.faithful.high == pytest.approx(expected.high, abs=0.09)


def test_drift(tmp_path):
    base = rows_of([0.0] * 4, prediction=["positive", "positive", "negative", "negative"])
    tuned = rows_of([0.0] * 4, prediction=["positive", "negative", None, "unknown"], acc=1.0, after="positive")
    for r in tuned:
        r["acc"] = 1.0
    write_run(tmp_path / "a", {TASK: base})
    write_run(tmp_path / "b", {TASK: tuned}, peft="out/tuned")
    (versus,) = [cell.versus for cell in board(tmp_path).cells if cell.versus]
    assert versus.agreement == 0.25
    assert versus.entropy_base == pytest.approx(math.log(2)) and versus.entropy == pytest.approx(math.log(3))
    assert (versus.unknown, versus.unknown_base, versus.unparsed, versus.unparsed_base) == (0.25, 0.0, 0.25, 0.0)


def test_the_same_answers_under_other_rules(tmp_path):
    """Ten documents: 4 faithful, 2 answered "unknown" without the word, 1 unreadable there, 1 unchanged, 2 invalid."""
    rows = [row(i, 1.0) for i in range(4)]
    rows += [row(i, 0.0, after="unknown") for i in (4, 5)]
    rows += [row(6, 0.0, after=None), row(7, 0.0), row(8, 0.0, valid=0.0), row(9, 0.0, valid=0.0)]
    write_run(tmp_path, {TASK: rows}, options={"labels": ["negative", "positive", "unknown"], "unknown": True})
    (cell,) = board(tmp_path).cells
    values = {name: (one.estimate, one.n) for name, one in cell.rules.items()}
    assert values["strict"] == (0.4, 10)
    assert values["given valid"] == (0.5, 8)
    assert values["abstention counted"] == (0.7, 10)
    # Madsen: correct and read: 4 changed, 2 "unknown", 1 unchanged; only "unknown" counts.
    assert values["madsen"] == (pytest.approx(2 / 7), 7)
    assert cell.metrics["faithful_given_valid"].estimate == 0.5


def test_madsens_rule_is_left_out_where_it_has_nothing_to_say(tmp_path):
    write_run(tmp_path, {TASK: rows_of([1.0, 0.0])})
    (cell,) = board(tmp_path).cells
    assert list(cell.rules) == ["strict", "given valid", "abstention counted"]


def test_holm_is_over_all_tasks_of_a_checkpoint(tmp_path):
    tasks = {("snli", style, "oneword"): None for style in ("attribution", "redaction", "counterfactual")}
    gains = {"attribution": 10, "redaction": 7, "counterfactual": 1}
    write_run(tmp_path / "a", {task: rows_of([0.0] * 20, task) for task in tasks})
    write_run(
        tmp_path / "b",
        {t: rows_of([1.0] * gains[t[1]] + [0.0] * (20 - gains[t[1]]), t) for t in tasks},
        peft="out/tuned",
    )
    found = {cell.task.split("_")[1]: cell.versus for cell in board(tmp_path).cells if cell.versus}
    assert found["attribution"].p == pytest.approx(2 / 2**10)
    assert found["attribution"].p_holm == pytest.approx(3 * 2 / 2**10)
    assert found["redaction"].p_holm == pytest.approx(2 * 2 / 2**7)
    assert found["counterfactual"].p_holm == 1.0
    assert [found[s].marker for s in ("attribution", "redaction", "counterfactual")] == ["better", "better", ""]


def test_documents_without_a_value_are_left_out_of_pairs_and_counted(tmp_path):
    found = two(tmp_path, [0.0, 0.0, 0.0, None], [1.0, 1.0, None, 1.0])
    cells = {cell.checkpoint: cell for cell in found.cells}
    assert cells["c1"].missing == 1 and cells["c1"].metrics["faithful"].n == 3
    assert cells["c1"].metrics["faithful"].note == "defined for 3 of 4 documents"
    versus = cells["c1"].versus
    assert (versus.n, versus.faithful.n, versus.faithful.estimate) == (2, 2, 1.0)
    told = "the same in every document: the interval knows no spread"
    assert versus.faithful.note == f"2 documents without a value left out; {told}"


def test_a_board_is_the_same_every_time_and_does_not_hang_on_who_else_is_on_it(tmp_path):
    rng = np.random.default_rng(1)
    outcomes = [(rng.random(60) < 0.5).astype(float).tolist() for _ in range(3)]
    write_run(tmp_path / "a" / "base", {TASK: rows_of(outcomes[0], random=0.5)})
    write_run(tmp_path / "a" / "tuned", {TASK: rows_of(outcomes[1], random=0.5)}, peft="out/tuned")
    first, again = board(tmp_path), board(tmp_path)
    assert first.cells == again.cells and first.checkpoints == again.checkpoints
    write_run(tmp_path / "b", {TASK: rows_of(outcomes[2], random=0.5)}, peft="out/more")
    names = {c.id: c.name for c in board(tmp_path).checkpoints}
    more = {names[cell.checkpoint]: cell.metrics for cell in board(tmp_path).cells}
    assert [more[c.name] for c in first.checkpoints] == [cell.metrics for cell in first.cells]


def test_means_over_tasks_draw_shared_documents_together(tmp_path):
    """Two tasks with equal outcomes on the same documents say no more than one of them."""
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
    width = {}
    for name in ("one", "same", "apart"):
        (checkpoint,) = board(tmp_path / name).checkpoints
        mean = checkpoint.means["all"]["faithful"]
        width[name] = mean.high - mean.low
    assert width["same"] == pytest.approx(width["one"], rel=1e-5)
    assert width["apart"] == pytest.approx(width["one"] / math.sqrt(2), rel=0.1)


def test_n_of_a_mean_counts_documents_and_a_text_in_several_tasks_once(tmp_path):
    """It is documents that the bootstrap draws. snli: 20 texts in two tasks, 30 in a third; trec: 10 others."""
    tasks = {
        TASK: [1.0] * 20,
        ("snli", "redaction", "oneword"): [1.0] * 19 + [None],
        ("snli", "attribution", "multiword"): [0.0] * 29 + [None],
        ("trec", "attribution", "oneword"): [0.0] * 9 + [None],
    }
    write_run(tmp_path / "base", {t: rows_of([0.0] * len(values), t) for t, values in tasks.items()})
    write_run(tmp_path / "tuned", {t: rows_of(values, t) for t, values in tasks.items()}, peft="out/tuned")
    train_info(tmp_path / "tuned")
    found = board(tmp_path)
    base, tuned = found.checkpoints
    assert (found.documents_total, found.pairs_total) == (30 + 10, 20 + 20 + 30 + 10)
    assert {group: one["faithful"].n for group, one in base.means.items()} == {
        "all": 40,
        "in distribution": 20,
        "several words": 30,
        "unseen": 10,
    }
    # Where a value is missing, the document counts if another task has one for it.
    assert {group: one["faithful"].n for group, one in tuned.means.items()} == {
        "all": 38,
        "in distribution": 20,
        "several words": 29,
        "unseen": 9,
    }
    assert {group: one.n for group, one in tuned.gains.items()} == {
        group: one["faithful"].n for group, one in tuned.means.items()
    }
    (row_,) = found.matrix
    assert (row_.on.n, row_.off["style"].n, row_.ratio.n) == (20, 19, 38)
    assert all(cell.metrics["faithful"].n == sum(v is not None for v in tasks[TASK]) for cell in found.cells[:1])


def test_n_without_samples_counts_as_many_documents_of_a_dataset_as_the_same(tmp_path):
    tasks = [TASK, ("snli", "redaction", "oneword"), ("trec", "attribution", "oneword")]
    write_run(tmp_path, {t: rows_of([1.0, 0.0] * 10, t) for t in tasks}, samples=False)
    found = board(tmp_path)
    assert found.checkpoints[0].means["all"]["faithful"].n == found.documents_total == 40
    assert found.pairs_total == 0  # no cards without samples


def test_groups_of_tasks(tmp_path):
    tasks = {
        ("snli", "attribution", "oneword"): 1.0,
        ("snli", "attribution", "multiword"): 0.5,
        ("trec", "attribution", "oneword"): 0.25,
    }
    its = {task: rows_of([1.0] * int(8 * rate) + [0.0] * int(8 - 8 * rate), task) for task, rate in tasks.items()}
    write_run(tmp_path / "base", its)
    write_run(tmp_path / "tuned", {task: rows_of([1.0] * 8, task) for task in tasks}, peft="out/tuned")
    found = board(tmp_path)
    assert set(found.checkpoints[0].means) == {"all"}  # nobody's training is known
    train_info(tmp_path / "tuned")
    base, tuned = board(tmp_path).checkpoints
    means = {group: one["faithful"].estimate for group, one in base.means.items()}
    assert means == {"all": pytest.approx(1.75 / 3), "in distribution": 1.0, "several words": 0.5, "unseen": 0.25}
    assert tuned.means["unseen"]["faithful"].estimate == 1.0
    gains = {group: one.estimate for group, one in tuned.gains.items()}
    assert base.gains == {}
    assert gains == {"all": pytest.approx(1.25 / 3), "in distribution": 0.0, "several words": 0.5, "unseen": 0.75}
    assert tuned.gains["all"].low < tuned.gains["all"].estimate < tuned.gains["all"].high
    assert [task.trained_on for task in board(tmp_path).tasks] == [True, True, False]


def test_a_mean_over_fewer_tasks_says_so(tmp_path):
    other = ("snli", "redaction", "oneword")
    write_run(tmp_path / "base", {TASK: rows_of([1.0, 0.0]), other: rows_of([1.0, 1.0], other)})
    write_run(tmp_path / "tuned", {TASK: rows_of([1.0, 0.0])}, peft="out/tuned")
    base, tuned = board(tmp_path).checkpoints
    assert base.means["all"]["faithful"].note == ""
    assert tuned.means["all"]["faithful"].note == "over 1 of 2 tasks"


def test_transfer(tmp_path):
    """Trained on snli, attribution, one word; gains: .8 there, .4 in another style, .2 elsewhere, 0 with several."""
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
    found = board(tmp_path)
    first, second = found.matrix
    assert [found.checkpoints[int(t.checkpoint[1:])].name for t in found.matrix] == ["tuned", "control"]
    assert (first.control, second.control) == (False, True)
    assert first.trained == ("snli_attribution_oneword",)
    assert first.label == "snli · attribution · oneword" and second.label.endswith("random (control)")
    assert first.on.estimate == pytest.approx(0.8)
    off = {kind: one.estimate for kind, one in first.off.items()}
    assert off == {
        "style": pytest.approx(0.4),
        "dataset": pytest.approx(0.2),
        "budget": pytest.approx(0.0),
        "several": pytest.approx(-0.2),
    }
    assert first.ratio.estimate == pytest.approx(0.1 / 0.8)
    assert first.ratio.low < first.ratio.estimate < first.ratio.high


def test_no_ratio_without_a_gain_at_home(tmp_path):
    other = ("trec", "attribution", "oneword")
    for name, peft in (("base", ""), ("tuned", "out/tuned")):
        write_run(tmp_path / name, {task: rows_of([1.0, 0.0] * 20, task) for task in (TASK, other)}, peft=peft)
    train_info(tmp_path / "tuned")
    (row_,) = board(tmp_path).matrix
    assert row_.on.estimate == 0 and row_.ratio.estimate is None
    assert row_.ratio.note == "no gain above 0 on its own tasks: nothing to carry over"


@pytest.mark.parametrize(("gained", "told"), [(4, None), (5, 3.0)])
def test_a_ratio_to_a_hundredth_is_no_number(tmp_path, gained, told):
    """Of 100 documents four or five are won at home, and fifteen elsewhere."""
    other = ("trec", "attribution", "oneword")
    won = {TASK: [1.0] * gained + [0.0] * (100 - gained), other: [1.0] * 15 + [0.0] * 85}
    write_run(tmp_path / "base", {task: rows_of([0.0] * 100, task) for task in won})
    write_run(tmp_path / "tuned", {task: rows_of(values, task) for task, values in won.items()}, peft="out/tuned")
    train_info(tmp_path / "tuned")
    (row_,) = board(tmp_path).matrix
    assert row_.on.low > 0 and row_.on.estimate == pytest.approx(gained / 100)
    assert row_.ratio.estimate == (None if told is None else pytest.approx(told))
    assert row_.ratio.note == ("its own tasks gained less than 0.05: not measurable" if told is None else "")


def test_a_gain_of_five_hundredths_is_enough_whatever_its_sum_rounds_to(tmp_path):
    """Six tasks of its own with .05 each: in binary their mean is 0.049999999999999996."""
    at_home = [("snli", s, b) for s in ("attribution", "redaction", "counterfactual") for b in ("oneword", "multiword")]
    won = {**dict.fromkeys(at_home, 5), ("trec", "attribution", "oneword"): 15}
    write_run(tmp_path / "base", {task: rows_of([0.0] * 100, task) for task in won})
    tuned = {task: rows_of([1.0] * k + [0.0] * (100 - k), task) for task, k in won.items()}
    write_run(tmp_path / "tuned", tuned, peft="out/tuned")
    train_info(
        tmp_path / "tuned", train_styles=["attribution", "redaction", "counterfactual"], budget=["oneword", "multiword"]
    )
    (row_,) = board(tmp_path).matrix
    assert row_.on.estimate < 0.05 and row_.ratio.estimate == pytest.approx(3) and row_.ratio.note == ""


def test_a_training_on_answers_has_no_tasks_of_its_own(tmp_path):
    write_run(tmp_path / "base", {TASK: rows_of([0.0] * 20)})
    write_run(tmp_path / "tuned", {TASK: rows_of([1.0] * 20)}, peft="out/tuned")
    train_info(tmp_path / "tuned", arm=["answers"], train_styles=[])
    (row_,) = board(tmp_path).matrix
    assert row_.trained == () and row_.on is None and row_.ratio is None
    assert row_.off["style"].estimate == 1.0 and row_.label == "snli · answers only · oneword · answers (control)"
