"""`faithful-se board --check` of a published board: everything beside `board.json` follows from it."""

from __future__ import annotations

import json

import pytest

from leaderboards import cli
from tests.leaderboards.result_files import TASK, rows_of, write_run


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    path = tmp_path_factory.mktemp("published")
    write_run(path / "results", {TASK: rows_of([0.0, 1.0] * 5, random=0.5)})
    assert cli.main([str(path / "results"), "--out", str(path / "board"), "--cards", "0", "--draws", "100"]) == 0
    return path / "board"


def check(folder, capsys) -> tuple[int, str]:
    capsys.readouterr()
    status = cli.main([str(folder), "--check"])
    return status, capsys.readouterr().out


def test_a_board_without_samples_is_checked(published, capsys):
    assert check(published, capsys) == (0, "nothing found: fit for a board\n")
    assert "text 0" not in (published / "index.html").read_text("utf-8")


def test_a_number_that_was_changed_is_named(published, capsys):
    names = ("board.csv", "board.md", "index.html")
    before = {name: (published / name).read_bytes() for name in names}
    for name in names:
        (published / name).write_bytes(before[name].replace(b"5", b"6", 1))
    (published / "board.tex").unlink()
    status, text = check(published, capsys)
    assert status == 1 and text.splitlines() == [
        f"{published / 'board.md'} (and 2 more): is not what follows from board.json; write the board again",
        f"{published / 'board.tex'}: is missing; write the board again",
        "2 findings",
    ]


def test_a_damaged_board_json_is_named(published, capsys):
    path = published / "board.json"
    before = path.read_text("utf-8")
    content = json.loads(before)
    content["cells"][0]["task"] = "another"
    path.write_text(json.dumps(content), "utf-8")
    assert "a cell of c0 and another, which the board does not list" in check(published, capsys)[1]
    path.write_text("{", "utf-8")
    assert check(published, capsys)[1].startswith(f"{path}: not a board.json")
    path.write_text(before, "utf-8")
