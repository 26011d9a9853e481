"""The numbers of a board, against numbers computed by hand or in another way."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import numpy as np
import pytest

from faithfulness_metrics import chance, statistics
from leaderboards.board import Settings
from leaderboards.build import make_board
from leaderboards.number_format import rate
from tests.leaderboards.result_files import TASK, row, rows_of, train_info, write_run

SETTINGS = Settings(draws=2000)


def board_of(path, settings=SETTINGS):
    return make_board([path], settings=settings)[0]


def base_and_tuned(tmp_path, base, tuned, task=TASK, **columns):
    """A board of a base and a checkpoint. `columns` are metrics: (of the base, of the checkpoint)."""
    for index, (name, outcomes, peft) in enumerate((("base", base, ""), ("tuned", tuned, "out/tuned"))):
        columns_of_run = {column: values[index] for column, values in columns.items()}
        write_run(tmp_path / name, {task: rows_of(outcomes, task, **columns_of_run)}, peft=peft)
    return board_of(tmp_path)


def test_rates_have_wilson_intervals(tmp_path):
    write_run(tmp_path, {TASK: rows_of([1.0] * 8 + [0.0] * 2)})
    (cell,) = board_of(tmp_path).cells
    estimate = cell.metrics["faithful"]
    # (p + z^2/2n ± z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n) with p = .8, n = 10, z = 1.96
    assert (estimate.estimate, estimate.n) == (0.8, 10)
    assert (estimate.low, estimate.high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))


def test_lift_and_ccf_against_the_metrics_themselves(tmp_path):
    rng = np.random.default_rng(5)
    f, r = (rng.random(400) < 0.6).astype(float), rng.integers(0, 3, 400) / 2
    o = np.maximum(np.maximum(f, r > 0), rng.random(400) < 0.8)
    write_run(tmp_path, {TASK: rows_of(f.tolist(), random=r.tolist(), oracle=o.tolist())})
    (cell,) = board_of(tmp_path).cells
    lift, ccf = cell.metrics["lift"], cell.metrics["ccf"]
    assert lift.estimate == pytest.approx(chance.lift(f, r))
    assert ccf.estimate == pytest.approx(chance.ccf(f, r, o))
    # Other draws from the same distribution, so the intervals agree up to the error of 2,000 draws.
    expected = statistics.difference(f, r)
    assert (lift.low, lift.high) == (pytest.approx(expected.low, abs=0.01), pytest.approx(expected.high, abs=0.01))
    expected = chance.ccf_interval(f, r, o)
    assert (ccf.low, ccf.high) == (pytest.approx(expected.low, abs=0.02), pytest.approx(expected.high, abs=0.02))


def test_ccf_without_room_is_not_measurable(tmp_path):
    write_run(tmp_path, {TASK: rows_of([0.0] * 100, random=[1.0] * 50 + [0.0] * 50, oracle=[1.0] * 53 + [0.0] * 47)})
    (cell,) = board_of(tmp_path).cells
    assert cell.metrics["ccf"].estimate is None and cell.metrics["ccf"].low is None
    assert cell.metrics["ccf"].note == "not measurable (headroom 0.03)"


def test_an_interval_without_width_says_why(tmp_path):
    board = base_and_tuned(
        tmp_path, [0.0] * 60, [0.0] * 60, acc=([1.0] * 60, [1.0] * 59 + [0.0]), random=(0.0, 0.0), oracle=(1.0, 1.0)
    )
    base, tuned = board.cells
    note = "the same in every document: the interval has no width"
    gain = tuned.versus.faithful
    assert (gain.estimate, gain.low, gain.high, gain.note) == (0.0, 0.0, 0.0, note)
    assert tuned.versus.lift.note == note and tuned.versus.acc.note == ""
    ccf = tuned.metrics["ccf"]
    assert (ccf.estimate, ccf.low, ccf.high, ccf.note) == (0.0, 0.0, 0.0, note)
    checkpoint = board.checkpoints[1]
    assert checkpoint.gains["all"].note == f"over 1 tasks; {note}"
    means = checkpoint.means["all"]
    assert (means["lift"].note, means["ccf"].note, means["acc"].note) == (note, note, "")
    mean = board.checkpoints[0].means["all"]["acc"]
    # So has a mean of rates that are all 1: n / (n + z^2) at 60 of 60.
    assert (mean.estimate, mean.high, mean.note) == (1.0, 1.0, "") and mean.low == pytest.approx(0.9398, abs=1e-4)
    # Wilson's interval of a rate always has a width: z^2 / (n + z^2) at 0 of 60
    assert base.metrics["faithful"].high == pytest.approx(0.0602, abs=1e-4) and not base.metrics["faithful"].note


@pytest.mark.parametrize("value", [1 / 18, 0.7, 0.1])
def test_an_estimate_lies_in_its_interval_whatever_sums_round_to(tmp_path, value):
    """The mean of 300 values 1/18 is 0.05555555555555557, and of resamples 0.0555555555555555. 32 bits hold less."""
    other, base, tuned = ("snli", "redaction", "oneword"), [0.0] * 300, [1.0, 0.0] * 150
    for name, outcomes, peft in (("base", base, ""), ("tuned", tuned, "out/tuned")):
        tasks = {t: rows_of(outcomes, t, random=value, oracle=1.0, masked_fraction=value) for t in (TASK, other)}
        write_run(tmp_path / name, tasks, peft=peft)
    train_info(tmp_path / "tuned")
    board = board_of(tmp_path)
    note = "the same in every document: the interval has no width"
    for cell in board.cells:
        fraction = cell.metrics["masked_fraction"]
        assert (fraction.estimate, fraction.low, fraction.high, fraction.note) == (value, value, value, note)
    estimates = list(estimates_of(asdict(replace(board, documents=()))))
    assert len(estimates) > 60
    assert [e for e in estimates if e["low"] is not None and not e["low"] <= e["estimate"] <= e["high"]] == []
    for e in (e for e in estimates if e["low"] is not None):
        low, middle, high = (round(float(rate(e[part]).replace("−", "-")), 2) for part in ("low", "estimate", "high"))
        assert low <= middle <= high


def estimates_of(value):
    """All estimates of a board that have a number."""
    if isinstance(value, dict):
        if set(value) == {"estimate", "low", "high", "n", "note"}:
            yield from [value] if value["estimate"] is not None else []
        else:
            yield from (estimate for item in value.values() for estimate in estimates_of(item))
    elif isinstance(value, tuple):
        yield from (estimate for item in value for estimate in estimates_of(item))


def test_against_the_base(tmp_path):
    base = [1.0] * 2 + [0.0] * 10
    tuned = [0.0] * 1 + [1.0] * 9 + [0.0] * 2
    board = base_and_tuned(tmp_path, base, tuned, acc=([1.0] * 12, [1.0] * 9 + [0.0] * 3), random=(0.0, 0.5))
    cells = {cell.checkpoint: cell for cell in board.cells}
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
    predictions = ["positive", "negative", None, "unknown"]
    tuned = rows_of([0.0] * 4, prediction=predictions, acc=[1.0, 1.0, 0.0, 1.0], after=predictions, oracle=0.0)
    write_run(tmp_path / "a", {TASK: base})
    write_run(tmp_path / "b", {TASK: tuned}, peft="out/tuned")
    (versus,) = [cell.versus for cell in board_of(tmp_path).cells if cell.versus]
    assert versus.agreement == 0.25
    assert versus.entropy_base == pytest.approx(math.log(2)) and versus.entropy == pytest.approx(math.log(3))
    assert (versus.unknown, versus.unknown_base, versus.unparsed, versus.unparsed_base) == (0.25, 0.0, 0.25, 0.0)


def test_the_same_answers_under_other_rules(tmp_path):
    """Ten documents: 4 change, 2 become "unknown", 1 unreadable after masking, 1 unchanged, 2 invalid."""
    rows = [row(i, 1.0) for i in range(4)]
    rows += [row(i, 1.0, after="unknown") for i in (4, 5)]
    rows += [row(6, 0.0, after=None), row(7, 0.0), row(8, 0.0, valid=0.0), row(9, 0.0, valid=0.0)]
    write_run(tmp_path, {TASK: rows}, options={"labels": ["negative", "positive", "unknown"], "unknown": True})
    (cell,) = board_of(tmp_path).cells
    values = {name: (estimate.estimate, estimate.n) for name, estimate in cell.rules.items()}
    assert values["strict"] == (0.6, 10)
    assert values["given valid"] == (0.75, 8)
    assert values["abstention counted"] == (0.7, 10)
    # Madsen: correct and read: 4 changed, 2 "unknown", 1 unchanged; only "unknown" counts.
    assert values["madsen"] == (pytest.approx(2 / 7), 7)
    assert cell.metrics["faithful_given_valid"].estimate == 0.75


def test_madsens_rule_is_left_out_where_it_has_nothing_to_say(tmp_path):
    write_run(tmp_path, {TASK: rows_of([1.0, 0.0])})
    (cell,) = board_of(tmp_path).cells
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
    comparisons = {cell.task.split("_")[1]: cell.versus for cell in board_of(tmp_path).cells if cell.versus}
    assert comparisons["attribution"].p == pytest.approx(2 / 2**10)
    assert comparisons["attribution"].p_holm == pytest.approx(3 * 2 / 2**10)
    assert comparisons["redaction"].p_holm == pytest.approx(2 * 2 / 2**7)
    assert comparisons["counterfactual"].p_holm == 1.0
    assert [comparisons[s].marker for s in ("attribution", "redaction", "counterfactual")] == ["better", "better", ""]


def test_documents_without_a_value_are_left_out_of_pairs_and_counted(tmp_path):
    board = base_and_tuned(tmp_path, [0.0, 0.0, 0.0, None], [1.0, 1.0, None, 1.0])
    cells = {cell.checkpoint: cell for cell in board.cells}
    assert cells["c1"].missing == 1 and cells["c1"].metrics["faithful"].n == 3
    assert cells["c1"].metrics["faithful"].note == "defined for 3 of 4 documents"
    versus = cells["c1"].versus
    assert (versus.n, versus.faithful.n, versus.faithful.estimate) == (2, 2, 1.0)
    note = "the same in every document: the interval has no width"
    assert versus.faithful.note == f"2 documents without a value left out; {note}"


def test_numbers_are_reproducible_and_do_not_depend_on_other_rows(tmp_path):
    rng = np.random.default_rng(1)
    outcomes = [(rng.random(60) < 0.5).astype(float).tolist() for _ in range(3)]
    write_run(tmp_path / "a" / "base", {TASK: rows_of(outcomes[0], random=0.5)})
    write_run(tmp_path / "a" / "tuned", {TASK: rows_of(outcomes[1], random=0.5)}, peft="out/tuned")
    first, again = board_of(tmp_path), board_of(tmp_path)
    assert first.cells == again.cells and first.checkpoints == again.checkpoints
    write_run(tmp_path / "b", {TASK: rows_of(outcomes[2], random=0.5)}, peft="out/more")
    names = {c.id: c.name for c in board_of(tmp_path).checkpoints}
    more = {names[cell.checkpoint]: cell.metrics for cell in board_of(tmp_path).cells}
    assert [more[c.name] for c in first.checkpoints] == [cell.metrics for cell in first.cells]
