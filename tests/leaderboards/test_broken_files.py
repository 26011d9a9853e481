"""Files that cannot be read are reported and skipped, and the rest is on the board."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import jsonschema
import pytest

from faithful_se.errors import UsageError
from leaderboards.board_json import SCHEMA, load, save
from tests.leaderboards.boards_from_files import NEW, OTHER_TASK, OUTCOMES, board_of, faithful, only_cell
from tests.leaderboards.result_files import DATE, TASK, name_of, rows_of, train_info, write_run


def test_a_file_that_cannot_be_opened_is_named(tmp_path, monkeypatch):
    write_run(tmp_path / "a", {TASK: rows_of(OUTCOMES)})
    bad = write_run(tmp_path / "b", {TASK: rows_of(OUTCOMES)}, peft="models/tuned")
    read_text = Path.read_text

    def refuse(path, *arguments, **settings):
        if path == bad:
            raise PermissionError(13, "Permission denied", str(path))
        return read_text(path, *arguments, **settings)

    monkeypatch.setattr(Path, "read_text", refuse)
    (skipped,) = board_of(tmp_path).skipped
    assert (skipped.path, skipped.reason) == (
        str(bad),
        "cannot be read (Permission denied); run it again, or remove the file",
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty; run it again, or remove the file"),
        ('{"results": {"faithful_se_snli', "is not complete JSON, cut or damaged (Unterminated string"),
        ('{"accuracy": 1}', "JSON, but no results of lm_eval (configs, results or config is missing)"),
        ("[1, 2]", "JSON, but no results of lm_eval"),
        ("[" * 100_000, "is not complete JSON, cut or damaged"),
    ],
)
def test_a_broken_results_file_is_named_and_the_rest_is_shown(tmp_path, content, reason):
    write_run(tmp_path, {TASK: rows_of(OUTCOMES)})
    bad = tmp_path / f"results_{NEW}.json"
    bad.write_text(content)
    board = board_of(tmp_path)
    assert faithful(board) == [0.75]
    (skipped,) = board.skipped
    assert skipped.path == str(bad) and skipped.reason.startswith(reason)


def cut(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: cut(path, 0.6), "line 3 is no complete sample, cut or damaged"),
        (lambda path: path.write_text('{"a": 1}\n'), "holds no samples of lm_eval (line 1 has no doc_hash or metrics)"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "line 1 is not complete JSON"),
        (lambda path: path.write_bytes(b"[" * 2000), "line 1 is not complete JSON, cut or damaged (maximum recursion"),
        (
            lambda path: path.write_text(path.read_text().replace('"faithful": 1.0', '"faithful": 3.0')),
            "faithful is 3 in 3 documents",
        ),
        (lambda path: path.write_text(path.read_text().splitlines()[0] + "\n"), "incomplete: 1 of 4 documents"),
        (lambda path: path.write_text(path.read_text() + "[]\n"), "line 5 is no complete sample"),
    ],
)
def test_broken_samples_are_named_and_the_rest_is_shown(tmp_path, spoil, reason):
    write_run(tmp_path, {TASK: rows_of(OUTCOMES), OTHER_TASK: rows_of(OUTCOMES, OTHER_TASK)})
    bad = tmp_path / f"samples_{name_of(OTHER_TASK)}_{DATE}.jsonl"
    spoil(bad)
    board = board_of(tmp_path)
    assert [task.name for task in board.tasks] == [name_of(TASK)]
    (skipped,) = board.skipped
    assert skipped.path == str(bad) and skipped.reason.startswith(reason)
    assert skipped.reason.endswith("run it again with --log_samples") and "\n" not in skipped.reason


@pytest.mark.parametrize("bad", ["NaN", '"N/A"', "Infinity", "[1]"])
def test_values_that_are_no_numbers_are_missing_and_counted(tmp_path, bad):
    write_run(tmp_path, {TASK: rows_of(OUTCOMES, extra=[0.25, 0.5, 0.75, 1.0])})
    path = tmp_path / f"samples_{name_of(TASK)}_{DATE}.jsonl"
    lines = path.read_text().splitlines()
    lines[1] = lines[1].replace('"extra": 0.5', f'"extra": {bad}').replace('"faithful": 0.0', f'"faithful": {bad}')
    path.write_text("\n".join(lines))
    board = board_of(tmp_path)
    cell = only_cell(board)
    assert cell.metrics["extra"].estimate == pytest.approx(2 / 3) and cell.metrics["extra"].n == 3
    assert cell.metrics["faithful"].estimate == 1.0 and cell.missing == 1
    assert any(
        "1 values of extra are no numbers and count as missing (first in line 2)" in note for note in board.notes
    )


def test_a_mean_that_is_not_the_samples_is_named(tmp_path):
    path = write_run(tmp_path, {TASK: rows_of(OUTCOMES)})
    path.write_text(path.read_text().replace('"faithful,none": 0.75', '"faithful,none": 0.95'))
    board = board_of(tmp_path)
    assert faithful(board) == [0.75]
    assert any("faithful is 0.7500 in the samples, 0.9500 in the results; the samples count" in n for n in board.notes)


def test_samples_without_results_are_named(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(OUTCOMES)})
    path = write_run(tmp_path / "b", {TASK: rows_of(OUTCOMES)})
    path.unlink()
    (skipped,) = board_of(tmp_path).skipped
    assert "samples without their results file" in skipped.reason and "/b/" in skipped.path


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(OUTCOMES)})
    write_run(tmp_path / "b", {TASK: rows_of(OUTCOMES)}, peft="models/tuned").chmod(0)
    (skipped,) = board_of(tmp_path).skipped
    assert skipped.reason.startswith("cannot be read (Permission denied)")


def test_symbolic_links_that_go_in_circles_end(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(OUTCOMES)})
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "a")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    assert len(board_of(tmp_path, tmp_path / "a").cells) == 1


def test_nothing_to_read_is_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"gone: no such file or folder; give the folder that lm_eval wrote"):
        board_of(tmp_path / "gone")
    with pytest.raises(UsageError, match=r"no results of lm_eval there"):
        board_of(tmp_path)
    write_run(tmp_path, {TASK: rows_of(OUTCOMES)}, effective=9)
    with pytest.raises(UsageError, match=r"no complete run of a faithful_se task .*incomplete: 4 of 9 documents"):
        board_of(tmp_path)


def test_numbers_that_json_has_not_reach_no_board(tmp_path):
    """A diverged loss or an option may be nan. Python writes nan into JSON, but strict JSON has none."""
    write_run(tmp_path / "base", {TASK: rows_of(OUTCOMES)}, options={"odd": float("nan")})
    write_run(tmp_path / "tuned", {TASK: rows_of(OUTCOMES)}, peft="out/tuned", options={"odd": float("nan")})
    train_info(tmp_path / "tuned", loss=float("nan"), steps=float("inf"))
    board = board_of(tmp_path)
    assert board.checkpoints[1].training.extra == {"loss": None, "steps": None}
    save(board, tmp_path / "board.json")
    assert load(tmp_path / "board.json") == board


def spoiled(content: bytes, draw: random.Random) -> bytes:
    """The content, cut, zeroed, doubled, reversed or overwritten somewhere."""
    a, b = sorted(draw.randrange(len(content)) for _ in range(2))
    b = min(b, a + 200)
    lines = content.splitlines(keepends=True)
    return draw.choice(
        [
            content[:a],
            content[:a] + content[b:],
            content[:a] + bytes(b - a) + content[b:],
            content[:a] + content[a:b][::-1] + content[b:],
            content[:a] + bytes(draw.randrange(256) for _ in range(3)) + content[a:],
            b"".join(lines + lines[:2]),
            content.replace(b"1.0", draw.choice([b"-7", b"null", b"true", b"{}", b"1e999", b'"1.0"'])),
            content.replace(b"[", draw.choice([b"{", b"[[", b""]), 3),
            content.replace(b'"negative"', draw.choice([b"null", b"3", b'"\\ud800"', b"[]"])),
        ]
    )


@pytest.mark.parametrize("seed", range(60))
def test_whatever_is_spoiled_a_board_is_made_of_the_rest(tmp_path, seed):
    draw = random.Random(seed)
    write_run(tmp_path / "good", {TASK: rows_of(OUTCOMES)}, model="models/good")
    write_run(tmp_path / "base", {TASK: rows_of(OUTCOMES), OTHER_TASK: rows_of(OUTCOMES, OTHER_TASK)})
    write_run(
        tmp_path / "tuned", {TASK: rows_of(OUTCOMES), OTHER_TASK: rows_of(OUTCOMES, OTHER_TASK)}, peft="out/tuned"
    )
    train_info(tmp_path / "tuned")
    for path in draw.sample(sorted([*(tmp_path / "base").iterdir(), *(tmp_path / "tuned").iterdir()]), 3):
        path.write_bytes(spoiled(path.read_bytes(), draw))
    board = board_of(tmp_path)
    assert 0.75 in faithful(board, "good")
    save(board, tmp_path / "board.json")
    assert load(tmp_path / "board.json") == board
    schema = json.loads(SCHEMA.read_text())
    jsonschema.validate(json.loads((tmp_path / "board.json").read_text()), schema, cls=jsonschema.Draft202012Validator)
