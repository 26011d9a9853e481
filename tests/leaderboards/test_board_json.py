"""`board.json` is written and read back, and obeys its schema."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import jsonschema
import pytest

from faithful_se.errors import UsageError
from leaderboards import board_json
from leaderboards.board import SCHEMA_VERSION, Settings
from leaderboards.build import make_board
from leaderboards.schema import schema
from tests.leaderboards.result_files import TASK, row, rows_of, train_info, write_run


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    path = tmp_path_factory.mktemp("results")
    write_run(path / "base", {TASK: rows_of([0.0, 1.0] * 5, random=0.5)})
    rows = [row(i, 1.0, text=f'"\u202e</script> \ud800 {i}', word="script") for i in range(10)]
    write_run(path / "odd", {TASK: rows}, model="models/odd")
    write_run(path / "tuned", {TASK: rows_of([1.0] * 10)}, peft="out/tuned")
    train_info(path / "tuned")
    (path / "results_x.json").write_text("{")
    return make_board([path], settings=Settings(draws=200))[0]


def test_there_and_back(board, tmp_path):
    board_json.save(board, tmp_path / "new" / "board.json")
    again = board_json.load(tmp_path / "new" / "board.json")
    assert again.cells == board.cells and again.checkpoints == board.checkpoints and again.settings == board.settings
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["board.json"]
    assert again == board  # the lone surrogate was replaced when it was read: UTF-8 cannot hold it
    assert "\\ud800" not in json.dumps(asdict(board)) and "\\u202e" in json.dumps(asdict(board))


def test_a_board_obeys_its_schema(board, tmp_path):
    board_json.save(board, tmp_path / "board.json")
    content = json.loads((tmp_path / "board.json").read_text())
    shipped = json.loads(board_json.SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(shipped)
    jsonschema.validate(content, shipped, cls=jsonschema.Draft202012Validator)
    for spoil in (
        lambda c: c.pop("schema_version"),
        lambda c: c.update(schema_version="99.0"),
        lambda c: c["cells"][0]["metrics"]["faithful"].update(estimate="high"),
        lambda c: c["documents"][0]["entries"][0]["effects"].update(x=1),
        lambda c: c["tasks"][0].pop("labels"),
    ):
        spoiled = json.loads(json.dumps(content))
        spoil(spoiled)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(spoiled, shipped, cls=jsonschema.Draft202012Validator)


def test_the_shipped_schema_is_the_one_of_the_dataclasses():
    assert json.loads(board_json.SCHEMA.read_text()) == schema(), "write it again: python -m leaderboards.schema"
    assert SCHEMA_VERSION in json.loads(board_json.SCHEMA.read_text())["$comment"]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", "not a board.json"),
        ("[]", r"no schema_version"),
        ('{"schema_version": "99.0"}', rf"schema 99.0, but this package reads {SCHEMA_VERSION}"),
        (f'{{"schema_version": "{SCHEMA_VERSION}"}}', "not a complete board.json"),
        (f'{{"schema_version": "{SCHEMA_VERSION}", "settings": 3}}', "not a complete board.json"),
    ],
)
def test_what_is_no_board_is_one_line(tmp_path, content, line):
    (tmp_path / "board.json").write_text(content)
    with pytest.raises(UsageError, match=line) as error:
        board_json.load(tmp_path / "board.json")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("number", ["Infinity", "NaN", "1e400"])
def test_a_count_that_is_no_number_is_one_line(board, tmp_path, number):
    board_json.save(board, tmp_path / "board.json")
    text = (tmp_path / "board.json").read_text("utf-8")
    count = f'"documents_total": {board.documents_total}'
    assert count in text
    (tmp_path / "board.json").write_text(text.replace(count, f'"documents_total": {number}'), "utf-8")
    with pytest.raises(UsageError, match=r"not a (complete )?board\.json"):
        board_json.load(tmp_path / "board.json")


def test_what_no_board_ever_wrote_is_refused(board, tmp_path):
    path = tmp_path / "board.json"
    board_json.save(board, path)
    content = json.loads(path.read_text())
    content["documents_total"] = "12"
    path.write_text(json.dumps(content))
    with pytest.raises(
        UsageError, match=r"not a complete board\.json \(documents_total: Input should be a valid integer\)"
    ):
        board_json.load(path)
    path.write_text("[" * 200_000)
    with pytest.raises(UsageError, match=r"not a board\.json"):
        board_json.load(path)
    board_json.save(board, path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert board_json.load(path) == board


def test_a_field_of_a_later_version_does_no_harm(board, tmp_path):
    board_json.save(board, tmp_path / "board.json")
    content = json.loads((tmp_path / "board.json").read_text())
    content["schema_version"] = SCHEMA_VERSION.split(".")[0] + ".99"
    content["cells"][0]["new"] = content["new"] = 1
    (tmp_path / "board.json").write_text(json.dumps(content))
    assert board_json.load(tmp_path / "board.json").cells == board.cells


def test_nan_is_refused(board, tmp_path):
    cell = replace(board.cells[0], metrics={"x": replace(board.cells[0].metrics["faithful"], estimate=float("nan"))})
    with pytest.raises(ValueError, match="not JSON compliant"):
        board_json.save(replace(board, cells=(cell,)), tmp_path / "board.json")
    assert not (tmp_path / "board.json").exists()
