"""Numbers that the transcripts contradict are on no board; numbers that follow from them are."""

from __future__ import annotations

import json
import math
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboards import cli
from leaderboards.lm_eval_files.recomputed import evidence_of, evidence_types, recomputed
from leaderboards.lm_eval_files.results_file import SamplesFile
from leaderboards.lm_eval_files.samples_file import read_samples
from lm_eval_tasks import scoring
from tests.leaderboards.boards_from_files import OTHER_TASK, OUTCOMES, board_of
from tests.leaderboards.result_files import DATE, TASK, name_of, row, rows_of, write_run

RULES = {
    "faithful": scoring.faithful,
    "valid": scoring.valid,
    "acc": scoring.accuracy,
    "faithful_random": scoring.faithful_random,
    "lift": scoring.lift,
    "lift_given_valid": scoring.lift_given_valid,
    "faithful_oracle": scoring.faithful_oracle,
    "headroom": scoring.headroom,
    "abstain": scoring.abstain,
}
LABELS = st.sampled_from([None, "positive", "negative", "unknown"])
ANSWERS = st.builds(lambda label: {"label": label, "logprobs": None, "positions": [0], "answer": ""}, LABELS)
EXPLANATIONS = st.fixed_dictionaries({"valid": st.booleans(), "target": st.sampled_from(["", "third"])})


@st.composite
def transcripts(draw):
    explanation = draw(st.none() | EXPLANATIONS)
    oracle = st.fixed_dictionaries({"singles": st.lists(ANSWERS, max_size=3), "greedy": st.lists(ANSWERS, max_size=2)})
    return {
        "hash": "x",
        "gold": draw(LABELS),
        "prediction": draw(ANSWERS),
        "explanation": explanation,
        # as the protocol writes it: a document is perturbed where the explanation is valid
        "perturbed": draw(ANSWERS) if explanation and explanation["valid"] else None,
        "random": draw(st.lists(ANSWERS, max_size=3)),
        "oracle": draw(st.none() | oracle),
    }


@given(st.lists(transcripts(), min_size=1, max_size=20))
def test_the_numbers_are_those_of_the_tasks(documents):
    for document in documents:
        if document["explanation"] and document["explanation"]["target"]:
            variants = [*document["random"], document["perturbed"] or {}]
            for variant in variants[::2]:
                variant.update(label="third")
    types = {"prediction": pl.String, "target": pl.String, "after": pl.String, "gold": pl.String, **evidence_types()}
    rows = [
        {
            "prediction": document["prediction"]["label"],
            "target": (document["explanation"] or {}).get("target"),
            "after": (document["perturbed"] or {}).get("label"),
            "gold": document["gold"],
            "ccf": None,
            **evidence_of(document),
        }
        for document in documents
    ]
    frame = recomputed(pl.DataFrame(rows, schema=types))
    for name, rule in RULES.items():
        values = [rule(document) for document in documents]
        assert frame[name].to_list() == [None if math.isnan(value) else value for value in values], name


def test_both_readers_give_the_same(tmp_path):
    rows = rows_of([1.0, 0.0, 1.0, 0.0], random=[0.0, 0.5, 1.0, 0.25], valid=[1.0, 1.0, 1.0, 0.0])
    path = tmp_path / "samples.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    fast = read_samples(SamplesFile(path))
    rows[0]["more"], rows[0]["metrics"] = math.nan, [*rows[0]["metrics"], "more"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    slow = read_samples(SamplesFile(path))
    assert slow.frame.drop("more").equals(fast.frame)


def forge(path: Path, change) -> None:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for number, sample in enumerate(rows):
        change(number, sample)
    path.write_text("".join(json.dumps(sample) + "\n" for sample in rows))


def set_to(name, value, number=1):
    def change(at, sample):
        if at == number:
            sample[name] = value

    return change


FORGERIES = [
    (set_to("faithful", 1.0), "faithful is 1 in 1 document, but 0 by the transcript (first: sample 2, doc_hash "),
    (set_to("valid", 0.0, 0), "valid is 0 in 1 document, but 1 by the transcript (first: sample 1"),
    (set_to("acc", 0.0), "acc is 0 in 1 document, but 1 by the transcript (first: sample 2"),
    (set_to("faithful_random", 0.5), "faithful_random is 0.5 in 1 document, but 0 by the transcript"),
    (set_to("faithful_oracle", 0.0), "faithful_oracle is 0 in 1 document, but 1 by the transcript"),
    (set_to("lift", 5.0), "lift is 5 in 1 document, but 0 by the transcript"),
    (set_to("lift", 0.5), "lift is 0.5 in 1 document, but 0 by the transcript"),
    (
        set_to("ccf", [1.0, 0.0, 1.0]),
        "ccf is [1.0, 0.0, 1.0] in 1 document, but other parts follow from",
    ),
    (set_to("lift", 1e308), "lift is 1e+308 in 1 document, but 0 by the transcript"),
]


@pytest.mark.parametrize(("change", "reason"), FORGERIES)
def test_a_forged_sample_is_refused_and_left_out(tmp_path, capsys, change, reason):
    write_run(tmp_path / "honest", {TASK: rows_of(OUTCOMES)}, model="models/honest")
    write_run(tmp_path / "forged", {TASK: rows_of(OUTCOMES)})
    path = tmp_path / "forged" / f"samples_{name_of(TASK)}_{DATE}.jsonl"
    forge(path, change)
    board = board_of(tmp_path)
    assert [cell.checkpoint for cell in board.cells] == [c.id for c in board.checkpoints if c.name == "honest"]
    (skipped,) = board.skipped
    assert skipped.path == str(path) and skipped.reason.startswith(reason)
    assert cli.main([str(tmp_path / "forged"), "--check"]) == 1
    assert f"{path}: {reason}" in capsys.readouterr().out


def test_a_column_of_ones_with_its_mean_is_refused(tmp_path):
    """11 of 20 transcripts show no change, and the file and its mean say that all are faithful."""
    outcomes = [1.0] * 9 + [0.0] * 11
    rows = rows_of(outcomes)
    for sample in rows:
        sample.update(faithful=1.0, lift=1.0, ccf=[1.0, 0.0, 1.0])
    write_run(tmp_path, {TASK: rows, OTHER_TASK: rows_of(OUTCOMES, OTHER_TASK)})
    board = board_of(tmp_path)
    assert [task.style for task in board.tasks] == ["redaction"]
    assert board.skipped[0].reason.startswith("faithful is 1 in 11 documents, but 0 by the transcript")


def test_a_change_without_a_valid_explanation_is_refused(tmp_path):
    """A perturbed text beside an explanation that is not valid: the tasks never write one."""
    transcript = row(0, 1.0)
    content = json.loads(transcript["filtered_resps"][0])
    content["explanation"]["valid"] = False
    transcript["filtered_resps"] = transcript["resps"][0] = [json.dumps(content)]
    transcript["valid"] = 0.0
    write_run(tmp_path, {TASK: [transcript], OTHER_TASK: rows_of(OUTCOMES, OTHER_TASK)})
    assert board_of(tmp_path).skipped[0].reason.startswith("faithful is 1 in 1 document, but 0 by the transcript")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"lift,none": 0.75', '"lift,none": 5.0', "lift is 5 in the results, which these tasks never give"),
        (
            '"lift,none": 0.75',
            '"lift,none": 0.5',
            "lift is 0.5 in the results, which is not faithful -",
        ),
        ('"valid,none": 1.0', '"valid,none": 1.5', "valid is 1.5 in the results, which these tasks never give"),
    ],
)
def test_means_without_samples_have_their_ranges(tmp_path, capsys, old, new, reason):
    write_run(tmp_path / "honest", {TASK: rows_of(OUTCOMES)}, model="models/honest")
    path = write_run(tmp_path / "forged", {TASK: rows_of(OUTCOMES)}, samples=False)
    path.write_text(path.read_text().replace(old, new))
    (skipped,) = board_of(tmp_path).skipped
    assert skipped.reason.startswith(reason)
    # beside samples, the samples count, and the check says so
    path = write_run(tmp_path / "forged", {TASK: rows_of(OUTCOMES)})
    path.write_text(path.read_text().replace(old, new))
    assert not board_of(tmp_path).skipped
    assert cli.main([str(tmp_path / "forged"), "--check"]) == 1 and reason in capsys.readouterr().out
