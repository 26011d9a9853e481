"""Files of gigabytes fill no memory: a line that no task writes is one line on stderr. Sparse files take no disk."""

from __future__ import annotations

import os
import tracemalloc

import pytest

from faithful_se.errors import UsageError
from leaderboards import compare_cli
from leaderboards.lm_eval_files import large_files
from leaderboards.lm_eval_files.large_files import BrokenError
from leaderboards.lm_eval_files.results_file import SamplesFile
from leaderboards.lm_eval_files.samples_file import read_samples
from tests.leaderboards.boards_from_files import OUTCOMES, board_of, faithful
from tests.leaderboards.result_files import DATE, TASK, name_of, rows_of, write_run

SIZE = 2 * 10**9


@pytest.fixture
def folder(tmp_path):
    write_run(tmp_path / "good", {TASK: rows_of(OUTCOMES)}, model="models/good")
    write_run(tmp_path / "bad", {TASK: rows_of(OUTCOMES)}, model="models/bad")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (f"samples_{name_of(TASK)}_{DATE}.jsonl", "the line from byte "),
        (f"results_{DATE}.json", "is too large for results: 2.0 GB; run it again, or remove the file"),
    ],
)
def test_two_gigabytes_are_named_and_not_read(folder, name, reason):
    os.truncate(folder / "bad" / name, SIZE)
    tracemalloc.start()
    board = board_of(folder / "good", folder / "bad")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6
    assert faithful(board, "good") == [0.75]
    assert [skipped.reason for skipped in board.skipped if skipped.reason.startswith(reason)], board.skipped
    with pytest.raises(UsageError) as refusal:
        compare_cli.main([str(folder / "good"), str(folder / "bad")])
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(("longest", "line"), [(20, 1), (30, 3), (29, 3)])
def test_the_first_line_that_is_too_long_is_named(longest, line, tmp_path, monkeypatch):
    monkeypatch.setattr(large_files, "LONGEST_LINE", longest)
    path = tmp_path / "samples.jsonl"
    lines = ["x" * 25, "y", "z" * 31, "x"]
    path.write_text("\n".join(lines))
    start = sum(len(text) + 1 for text in lines[: line - 1])
    where = f"the line from byte {start} on" if start else "line 1"
    with pytest.raises(BrokenError, match=f"{where} is longer than"):
        read_samples(SamplesFile(path))


def test_lines_of_the_longest_size_are_read(folder, monkeypatch):
    path = folder / "bad" / f"samples_{name_of(TASK)}_{DATE}.jsonl"
    monkeypatch.setattr(large_files, "LONGEST_LINE", max(map(len, path.read_bytes().splitlines(keepends=True))))
    assert board_of(folder).skipped == ()
