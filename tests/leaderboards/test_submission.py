"""`faithful-se board --check` prints a line per problem, and none for a good submission."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from faithful_se.errors import UsageError
from leaderboards import cli
from leaderboards.lm_eval_files.option_defaults import DEFAULTS
from lm_eval_tasks.options import FEWSHOT_SEED, Options
from tests.leaderboards.result_files import DATE, TASK, name_of, row, rows_of, train_info, write_run

OUTCOMES = [1.0, 0.0, 1.0, 1.0]


def good(path: Path, **more) -> Path:
    write_run(path, {TASK: rows_of(OUTCOMES)}, peft="out/tuned", **more)
    train_info(path)
    return path


def check(path: Path, capsys) -> tuple[int, list[str]]:
    status = cli.main([str(path), "--check"])
    return status, capsys.readouterr().out.splitlines()


def test_a_good_submission(tmp_path, capsys):
    assert check(good(tmp_path), capsys) == (0, ["nothing found: fit for a board"])


def replace(old: str, new: str):
    def spoil(path: Path) -> None:
        for file in path.iterdir():
            file.write_text(file.read_text().replace(old, new))

    return spoil


def clash(path: Path) -> None:
    rows = rows_of(OUTCOMES)
    rows[1]["doc_hash"] = rows[0]["doc_hash"]
    write_run(path, {TASK: rows}, peft="out/tuned")


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (lambda path: (path / "train_info.json").unlink(), "tuned: trained, but no train_info.json in the folder"),
        (
            lambda path: (path / f"samples_{name_of(TASK)}_{DATE}.jsonl").unlink(),
            "no samples beside it; run with --log_samples",
        ),
        (lambda path: good(path, limit=4), "--limit 4; run on all documents, or declare it in submission.json"),
        (lambda path: good(path, options={"operator": "delete"}), "operator=delete is not the default; declare it"),
        (lambda path: good(path, effective=9), "4 documents, the results say 9"),
        (lambda path: good(path, date="2026-05-05T00-00-00.000000"), f"2 runs of {name_of(TASK)}; leave one"),
        (
            replace('"faithful,none": 0.75', '"faithful,none": 0.7'),
            "faithful is 0.7500 in the samples, 0.7000 in the results",
        ),
        (replace('"acc,none": 1.0', '"acc,none": "N/A"'), "no mean of acc in the results"),
        (
            replace('"faithful": 0.0', '"faithful": NaN'),
            "1 values of faithful are no numbers and count as missing (first in line 2)",
        ),
        (replace('"faithful": 0.0', '"faithful": NaN'), "1 documents without faithful"),
        (replace('"data_fingerprint"', '"nothing"'), "no data_fingerprint, so its documents are unknown"),
        (clash, "2 documents share a doc_hash, 1 of the hashes with different texts"),
        (lambda path: (path / "results_y.json").write_text("{"), "results_y.json: is not complete JSON"),
    ],
)
def test_findings(tmp_path, capsys, spoil, line):
    good(tmp_path)
    spoil(tmp_path)
    status, lines = check(tmp_path, capsys)
    assert status == 1 and any(line in finding for finding in lines), lines


def test_explanations_of_others_are_no_submission(tmp_path, capsys):
    status, lines = check(good(tmp_path, options={"explanations": "people"}), capsys)
    assert status == 1
    assert any("explained by people, not by the model itself" in line for line in lines)


def test_a_train_info_elsewhere_is_not_submitted(tmp_path, capsys):
    """A board finds it beside the model, but it is not in the folder under review."""
    write_run(tmp_path / "results", {TASK: rows_of(OUTCOMES)}, peft="out/tuned")
    train_info(tmp_path / "out" / "tuned")
    status, lines = check(tmp_path / "results", capsys)
    assert status == 1 and lines[0].startswith("tuned: trained, but no train_info.json in the folder")


def test_what_is_declared_is_no_finding(tmp_path, capsys):
    good(tmp_path, limit=4, options={"operator": "delete", "controls": ["random", "oracle"]})
    declared = {"options": {"operator": "delete", "controls": ["random", "oracle"]}, "limit": 4}
    (tmp_path / "submission.json").write_text(json.dumps(declared))
    assert check(tmp_path, capsys)[0] == 0
    (tmp_path / "submission.json").write_text("[")
    with pytest.raises(UsageError, match=r"submission.json is damaged, it holds no JSON object: give"):
        check(tmp_path, capsys)


def test_the_defaults_are_those_of_the_tasks():
    """The package imports nothing of the tasks, so this test compares them."""
    examples = {"num_fewshot": 0, "fewshot_seed": FEWSHOT_SEED}  # which lm_eval has by itself
    options = {**asdict(Options()), **Options().as_dict(), **examples}
    del options["quick"]  # changes no number, so transcripts do not hold it
    assert options == DEFAULTS


def test_equal_findings_are_one_line(tmp_path, capsys):
    tasks = [("snli", style, "oneword") for style in ("attribution", "redaction", "counterfactual")]
    write_run(tmp_path, {task: [row(0, 1.0, task)] for task in tasks}, limit=1)
    status, lines = check(tmp_path, capsys)
    assert status == 1 and len(lines) == 2 and "(and 2 more): --limit 1;" in lines[0] and lines[1] == "1 finding"
