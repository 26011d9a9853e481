"""`faithful-se compare`: the paired table, what changed, JSON, exit status."""

from __future__ import annotations

import json

import pytest

from faithful_se import cli as faithful_se_cli
from leaderboards.board import Settings
from leaderboards.board_json import save
from leaderboards.build import make_board
from tests.leaderboards.result_files import TASK, row, rows_of, write_run

OTHER = ("trec", "attribution", "oneword")


@pytest.fixture
def results(tmp_path):
    """B gains on snli and loses on trec."""
    up, down = [0.0] * 10 + [1.0] * 2, [1.0] * 8 + [0.0] * 4
    a = {TASK: rows_of(up, word="was"), OTHER: rows_of(down, OTHER)}
    b = {TASK: rows_of([1.0] * 12), OTHER: rows_of([0.0] * 12, OTHER)}
    write_run(tmp_path / "results" / "a", a, model="models/a")
    write_run(tmp_path / "results" / "b", b, model="models/b")
    return tmp_path / "results"


def compare(*arguments) -> int:
    return faithful_se_cli.main(["compare", *map(str, arguments), "--draws", "500"])


def test_the_table(results, capsys):
    assert compare(results / "a", results / "b", "--documents", "1") == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[:2] == ["A: a", "B: b"]
    snli = next(line for line in lines if line.startswith("snli_attribution_oneword"))
    # Two-sided: 2 / 2^10 = .00195. Holm over two tasks doubles it; the other p-value is 2 / 2^8.
    assert snli.split()[1:4] == ["12", "0.167", "1.000"] and "better" in snli and ".002" in snli and ".004" in snli
    trec = next(line for line in lines if line.startswith("trec_attribution_oneword"))
    assert "worse" in trec and "-0.667" in trec
    assert "snli_attribution_oneword, only B is faithful: oslo was nice" in out
    assert "  A: was (positive -> positive)" in out and "  B: oslo (positive -> negative)" in out
    assert "mean over 2 tasks, B - A: +0.083" in out


def test_documents_with_any_other_value_are_counted(tmp_path, capsys):
    """One differs in faithful, one in another metric, and one has a value on neither side."""
    a = rows_of([1.0, 1.0, 0.0, 0.0])
    b = rows_of([1.0, 0.0, 0.0, 0.0])
    for rows, third in ((a, 1.0), (b, 0.0)):
        for sample in rows:
            sample["metrics"] = [*sample["metrics"], "edit_fraction"]
            sample["edit_fraction"] = 0.5
        rows[2]["edit_fraction"], rows[3]["edit_fraction"] = third, None
    write_run(tmp_path / "a", {TASK: a}, model="models/a")
    write_run(tmp_path / "b", {TASK: b}, model="models/b")
    for other, expected in (("b", 2), ("a", 0)):
        assert compare(tmp_path / "a", tmp_path / other, "--json") == 0
        (pair,) = json.loads(capsys.readouterr().out)["pairs"]
        assert pair["differ"] == expected


def test_json_for_scripts(results, capsys):
    assert compare(results / "a", results / "b", "--json") == 0
    comparison = json.loads(capsys.readouterr().out)
    assert (comparison["a"], comparison["b"], comparison["better"], comparison["worse"]) == (
        "a",
        "b",
        ["snli_attribution_oneword"],
        ["trec_attribution_oneword"],
    )
    (pair, _) = comparison["pairs"]
    assert pair["versus"]["only_checkpoint"] == 10 and pair["versus"]["p"] == pytest.approx(2 / 2**10)
    assert len(pair["changed"]) == 3 and pair["changed"][0]["b"]["words"] == ["oslo"]


def test_exit_status(results, capsys):
    assert compare(results / "a", results / "b", "--fail-if", "worse") == 1
    assert compare(results / "a", results / "a", "--fail-if", "worse") == 0
    assert compare(results / "a", results / "gone") == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert compare(results, results / "a") == 2
    assert f"results of several models (a, b); name two of them with --results {results}" in capsys.readouterr().err


def test_names_with_results_or_a_board(results, tmp_path, capsys):
    assert compare("a", "b", "--results", results) == 0
    by_name = capsys.readouterr().out
    save(
        make_board(
            [results],
            settings=Settings(draws=200),
        )[0],
        tmp_path / "board.json",
    )
    assert compare("a", "b", "--board", tmp_path / "board.json") == 0
    assert capsys.readouterr().out == by_name
    assert compare("a", "c", "--board", tmp_path / "board.json") == 2
    assert "c: no checkpoint of" in capsys.readouterr().err
    assert compare("a", "c", "--results", results) == 2
    results.rename(tmp_path / "moved")
    capsys.readouterr()
    assert compare("a", "b", "--board", tmp_path / "board.json") == 2
    assert "the results of a no longer exist" in capsys.readouterr().err


def test_the_same_model_twice_changes_nothing(results, capsys):
    assert compare(results / "a", results / "a", "--json") == 0
    for pair in json.loads(capsys.readouterr().out)["pairs"]:
        versus = pair["versus"]
        assert (versus["faithful"]["estimate"], versus["faithful"]["low"], versus["p"], versus["marker"]) == (
            0,
            0,
            1,
            "",
        )
        assert pair["changed"] == [] and versus["agreement"] == 1


def test_documents_in_common_only(tmp_path, capsys):
    write_run(tmp_path / "a", {TASK: rows_of([1.0] * 6)}, model="models/a")
    write_run(tmp_path / "b", {TASK: rows_of([0.0] * 4)}, model="models/b", limit=4)
    assert compare(tmp_path / "a", tmp_path / "b", "--json") == 0
    (pair,) = json.loads(capsys.readouterr().out)["pairs"]
    assert (pair["n_a"], pair["n_b"], pair["versus"]["n"], pair["versus"]["only_base"]) == (6, 4, 4, 4)
    assert compare(tmp_path / "a", tmp_path / "b") == 0
    assert "4 of 6, 4" in capsys.readouterr().out


def test_what_cannot_be_compared_is_said(tmp_path, capsys):
    third = ("agnews", "attribution", "oneword")
    a = {TASK: rows_of([1.0] * 4), OTHER: rows_of([1.0] * 4, OTHER)}
    write_run(tmp_path / "a", a, model="models/a")
    write_run(tmp_path / "b", {TASK: rows_of([1.0] * 4), third: rows_of([0.0] * 4, third)}, model="models/b")
    assert compare(tmp_path / "a", tmp_path / "b") == 0
    out = capsys.readouterr().out
    assert "note: 1 task only in A: faithful_se_trec_attribution_oneword." in out
    write_run(tmp_path / "c", {TASK: rows_of([1.0] * 4)}, model="models/c", options={"operator": "delete"})
    assert compare(tmp_path / "a", tmp_path / "c") == 2
    assert "not compared, operator mask against delete" in capsys.readouterr().err


def test_an_option_that_is_not_recorded_has_its_default_in_words(tmp_path, capsys):
    examples = {"num_fewshot": 4, "fewshot_seed": 1234}
    write_run(tmp_path / "a", {TASK: rows_of([1.0] * 4)}, model="models/a")
    write_run(tmp_path / "b", {TASK: rows_of([1.0] * 4)}, model="models/b", options=examples)
    assert compare(tmp_path / "a", tmp_path / "b") == 2
    assert "not compared, num_fewshot 0 against 4.\n" in capsys.readouterr().err


def test_what_a_model_wrote_does_not_steer_the_terminal(tmp_path, capsys):
    for name, value in (("a", 0.0), ("b", 1.0)):
        rows = [row(i, value, text=f"\x1b[31mred\x07 \u202e {i}", word="\x1b[2Jred") for i in range(3)]
        write_run(tmp_path / name, {TASK: rows}, model=f"models/{name}")
    assert compare(tmp_path / "a", tmp_path / "b") == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out and "\x07" not in out and "\u202e" not in out and "[31mred" in out
