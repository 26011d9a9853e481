"""One submission takes no board down: what cannot be used is one line, and the board is made from the rest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faithful_se.errors import UsageError
from leaderboards import export
from leaderboards.board import Board
from leaderboards.board_json import save
from leaderboards.page.charts import drawable
from tests.leaderboards.boards_from_files import OUTCOMES, board_of, faithful
from tests.leaderboards.example_boards import small
from tests.leaderboards.result_files import DATE, TASK, name_of, rows_of, write_run

GOOD, BAD = "models/good", "models/bad"
FILES = ["board.csv", "board.json", "board.md", "board.png", "board.tex", "checkpoints.csv", "index.html"]


def good_and_bad(path: Path, **bad: Any) -> Path:
    write_run(path / "good", {TASK: rows_of(OUTCOMES)}, model=GOOD)
    return write_run(path / "bad", {TASK: rows_of(OUTCOMES)}, model=BAD, **bad)


def names(board: Board) -> list[str]:
    return [checkpoint.name for checkpoint in board.checkpoints]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"labels": None}, "labels is null, not a list of texts; run the task again"),
        ({"labels": ["a", 5]}, 'labels is ["a", 5], not a list of texts; run the task again'),
        ({"labels": ["a", "a"]}, 'labels has equal entries: ["a", "a"]; run the task again'),
        ({"titles": 5}, "titles is 5, not a list of texts; run the task again"),
        ({"titles": ["Text", "Text"]}, 'titles has equal entries: ["Text", "Text"]; run the task again'),
        ({"dataset": {"a": 1}}, 'dataset is {"a": 1}, not a name; run the task again'),
        ({"style": ""}, 'style is "", not a name; run the task again'),
        ({"budget": 10**400}, "budget is null, not a name; run the task again"),
    ],
)
def test_options_of_a_wrong_kind_are_one_line(tmp_path, options, reason):
    path = good_and_bad(tmp_path, options=options)
    board = board_of(tmp_path)
    (skipped,) = board.skipped
    assert names(board) == ["good"]
    assert (skipped.path, skipped.reason) == (str(path), f"{name_of(TASK)}: {reason}")


@pytest.mark.parametrize("huge", [10**400, 1e308, float("inf")])
def test_numbers_that_nobody_can_hold_do_no_harm(tmp_path, huge):
    path = good_and_bad(tmp_path, limit=4)
    content = json.loads(path.read_text())
    content["n-samples"][name_of(TASK)]["original"] = huge
    content["versions"][name_of(TASK)] = content["config"]["limit"] = content["date"] = huge
    path.write_text(json.dumps(content))
    board = board_of(tmp_path)
    assert 0.75 in faithful(board, "good")
    save(board, tmp_path / "board.json")


def test_nested_too_deeply(tmp_path):
    path = good_and_bad(tmp_path)
    path.write_text(path.read_text()[:-1] + ', "more": ' + "[" * 400 + "]" * 400 + "}")
    (skipped,) = board_of(tmp_path).skipped
    assert skipped.reason.startswith("is not complete JSON, cut or damaged (nested deeper than 50)")


def test_named_pipes_and_links_in_circles_are_not_read(tmp_path):
    """Read in another process with a limit of time: a pipe without a writer would be waited for."""
    good_and_bad(tmp_path)
    os.mkfifo(tmp_path / "results_x.json")
    os.mkfifo(tmp_path / "other.json")
    os.mkfifo(tmp_path / f"samples_{name_of(TASK)}_2026-05-05T00-00-00.000000.jsonl")
    os.mkfifo(tmp_path / "good" / "train_info.json")
    (tmp_path / "results_loop.json").symlink_to(tmp_path / "results_loop.json")
    code = "from pathlib import Path; import sys; from leaderboards.build import make_board;"
    code += "board, _ = make_board([Path(sys.argv[1])]); print([s.path for s in board.skipped], len(board.checkpoints))"
    run = [sys.executable, "-c", code, str(tmp_path)]
    output = subprocess.run(run, capture_output=True, text=True, timeout=60).stdout
    skipped = [f"results_{name}.json" for name in ("loop", "x")]
    skipped.append(f"samples_{name_of(TASK)}_2026-05-05T00-00-00.000000.jsonl")
    assert output.strip() == f"{[str(tmp_path / name) for name in skipped]} 2"
    with pytest.raises(UsageError, match=r"results_x.json: is no regular file"):
        board_of(tmp_path / "results_x.json")


@pytest.mark.parametrize("text", ["constructor", "__proto__"])
def test_names_that_every_javascript_object_has(tmp_path, text):
    """Vega looks names up in plain objects and found a method where it wanted a number."""
    write_run(tmp_path / "a", {TASK: rows_of(OUTCOMES)}, model=text)
    export.write_board(board_of(tmp_path), tmp_path / "board")
    assert sorted(path.name for path in (tmp_path / "board").iterdir()) == FILES
    assert f">{text}" in (tmp_path / "board" / "index.html").read_text()
    assert drawable({"a": [text, f"{text}s", 1]}) == {"a": [f"{text} ", f"{text}s", 1]}


def test_two_thousand_foreign_files_are_one_line(tmp_path):
    write_run(tmp_path, {TASK: rows_of(OUTCOMES)})
    for number in range(2000):
        (tmp_path / f"results_{number:04}.json").write_text(f'{{"accuracy": {number}}}' if number % 2 else f"{number}x")
    board = board_of(tmp_path)
    foreign, damaged = sorted(board.skipped, key=lambda skipped: skipped.reason)
    assert foreign.reason.startswith("JSON, but no results") and foreign.reason.endswith("(and 999 more files like it)")
    assert damaged.reason.startswith("is not complete JSON") and damaged.reason.endswith("(and 999 more files like it)")


@pytest.fixture
def quick_picture(monkeypatch):
    monkeypatch.setattr("leaderboards.tables.table_png.table_png", lambda board: b"png")
    monkeypatch.setattr("leaderboards.page.render.dot_plots", lambda board: [])


def spoil_the_page(monkeypatch):
    from leaderboards.page import render

    def fail(board):
        raise ValueError("no page")

    monkeypatch.setattr(render, "render_page", fail)


def test_the_files_of_a_board_appear_all_or_none(tmp_path, monkeypatch, quick_picture):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        spoil_the_page(patch)
        with pytest.raises(ValueError, match="no page"):
            export.write_board(small(), out)
    assert not list(tmp_path.iterdir())
    written = export.write_board(small(), out)
    assert sorted(path.name for path in written) == FILES == sorted(path.name for path in out.iterdir())


def test_an_existing_folder_keeps_what_the_user_has_in_it(tmp_path, monkeypatch, quick_picture):
    export.write_board(small(), tmp_path)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with monkeypatch.context() as patch:
        spoil_the_page(patch)
        with pytest.raises(ValueError, match="no page"):
            export.write_board(small(), tmp_path)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    export.write_board(small(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*FILES, "notes"])
    assert (tmp_path / "notes" / "mine.txt").read_text() == "mine"


HOSTILE: list[Any] = [
    *(None, True, 5, -1, 10**400, 1e308, float("nan"), float("inf"), "", "constructor", "__proto__", "\ud800"),
    *([], {}, [[]], ["a", "a"], {"a": None}, "x" * 5000),
]


def with_hostile_value(content: Any, draw: st.DrawFn) -> Any:
    """The content with a hostile value in one place, at any depth."""
    keys = (
        list(content) if isinstance(content, dict) else list(range(len(content))) if isinstance(content, list) else []
    )
    if not keys or draw(st.integers(0, 5)) == 0:
        return draw(st.sampled_from(HOSTILE))
    key = draw(st.sampled_from(keys))
    copy = dict(content) if isinstance(content, dict) else list(content)
    copy[key] = with_hostile_value(content[key], draw)
    return copy


@settings(max_examples=settings().max_examples // 10)
@given(st.data(), st.sampled_from(["results", "sample", "transcript"]))
def test_wrong_kinds_in_any_field_cost_no_more_than_their_run(tmp_path_factory, data, place):
    """More of them: pytest --hypothesis-profile=explore."""
    path = tmp_path_factory.mktemp("hostile")
    results = good_and_bad(path)
    samples = results.parent / f"samples_{name_of(TASK)}_{DATE}.jsonl"
    if place == "results":
        results.write_text(json.dumps(data.draw(hostile(json.loads(results.read_text())))))
    else:
        lines = samples.read_text().splitlines()
        sample = json.loads(lines[1])
        if place == "sample":
            sample = data.draw(hostile(sample))
        else:
            sample["filtered_resps"] = [json.dumps(data.draw(hostile(json.loads(sample["filtered_resps"][0]))))]
        samples.write_text("\n".join([lines[0], json.dumps(sample), *lines[2:]]) + "\n")
    board = board_of(path)
    assert 0.75 in faithful(board, "good")
    assert all("\n" not in skipped.reason for skipped in board.skipped)


@st.composite
def hostile(draw: st.DrawFn, content: Any) -> Any:
    return with_hostile_value(content, draw)
