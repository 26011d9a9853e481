"""Which files are read: names, folders, copies, and what `json.dump(simple_evaluate(…))` wrote."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from faithful_se.results import compare, read_results
from leaderboards import cli
from leaderboards.lm_eval_files.find_results import find_results
from leaderboards.submission import find_problems
from tests.leaderboards.boards_from_files import NEW, OTHER_TASK, OUTCOMES, board_of, faithful
from tests.leaderboards.result_files import DATE, TASK, name_of, rows_of, write_run

SAMPLES = f"samples_{name_of(TASK)}_{DATE}.jsonl"


@pytest.mark.parametrize(
    "name",
    [
        f"results_{DATE}.json",
        f"name_{DATE}.json",
        f"my run (2)_{DATE}.json",
        f"a.b_{DATE}.json",
        f"模型_{DATE}.json",
        f"base_2026-01-01_{DATE}.json",
        "results_base.json",
        f"results_{DATE}-copy.json",
        "renamed.json",
        "results.json",
        "no date in it 2026.json",
    ],
)
def test_names_of_results_files(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """All are found in their folder, with their samples, by every reader."""
    path = write_run(tmp_path / "a", {TASK: with_hashes(rows_of(OUTCOMES))}, content={"task_hashes": HASHES})
    path.rename(path.with_name(name))
    path.with_name("notes.json").write_text('{"mine": 1}')
    for source in (tmp_path, path.parent, path.with_name(name)):
        board = board_of(source)
        assert faithful(board) == [0.75] and board.documents_total == 4 and not board.skipped
        assert board.checkpoints[0].files == (str(path.with_name(name)),)
        assert len(read_results(source)) == 4
        assert cli.main([str(source), "--check"]) == 0, capsys.readouterr().out
    assert any("1 JSON files beside the results are not lm-eval's" in note for note in board_of(tmp_path).notes)
    assert compare(path.parent, path.with_name(name), draws=100).pairs[0].versus.n == 4


def with_hashes(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "prompt_hash": "p", "target_hash": "t"} for row in rows]


# What lm-eval records of all samples of a task.
HASHES = {
    name_of(TASK): hashlib.sha256(
        "".join(f"{row['doc_hash']}pt" for row in rows_of(OUTCOMES)).encode()
    ).hexdigest()
}  # fmt: skip


@pytest.mark.parametrize("name", ["base", "base.txt", "base.JSON", "train_info.json", ".hidden.json", "x.json.bak"])
def test_a_named_file_is_read_whatever_its_name(tmp_path: Path, name: str) -> None:
    path = write_run(tmp_path, {TASK: rows_of(OUTCOMES)})
    path.rename(tmp_path / name)
    assert faithful(board_of(tmp_path / name)) == [0.75]
    with pytest.raises(UsageError, match="no results of lm_eval there"):
        board_of(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        *(".ipynb_checkpoints", ".git", ".Trash-0", ".snapshot", "results~", "a.bak", "a.BACKUP", "a.orig"),
        *("__MACOSX", "__pycache__", "lost+found", "$RECYCLE.BIN"),
    ],
)
def test_hidden_folders_and_backups_are_left_out(tmp_path: Path, name: str) -> None:
    """Even if they hold the newest results. A note names them, and they are read if named."""
    write_run(tmp_path / "a", {TASK: rows_of(OUTCOMES)})
    copies = tmp_path / "a" / name
    write_run(copies, {TASK: rows_of([0.0] * 4)}, date=NEW)
    board = board_of(tmp_path)
    assert faithful(board) == [0.75] and len(board.checkpoints) == 1 and not board.skipped
    assert any(f"{copies}: hidden or a backup" in note for note in board.notes)
    assert faithful(board_of(copies)) == [0.0]
    assert len(board_of(tmp_path, copies).checkpoints) == 2
    (tmp_path / "a" / f"results_{DATE}.json").unlink()
    (tmp_path / "a" / SAMPLES).unlink()
    with pytest.raises(UsageError, match="hidden or a backup: name it to read it"):
        board_of(tmp_path)


@pytest.mark.parametrize(
    "name", ["old", "backup", "base.v2", "tmp", "2026-01-01", "results_1", "a.b", "checkpoints", "~x"]
)
def test_other_folders_are_read(tmp_path: Path, name: str) -> None:
    write_run(tmp_path / name, {TASK: rows_of(OUTCOMES)})
    assert faithful(board_of(tmp_path)) == [0.75]


def test_two_models_in_one_folder(tmp_path: Path) -> None:
    """`--output_path x/base.json` and `--output_path x/tuned.json`."""
    for name, peft, date, outcome in (("base", "", DATE, 0.0), ("tuned", "runs/tuned", NEW, 1.0)):
        path = write_run(tmp_path, {TASK: rows_of([outcome] * 4)}, peft=peft, date=date)
        path.rename(tmp_path / f"{name}_{date}.json")
    board = board_of(tmp_path)
    assert (faithful(board, "base"), faithful(board, "tuned")) == ([0.0], [1.0])
    assert board.cells[1].versus is not None and not board.skipped
    # What was typed as the output path stands for the file that lm-eval wrote.
    assert faithful(board_of(tmp_path / "base.json")) == [0.0]
    (pair,) = compare(tmp_path / "base.json", tmp_path / "tuned.json").pairs
    assert (pair.versus.only_base, pair.versus.only_checkpoint) == (0, 4)
    assert not any("no such file" in problem for _, problem in find_problems([tmp_path / "base.json"]))
    with pytest.raises(UsageError, match="no such file or folder"):
        board_of(tmp_path / "bas.json")


def test_samples_of_another_run_are_not_taken(tmp_path: Path) -> None:
    """The name has no date, and the samples beside it have other hashes: a mean as reported, and a line."""
    path = write_run(
        tmp_path, {TASK: with_hashes(rows_of(OUTCOMES))}, content={"task_hashes": {name_of(TASK): "other"}}
    )
    path.rename(tmp_path / "renamed.json")
    board = board_of(tmp_path)
    assert faithful(board) == [0.75] and board.pairs_total == 0
    (skipped,) = board.skipped
    assert skipped.path.endswith(SAMPLES) and "samples without their results file" in skipped.reason


def test_a_copy_beside_the_original_changes_nothing(tmp_path: Path) -> None:
    path = write_run(tmp_path, {TASK: with_hashes(rows_of(OUTCOMES))}, content={"task_hashes": HASHES, "date": 0.0})
    for name in (f"results_{DATE} (1).json", f"results_{DATE} - Copy.json", "kept.json"):
        (tmp_path / name).write_bytes(path.read_bytes())
    board = board_of(tmp_path)
    assert faithful(board) == [0.75] and board.documents_total == 4 and len(board.checkpoints) == 1


def test_a_file_of_samples_is_not_results(tmp_path: Path) -> None:
    write_run(tmp_path, {TASK: rows_of(OUTCOMES)})
    with pytest.raises(UsageError, match="a file of samples; give the results file beside it"):
        board_of(tmp_path / SAMPLES)


def dump(path: Path, outcomes: list[float], samples: bool = True, **content: Any) -> Path:
    """What `json.dump(simple_evaluate(…))` writes: no model_name, no chat_template, the date as a number."""
    tasks = {task: rows_of(outcomes, task) for task in (TASK, OTHER_TASK)}
    source = write_run(path.parent / "tmp", tasks, samples=False, arguments=content.pop("arguments", None))
    results = json.loads(source.read_text())
    source.unlink()
    for key in ("chat_template", "model_name", "model_name_sanitized"):
        results.pop(key)
    inside = {name_of(task): rows for task, rows in tasks.items()}
    results |= {"date": 1_767_323_045.5, **({"samples": inside} if samples else {}), **content}
    path.write_text(json.dumps(results))
    return path


@pytest.mark.parametrize("name", ["evaluation.json", "results.json", "a", f"x_{DATE}.json"])
def test_a_dump_is_read_with_the_samples_inside_it(tmp_path: Path, name: str) -> None:
    path = dump(tmp_path / name, OUTCOMES)
    board = board_of(path)
    assert faithful(board) == [0.75, 0.75] and board.pairs_total == 8 and not board.skipped
    assert {cell.file for cell in board.cells} == {str(path)} and board.checkpoints[0].date.startswith("2026-01-0")
    assert len(board.documents) == 8 and board.documents[0].entries[0].words
    assert any(f"{name}: written by json.dump, which does not say" in note for note in board.notes)
    assert len(read_results(path)) == 8
    write_run(tmp_path / "cli", {TASK: rows_of([0.0] * 4)})
    comparison = compare(tmp_path / "cli", path, draws=100)
    assert [pair.versus.faithful.estimate for pair in comparison.pairs] == [0.75] and comparison.pairs[0].changed


def test_a_dump_without_samples_has_means(tmp_path: Path) -> None:
    dump(tmp_path / "x.json", OUTCOMES, samples=False)
    board = board_of(tmp_path)
    assert faithful(board) == [0.75, 0.75] and board.pairs_total == 0
    assert any("2 of 2 cells come from results without samples" in note for note in board.notes)


def test_models_in_memory_are_one_a_file(tmp_path: Path) -> None:
    """A model that was trained on between two evaluations has one name; the second must not hide the first."""
    for name, outcome in (("before", 0.0), ("after", 1.0)):
        dump(tmp_path / f"{name}.json", [outcome] * 4, config={"model": "runs/base", "model_args": None, "limit": None})
    board = board_of(tmp_path)
    assert {checkpoint.name for checkpoint in board.checkpoints} == {"base (before)", "base (after)"}
    assert any("handed over in memory" in note for note in board.notes)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", None),
        ("{}", None),
        ('{"results": 1, "configs": 2, "config": 3}', None),
        ('["results", "configs", "config"]', None),
        ('{"results": {}, "configs": {}, "config": {', "is not complete JSON, cut or damaged"),
    ],
)
def test_other_json_files_are_counted_and_cut_dumps_are_named(tmp_path: Path, content: str, reason: str | None) -> None:
    write_run(tmp_path, {TASK: rows_of(OUTCOMES)})
    (tmp_path / "x.json").write_text(content)
    board = board_of(tmp_path)
    assert faithful(board) == [0.75]
    if reason:
        assert reason in board.skipped[0].reason
    else:
        assert any("1 JSON files beside the results are not lm-eval's" in note for note in board.notes)
        assert not board.skipped


def test_a_pipe_is_no_results_file(tmp_path):
    """Whoever opens it waits for somebody who writes."""
    path = write_run(tmp_path, {TASK: rows_of(OUTCOMES)})
    os.mkfifo(tmp_path / "results_pipe.json")
    assert [file.path for file in find_results([tmp_path]).files] == [path]
