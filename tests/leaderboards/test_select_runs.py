"""Which runs and documents are on a board, and what becomes another column."""

from __future__ import annotations

import json
import os

import pytest

from faithful_se.errors import UsageError
from tests.leaderboards.boards_from_files import NEW, OLD, OUTCOMES, board_of, faithful, only_cell
from tests.leaderboards.result_files import TASK, name_of, row, rows_of, write_run


def test_one_run(tmp_path):
    path = write_run(tmp_path, {TASK: rows_of(OUTCOMES)})
    board = board_of(tmp_path)
    (task,), (checkpoint,) = board.tasks, board.checkpoints
    assert (task.id, task.name, task.n, task.limit, task.variant) == (
        "snli_attribution_oneword",
        name_of(TASK),
        4,
        None,
        "",
    )
    assert (task.labels, task.titles, task.version) == (("negative", "positive"), ("Text",), 1.0)
    assert (checkpoint.name, checkpoint.model, checkpoint.arguments) == ("base", "hf", "pretrained=models/base")
    assert checkpoint.files == (str(path),) and checkpoint.date == "2026-01-02T03:04:05.000006"
    assert only_cell(board).metrics["faithful"].estimate == 0.75
    assert board.skipped == () and board.documents_total == 4


def test_samples_are_joined_by_date_and_task(tmp_path):
    """Two results files in one folder, with one task each. The name of one task is a prefix of the other's."""
    longer = ("snli", "attribution", "oneword_x")
    write_run(tmp_path, {TASK: rows_of([1.0, 1.0])}, date=OLD)
    write_run(tmp_path, {longer: rows_of([0.0, 0.0], longer)}, date=NEW)
    rates = {cell.task: cell.metrics["faithful"].estimate for cell in board_of(tmp_path).cells}
    assert rates == {"snli_attribution_oneword": 1.0, "snli_attribution_oneword_x": 0.0}


def test_the_newest_complete_run_counts(tmp_path):
    write_run(tmp_path, {TASK: rows_of([0.0] * 4)}, date=OLD)
    write_run(tmp_path, {TASK: rows_of([1.0] * 4)}, date=NEW)
    board = board_of(tmp_path)
    assert faithful(board) == [1.0] and only_cell(board).date == "2026-02-01T00:00:00.000000"


def test_a_clock_that_goes_back_changes_no_choice_between_names(tmp_path):
    """Times of files, and the order in which they were written, do not count. The board shows the date that counts."""
    newer = write_run(tmp_path, {TASK: rows_of([1.0] * 4)}, date=NEW)
    older = write_run(tmp_path, {TASK: rows_of([0.0] * 4)}, date=OLD)
    for time, path in enumerate((newer, *tmp_path.glob(f"*{NEW}*"), older, *tmp_path.glob(f"*{OLD}*"))):
        os.utime(path, (time, time))
    board = board_of(tmp_path)
    assert faithful(board) == [1.0] and only_cell(board).date == "2026-02-01T00:00:00.000000"
    board = board_of(tmp_path, date="2026-01")  # --run: the run that was made last, by a clock that was set back
    assert faithful(board) == [0.0] and only_cell(board).date == "2026-01-01T00:00:00.000000"


def test_an_incomplete_newer_run_is_named_and_the_older_one_used(tmp_path):
    write_run(tmp_path, {TASK: rows_of([0.0] * 4)}, date=OLD)
    write_run(tmp_path, {TASK: rows_of([1.0] * 2)}, date=NEW, effective=4)
    board = board_of(tmp_path)
    assert faithful(board) == [0.0]
    (skipped,) = board.skipped
    assert skipped.path.endswith(f"samples_{name_of(TASK)}_{NEW}.jsonl")
    assert skipped.reason == "incomplete: 2 of 4 documents; the older run of 2026-01-01T00:00:00.000000 is used"


def test_every_run_or_one_date(tmp_path):
    write_run(tmp_path, {TASK: rows_of([0.0] * 4)}, date=OLD)
    write_run(tmp_path, {TASK: rows_of([1.0] * 4)}, date=NEW)
    every = board_of(tmp_path, every_run=True)
    assert len(every.checkpoints) == 2 and len({c.name for c in every.checkpoints}) == 2
    assert sorted(cell.metrics["faithful"].estimate for cell in every.cells) == [0.0, 1.0]
    assert faithful(board_of(tmp_path, date="2026-01")) == [0.0]
    assert (
        faithful(board_of(tmp_path, date="2026-02-01T00-00"))
        == faithful(board_of(tmp_path, date="2026-02-01T00:00"))
        == [1.0]
    )
    with pytest.raises(UsageError, match="no results of faithful_se tasks of 2025 there"):
        board_of(tmp_path, date="2025")


def test_without_samples_the_means_are_shown_and_nothing_is_compared(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(OUTCOMES)})
    write_run(tmp_path / "b", {TASK: rows_of([0.0] * 4)}, peft="models/tuned", samples=False)
    board = board_of(tmp_path)
    tuned = next(cell for cell in board.cells if cell.checkpoint == "c1")
    estimate = tuned.metrics["faithful"]
    assert (estimate.estimate, estimate.low, estimate.n, estimate.note) == (0.0, 0.0, 4, "mean as reported, no samples")
    assert estimate.high == pytest.approx(0.4899, abs=1e-4)  # Wilson, 0 of 4: z^2 / (4 + z^2)
    assert tuned.metrics["lift"].low is None
    assert tuned.versus is None and len(board.tasks) == 1
    assert (
        "1 of 2 cells come from results without samples: means as reported, no paired tests, no cards." in board.notes
    )


@pytest.mark.parametrize(
    ("change", "variant"),
    [
        ({"options": {"classifier": "loglikelihood"}}, "classifier=loglikelihood"),
        ({"options": {"classifier": "calibrated", "prior": "domain"}}, "classifier=calibrated, prior=domain"),
        ({"options": {"num_fewshot": 4, "fewshot_seed": 1234}}, "num_fewshot=4"),
        ({"options": {"data_fingerprint": "beef"}}, "data_fingerprint=beef"),
        ({"version": 2.0}, "version 2"),
    ],
)
def test_other_options_and_versions_are_another_column(tmp_path, change, variant):
    write_run(tmp_path / "a", {TASK: rows_of(OUTCOMES)})
    write_run(tmp_path / "b", {TASK: rows_of(OUTCOMES)}, peft="models/tuned", **change)
    write_run(tmp_path / "c", {TASK: rows_of(OUTCOMES)}, peft="models/other")
    board = board_of(tmp_path)
    assert [task.id for task in board.tasks] == ["snli_attribution_oneword", "snli_attribution_oneword~2"]
    assert board.tasks[1].variant == variant
    by = {(c.checkpoint, c.task): c for c in board.cells}
    names = {c.name: c.id for c in board.checkpoints}
    assert by[names["tuned"], "snli_attribution_oneword~2"].versus is None
    assert by[names["other"], "snli_attribution_oneword"].versus is not None
    assert any(note.startswith(f"Kept apart, not compared with each other: {variant}") for note in board.notes)


def test_the_folder_of_the_data_makes_no_other_column(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(OUTCOMES)}, options={"data": "/home/a/data"})
    write_run(tmp_path / "b", {TASK: rows_of(OUTCOMES)}, peft="models/tuned", options={"data": "../data"})
    assert len(board_of(tmp_path).tasks) == 1


def test_a_limit_is_another_column_unless_all_have_it(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(OUTCOMES)})
    write_run(tmp_path / "b", {TASK: rows_of(OUTCOMES[:2])}, peft="models/tuned", limit=2)
    board = board_of(tmp_path)
    assert [(task.n, task.limit, task.variant) for task in board.tasks] == [
        (4, None, "all 4 documents"),
        (2, 2, "limit 2"),
    ]
    assert all(cell.versus is None for cell in board.cells)
    write_run(tmp_path / "c", {TASK: rows_of(OUTCOMES[:2])}, limit=2)
    board = board_of(tmp_path / "b", tmp_path / "c")
    (task,) = board.tasks
    assert (task.n, task.limit, task.variant) == (2, 2, "")
    assert "1 of 1 columns hold the first documents of their data only (--limit 2)." in board.notes


def test_a_checkpoint_without_means_is_reported(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(OUTCOMES)})
    write_run(tmp_path / "b", {TASK: rows_of(OUTCOMES[:2])}, model="models/quick", limit=2)
    write_run(tmp_path / "c", {TASK: rows_of(OUTCOMES)}, model="models/broken", effective=9)
    board = board_of(tmp_path)
    assert "quick: only in columns kept apart, so without means." in board.notes
    assert "broken: no complete run, so without numbers." in board.notes


def test_a_quick_look_does_not_hide_an_older_whole_run(tmp_path):
    """lm-eval writes into one --output_path, with a folder of a made-up name for each set of tasks."""
    for name, rows, limit, date in (("abc123", OUTCOMES, None, OLD), ("xyz789", [0.0, 0.0], 2, NEW)):
        content = {"model_name": name, "model_name_sanitized": name, "config": {"model": "rules", "model_args": {}}}
        write_run(tmp_path / name, {TASK: rows_of(rows)}, limit=limit, date=date, content=content)
    board = board_of(tmp_path)
    assert [c.name for c in board.checkpoints] == ["rules"]
    assert [
        (task.n, cell.metrics["faithful"].estimate) for task, cell in zip(board.tasks, board.cells, strict=True)
    ] == [
        (4, 0.75),
        (2, 0.0),
    ]


def test_other_documents_of_the_same_number_are_another_column(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(OUTCOMES)})
    write_run(tmp_path / "b", {TASK: rows_of(OUTCOMES, text=[f"other {i}" for i in range(4)])}, peft="models/tuned")
    board = board_of(tmp_path)
    assert [task.variant for task in board.tasks] == ["other documents", "other documents (2)"]


def test_documents_are_paired_by_hash_not_by_order(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of([1.0, 0.0, 0.0, 0.0])})
    write_run(tmp_path / "b", {TASK: rows_of([1.0, 0.0, 0.0, 0.0])[::-1]}, peft="models/tuned")
    (versus,) = [cell.versus for cell in board_of(tmp_path).cells if cell.versus]
    assert (versus.n, versus.only_base, versus.only_checkpoint) == (4, 0, 0)


def test_equal_documents_are_paired_in_order(tmp_path):
    same = ["twin", "twin", "x", "y"]
    write_run(tmp_path / "a", {TASK: rows_of([1.0, 0.0, 0.0, 0.0], text=same)})
    write_run(tmp_path / "b", {TASK: rows_of([0.0, 1.0, 0.0, 0.0], text=same)}, peft="models/tuned")
    board = board_of(tmp_path)
    (versus,) = [cell.versus for cell in board.cells if cell.versus]
    assert (versus.n, versus.only_base, versus.only_checkpoint) == (4, 1, 1)
    (note,) = [note for note in board.notes if "share" in note]
    assert note.endswith(
        ".jsonl (and 1 more): 2 documents share a doc_hash, all with equal texts: paired by hash, text and order."
    )


def test_clashing_hashes_are_named_and_told_apart_by_their_texts(tmp_path):
    for folder, peft, outcomes in (("a", "", [1.0, 0.0]), ("b", "models/tuned", [0.0, 1.0])):
        rows = [row(0, outcomes[0], text="one"), row(1, outcomes[1], text="two")]
        rows[1]["doc_hash"] = rows[0]["doc_hash"]
        write_run(tmp_path / folder, {TASK: rows if not peft else rows[::-1]}, peft=peft)
    board = board_of(tmp_path)
    (versus,) = [cell.versus for cell in board.cells if cell.versus]
    assert (versus.n, versus.only_base, versus.only_checkpoint) == (2, 1, 1)
    assert any("2 documents share a doc_hash, 1 of the hashes with different texts" in note for note in board.notes)
    assert {entry.faithful for document in board.documents for entry in document.entries} == {0.0, 1.0}
    assert len({document.key for document in board.documents}) == 2


def test_foreign_tasks_are_counted_in_one_line(tmp_path):
    path = write_run(tmp_path, {TASK: rows_of(OUTCOMES)})
    content = json.loads(path.read_text())
    for number in range(7):
        content["configs"][f"mmlu_{number}"] = {"task": f"mmlu_{number}", "metadata": {"version": 1.0}}
        content["results"][f"mmlu_{number}"] = {"acc,none": 0.5}
    path.write_text(json.dumps(content))
    board = board_of(tmp_path)
    assert [note for note in board.notes if "other tasks" in note] == [
        "7 results of other tasks than faithful_se are not on the board."
    ]
    assert len(board.tasks) == 1


def test_a_single_file_is_enough(tmp_path):
    path = write_run(tmp_path, {TASK: rows_of(OUTCOMES)}, date=OLD)
    write_run(tmp_path, {TASK: rows_of([1.0] * 4)}, date=NEW)
    assert faithful(board_of(path)) == [0.75]


def test_an_option_that_older_versions_lacked_is_its_default_there(tmp_path):
    """`order` is newer than the results of `old`, which took the documents as they came."""
    write_run(tmp_path / "old", {TASK: rows_of([0.0] * 4)}, date=OLD, model="models/a")
    new = {"order": "file", "order_seed": 0}
    write_run(tmp_path / "new", {TASK: rows_of([1.0] * 4)}, date=NEW, model="models/b", options=new)
    balanced = {"order": "balanced", "order_seed": 0}
    write_run(tmp_path / "balanced", {TASK: rows_of([1.0] * 4)}, date=NEW, model="models/c", options=balanced)
    first, second = board_of(tmp_path).tasks
    assert (first.variant, second.variant) == ("order=file", "order=balanced")
