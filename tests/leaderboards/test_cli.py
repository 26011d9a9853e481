"""`faithful-se board`: what it prints, and that it loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from faithful_se import cli as faithful_se_cli
from faithful_se import errors
from leaderboards import export
from leaderboards.board import SCHEMA_VERSION
from leaderboards.board_json import load, save
from tests.leaderboards.example_boards import small
from tests.leaderboards.result_files import TASK, rows_of, train_info, write_run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def results(tmp_path):
    write_run(tmp_path / "results" / "base", {TASK: rows_of([0.0] * 10)})
    write_run(tmp_path / "results" / "tuned", {TASK: rows_of([1.0] * 10)}, peft="out/tuned")
    train_info(tmp_path / "results" / "tuned")
    (tmp_path / "results" / "results_cut.json").write_text("{")
    return tmp_path / "results"


@pytest.fixture
def only_json(monkeypatch):
    """Write only the data file. Page and tables have other tests."""

    def write(board, out):
        save(board, out / "board.json")
        return [out / "board.json"]

    monkeypatch.setattr(export, "write_board", write)


def test_what_is_printed(results, tmp_path, capsys, only_json):
    assert (
        faithful_se_cli.main(
            ["board", str(results), "--out", str(tmp_path / "board"), "--draws", "200", "--title", "Mine"]
        )
        == 0
    )
    out, err = capsys.readouterr()
    assert out.startswith(
        "2 checkpoints, 1 task, 2 cells, 10 different documents, 10 pairs of document and task; "
        "0 MB of samples read, 1 file or run skipped"
    )
    assert [line.split()[:2] for line in out.splitlines() if line.startswith("tuned")] == [["tuned", "1.000"]]
    assert out.splitlines()[-1] == f"The page: file://{tmp_path}/board/index.html"
    assert err.startswith(f"skipped {results}/results_cut.json: is not complete JSON") and err.count("\n") == 1
    assert load(tmp_path / "board" / "board.json").title == "Mine"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["RESULTS"], "--out DIR is missing"),
        (
            ["RESULTS", "--out", "OUT", "--base", "x"],
            "--base x: no checkpoint has this name; the checkpoints are base, tuned",
        ),
        (["RESULTS", "--out", "OUT", "--train-info", "tuned"], "--train-info tuned: give NAME=FILE"),
        (
            ["RESULTS", "--out", "OUT", "--train-info", "tuned=/gone"],
            "/gone: cannot be read (No such file or directory)",
        ),
        (["RESULTS", "--out", "OUT", "--draws", "5"], "--draws 5: give at least 100"),
        (["/gone", "--out", "OUT"], "/gone: no such file or folder"),
        (["RESULTS", "--out", "RESULTS/results_cut.json"], "is a file; give a folder"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(results, tmp_path, capsys, arguments, line, only_json):
    command = [a.replace("RESULTS", str(results)).replace("OUT", str(tmp_path / "board")) for a in arguments]
    assert faithful_se_cli.main(["board", *command]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("faithful-se: ") and line in err and err.count("\n") == 1
    assert not (tmp_path / "board").exists()


@pytest.mark.parametrize("name", ["index.html", "board.json", "board.csv", "board.png"])
def test_a_file_that_no_board_wrote_is_not_written_over(results, tmp_path, capsys, name):
    out = tmp_path / "site"
    out.mkdir()
    (out / name).write_text('{"schema_version": "1.0"}')
    assert faithful_se_cli.main(["board", str(results), "--out", str(out), "--draws", "200"]) == 2
    stdout, err = capsys.readouterr()
    message = "exists and was not written by faithful-se board; choose another --out, or move the file"
    assert (stdout, err) == ("", f"faithful-se: {out / name}: {message}\n")
    assert [(path.name, path.read_text()) for path in out.iterdir()] == [(name, '{"schema_version": "1.0"}')]
    with pytest.raises(ValueError, match="was not written by faithful-se board"):
        export.write_board(small(), out)


def test_a_board_is_written_over_a_board_and_not_over_a_page_put_beside_it(results, tmp_path, capsys):
    out = tmp_path / "board"
    again = ["board", str(results), "--out", str(out), "--draws", "200"]
    assert faithful_se_cli.main(again) == 0 and faithful_se_cli.main([*again, "--title", "Second"]) == 0
    assert "<title>Second ·" in (out / "index.html").read_text("utf-8")
    # A folder from which one of the two was deleted is still a board's. Other files in it do not matter.
    (out / "notes.txt").write_text("mine")
    for gone in ("board.json", "index.html"):
        (out / gone).unlink()
        assert faithful_se_cli.main(again) == 0
    (out / "index.html").write_text("<!doctype html><title>Mine</title>")
    assert faithful_se_cli.main(again) == 2 and "index.html: exists and was not written by" in capsys.readouterr().err
    # Pages of schema 1.0 did not name their writer.
    data = (out / "board.json").read_text("utf-8")
    (out / "board.json").write_text(data.replace(f'"schema_version": "{SCHEMA_VERSION}"', '"schema_version": "1.0"'))
    assert faithful_se_cli.main(again) == 0


def test_a_name_that_arguments_tell_apart_can_be_given_its_training(tmp_path, only_json):
    for revision in ("a", "b"):
        write_run(tmp_path / revision, {TASK: rows_of([1.0] * 10)}, arguments={"revision": revision})
    train_info(tmp_path / "given=here")
    names = [checkpoint.name for checkpoint in _board(tmp_path).checkpoints]
    assert names == ["base (revision=a)", "base (revision=b)"]
    board = _board(tmp_path, "--train-info", f"{names[1]}={tmp_path}/given=here/train_info.json")
    assert [c.training and c.training.datasets for c in board.checkpoints] == [None, ("snli",)]


def _board(path, *arguments):
    out = str(path / "board")
    assert (
        faithful_se_cli.main(["board", str(path / "a"), str(path / "b"), "--out", out, "--draws", "200", *arguments])
        == 0
    )
    return load(path / "board" / "board.json")


def test_from_python_a_mistake_is_a_value_error_and_never_silent(tmp_path):
    from leaderboards.build import make_board

    with pytest.raises(ValueError, match=r"gone: no such file or folder"):
        make_board([tmp_path / "gone"])
    code = "from pathlib import Path; from leaderboards.build import make_board; make_board([Path('/gone')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 1 and done.stderr.splitlines()[-1].startswith(
        "faithful_se.errors.UsageError: /gone: no such"
    )


@pytest.mark.parametrize(
    ("command", "named"),
    [("board", "altair, great_tables, jinja2, polars, vl_convert"), ("board --check", "polars"), ("compare", "polars")],
)
def test_a_missing_package_is_said_before_the_work(results, tmp_path, capsys, monkeypatch, command, named):
    monkeypatch.setattr(errors, "find_spec", lambda name: None)
    name, *more = command.split()
    folders = [results / "base", results / "tuned"]
    out = ["--out", tmp_path / "out"] if command == "board" else []
    assert faithful_se_cli.main([name, *map(str, [*folders, *out, *more])]) == 2
    assert capsys.readouterr().err == f"faithful-se: {named} not installed; pip install 'faithful-se[board]'\n"
    assert not (tmp_path / "out").exists()


def test_neither_torch_nor_lm_eval_is_loaded(results, tmp_path):
    code = (
        "import sys; from leaderboards import compare_cli; from leaderboards.build import make_board;"
        "from leaderboards.board_json import save;"
        "from pathlib import Path; save(make_board([Path(sys.argv[1])])[0], Path(sys.argv[2]));"
        "assert compare_cli.main([sys.argv[1] + '/base', sys.argv[1] + '/tuned']) == 0;"
        "heavy = {'torch', 'lm_eval', 'transformers', 'datasets', 'lm_eval_tasks', 'training'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(results), str(tmp_path / "board.json")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def test_help_names_every_option(capsys):
    for command in ("board", "compare"):
        with pytest.raises(SystemExit) as ended:
            faithful_se_cli.main([command, "--help"])
        assert ended.value.code == 0
    out = capsys.readouterr().out
    assert all(option in out for option in ("--train-info", "--runs", "--run ", "--check", "--fail-if", "--board"))
