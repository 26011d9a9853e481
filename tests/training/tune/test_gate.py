"""Options, counts, and the gate of a tuning."""

from __future__ import annotations

from typing import Any

import pytest

from faithful_se.errors import UsageError
from training.tune.measure import Measurement
from training.tune.options import GateOptions, RowOptions, per_dataset
from training.tune.report import gate_failures, gate_line


def measured(right: int, answers: dict[str, int], valid: int = 9) -> Measurement:
    counts: Any = {"valid": valid, "n": 10, "reasons": {"refusal": 10 - valid}}
    return {
        "n": 20,
        "right": right,
        "majority": 10,
        "answers": answers,
        "label_mass": 0.9,
        "valid": {"s oneword": counts},
    }


def test_a_model_at_every_threshold_passes() -> None:
    after = {
        "sentiment140": measured(14, {"positive": 13, "negative": 7}, 8),
        "snli": measured(12, {"neutral": 10, "entailment": 10}, 8),
        "agnews": measured(16, {"world": 9, "sports": 9, "": 2}, 8),
        "trec": measured(3, {"entity": 9, "location": 11}, 8),
    }
    labels = {"sentiment140": 2, "snli": 3, "agnews": 4, "trec": 6}
    assert gate_failures(after, labels, GateOptions(most_frequent=("trec=.55",))) == []
    assert gate_line([]) == "gate passed"


def test_every_failure_has_its_number() -> None:
    after = {"sentiment140": measured(13, {"positive": 14, "negative": 6}, 7), "snli": measured(20, {"neutral": 11}, 8)}
    failures = gate_failures(after, {"sentiment140": 2, "snli": 3}, GateOptions())
    assert gate_line(failures) == (
        'gate failed: sentiment140 accuracy .65 < .70; sentiment140 answers "positive" for .70 > .65; '
        'snli answers "neutral" for .55 > .50; s oneword valid .75 < .80'
    )
    lenient = GateOptions(least_accuracy=("0.5",), most_frequent=("1", "snli=.6"), least_valid=0.7)
    assert gate_failures(after, {"sentiment140": 2, "snli": 3}, lenient) == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["many"], "--rows many: give a number, or DATASET=NUMBER"),
        (["trec=5"], "--rows trec=5: --tasks has no trec; give one of snli, agnews"),
        (["-3"], "--rows -3: give a number from 0"),
        (["snli=nan"], "--rows snli=nan: give a number from 0"),
    ],
)
def test_numbers_of_datasets_are_checked(values: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        per_dataset("--rows", values, ["snli", "agnews"])


def test_rows_can_differ_from_dataset_to_dataset() -> None:
    assert RowOptions(rows=("100", "snli=300")).rows_of(["snli", "agnews"]) == {"snli": 300, "agnews": 100}
    assert RowOptions(rows=("snli=300",)).rows_of(["snli", "agnews"]) == {"snli": 300, "agnews": 2000}
    with pytest.raises(UsageError, match=r"--rows 2\.5: give a whole number from 2"):
        RowOptions(rows=("2.5",)).rows_of(["snli"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"styles": ("poem",)}, "--styles poem: give some of"),
        ({"budgets": ("oneword", "oneword")}, "--budgets oneword oneword: give each once"),
        ({"masked": 1.5}, "--masked 1.5: give a share"),
        ({"max_chars": 0}, "--max-chars 0: give a whole number from 1"),
        ({"mask": " "}, "--mask: give a text of one line"),
    ],
)
def test_wrong_options_are_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RowOptions(**options)
