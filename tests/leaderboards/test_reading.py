"""From files to a board: what is read, what is told apart, what is named and skipped."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import jsonschema
import pytest

from leaderboards.board import Board, Settings
from leaderboards.build import Choice, make_board
from leaderboards.errors import BoardError
from leaderboards.file import SCHEMA, load, save
from leaderboards.ranking import arm_of
from tests.leaderboards.synthetic import DATE, TASK, name_of, row, rows_of, train_info, write_run

OTHER = ("snli", "redaction", "oneword")
OLD, NEW = "2026-01-01T00-00-00.000000", "2026-02-01T00-00-00.000000"
SOME = [1.0, 0.0, 1.0, 1.0]


def board(*paths: Path, **choice) -> Board:
    made, _ = make_board(paths, settings=Settings(draws=200), choice=Choice(**choice))
    return made


def only(found: Board):
    (cell,) = found.cells
    return cell


def faithful(found: Board, name: str = "base") -> list[float | None]:
    ids = [c.id for c in found.checkpoints if c.name == name]
    return [cell.metrics["faithful"].estimate for cell in found.cells if cell.checkpoint in ids]


def test_one_run(tmp_path):
    path = write_run(tmp_path, {TASK: rows_of(SOME)})
    found = board(tmp_path)
    (task,), (checkpoint,) = found.tasks, found.checkpoints
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
    assert only(found).metrics["faithful"].estimate == 0.75
    assert found.skipped == () and found.documents_total == 4


def test_samples_are_joined_by_date_and_task(tmp_path):
    """Two results files in one folder, one task each; a task whose name is the beginning of another's."""
    longer = ("snli", "attribution", "oneword_x")
    write_run(tmp_path, {TASK: rows_of([1.0, 1.0])}, date=OLD)
    write_run(tmp_path, {longer: rows_of([0.0, 0.0], longer)}, date=NEW)
    found = {cell.task: cell.metrics["faithful"].estimate for cell in board(tmp_path).cells}
    assert found == {"snli_attribution_oneword": 1.0, "snli_attribution_oneword_x": 0.0}


def test_the_newest_complete_run_counts(tmp_path):
    write_run(tmp_path, {TASK: rows_of([0.0] * 4)}, date=OLD)
    write_run(tmp_path, {TASK: rows_of([1.0] * 4)}, date=NEW)
    found = board(tmp_path)
    assert faithful(found) == [1.0] and only(found).date == "2026-02-01T00:00:00.000000"


def test_an_incomplete_newer_run_is_named_and_the_older_one_used(tmp_path):
    write_run(tmp_path, {TASK: rows_of([0.0] * 4)}, date=OLD)
    write_run(tmp_path, {TASK: rows_of([1.0] * 2)}, date=NEW, effective=4)
    found = board(tmp_path)
    assert faithful(found) == [0.0]
    (one,) = found.skipped
    assert one.path.endswith(f"samples_{name_of(TASK)}_{NEW}.jsonl")
    assert one.reason == "incomplete: 2 of 4 documents; the older run of 2026-01-01T00:00:00.000000 is used"


def test_every_run_or_one_date_when_told(tmp_path):
    write_run(tmp_path, {TASK: rows_of([0.0] * 4)}, date=OLD)
    write_run(tmp_path, {TASK: rows_of([1.0] * 4)}, date=NEW)
    every = board(tmp_path, every_run=True)
    assert len(every.checkpoints) == 2 and len({c.name for c in every.checkpoints}) == 2
    assert sorted(cell.metrics["faithful"].estimate for cell in every.cells) == [0.0, 1.0]
    assert faithful(board(tmp_path, date="2026-01")) == [0.0]
    assert (
        faithful(board(tmp_path, date="2026-02-01T00-00"))
        == faithful(board(tmp_path, date="2026-02-01T00:00"))
        == [1.0]
    )
    with pytest.raises(BoardError, match="no results of faithful_se tasks of 2025 in there"):
        board(tmp_path, date="2025")


def test_without_samples_the_means_are_shown_and_nothing_is_compared(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(SOME)})
    write_run(tmp_path / "b", {TASK: rows_of([0.0] * 4)}, peft="models/tuned", samples=False)
    found = board(tmp_path)
    tuned = next(cell for cell in found.cells if cell.checkpoint == "c1")
    estimate = tuned.metrics["faithful"]
    assert (estimate.estimate, estimate.low, estimate.n, estimate.note) == (0.0, 0.0, 4, "mean as reported, no samples")
    assert estimate.high == pytest.approx(0.4899, abs=1e-4)  # Wilson, 0 of 4: z^2 / (4 + z^2)
    assert tuned.metrics["lift"].low is None
    assert tuned.versus is None and len(found.tasks) == 1
    assert (
        "1 of 2 cells come from results without samples: means as reported, no paired tests, no cards." in found.notes
    )


@pytest.mark.parametrize(
    ("change", "variant"),
    [
        ({"options": {"classifier": "loglikelihood"}}, "classifier=loglikelihood"),
        ({"options": {"data_fingerprint": "beef"}}, "data_fingerprint=beef"),
        ({"version": 2.0}, "version 2"),
    ],
)
def test_other_options_and_versions_are_another_column(tmp_path, change, variant):
    write_run(tmp_path / "a", {TASK: rows_of(SOME)})
    write_run(tmp_path / "b", {TASK: rows_of(SOME)}, peft="models/tuned", **change)
    write_run(tmp_path / "c", {TASK: rows_of(SOME)}, peft="models/other")
    found = board(tmp_path)
    assert [task.id for task in found.tasks] == ["snli_attribution_oneword", "snli_attribution_oneword~2"]
    assert found.tasks[1].variant == variant
    by = {(c.checkpoint, c.task): c for c in found.cells}
    names = {c.name: c.id for c in found.checkpoints}
    assert by[names["tuned"], "snli_attribution_oneword~2"].versus is None
    assert by[names["other"], "snli_attribution_oneword"].versus is not None
    assert any(note.startswith(f"Kept apart, not compared with each other: {variant}") for note in found.notes)


def test_where_the_data_lay_sets_nothing_apart(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(SOME)}, options={"data": "/home/a/data"})
    write_run(tmp_path / "b", {TASK: rows_of(SOME)}, peft="models/tuned", options={"data": "../data"})
    assert len(board(tmp_path).tasks) == 1


def test_a_limit_is_another_column_unless_all_have_it(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(SOME)})
    write_run(tmp_path / "b", {TASK: rows_of(SOME[:2])}, peft="models/tuned", limit=2)
    found = board(tmp_path)
    assert [(task.n, task.limit, task.variant) for task in found.tasks] == [
        (4, None, "all 4 documents"),
        (2, 2, "limit 2"),
    ]
    assert all(cell.versus is None for cell in found.cells)
    write_run(tmp_path / "c", {TASK: rows_of(SOME[:2])}, limit=2)
    found = board(tmp_path / "b", tmp_path / "c")
    (task,) = found.tasks
    assert (task.n, task.limit, task.variant) == (2, 2, "")
    assert "1 of 1 columns hold the first documents of their data only (--limit 2)." in found.notes


def test_a_checkpoint_without_means_is_said(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(SOME)})
    write_run(tmp_path / "b", {TASK: rows_of(SOME[:2])}, model="models/quick", limit=2)
    write_run(tmp_path / "c", {TASK: rows_of(SOME)}, model="models/broken", effective=9)
    found = board(tmp_path)
    assert "quick: only in columns kept apart, so without means." in found.notes
    assert "broken: no complete run, so without numbers." in found.notes


def test_a_file_that_cannot_be_opened_is_named(tmp_path, monkeypatch):
    write_run(tmp_path / "a", {TASK: rows_of(SOME)})
    bad = write_run(tmp_path / "b", {TASK: rows_of(SOME)}, peft="models/tuned")
    read_text = Path.read_text

    def refuse(path, *arguments, **settings):
        if path == bad:
            raise PermissionError(13, "Permission denied", str(path))
        return read_text(path, *arguments, **settings)

    monkeypatch.setattr(Path, "read_text", refuse)
    (one,) = board(tmp_path).skipped
    assert (one.path, one.reason) == (str(bad), "cannot be read (Permission denied); run it again or take it away")


def test_a_quick_look_does_not_hide_an_older_whole_run(tmp_path):
    """As lm-eval writes it: the same --output_path, a folder of a made-up name for each set of tasks."""
    for name, rows, limit, date in (("abc123", SOME, None, OLD), ("xyz789", [0.0, 0.0], 2, NEW)):
        content = {"model_name": name, "model_name_sanitized": name, "config": {"model": "rules", "model_args": {}}}
        write_run(tmp_path / name, {TASK: rows_of(rows)}, limit=limit, date=date, content=content)
    found = board(tmp_path)
    assert [c.name for c in found.checkpoints] == ["rules"]
    assert [
        (task.n, cell.metrics["faithful"].estimate) for task, cell in zip(found.tasks, found.cells, strict=True)
    ] == [
        (4, 0.75),
        (2, 0.0),
    ]


def test_other_documents_of_the_same_number_are_another_column(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(SOME)})
    write_run(tmp_path / "b", {TASK: rows_of(SOME, text=[f"other {i}" for i in range(4)])}, peft="models/tuned")
    found = board(tmp_path)
    assert [task.variant for task in found.tasks] == ["other documents", "other documents (2)"]


def test_documents_are_paired_by_hash_not_by_order(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of([1.0, 0.0, 0.0, 0.0])})
    write_run(tmp_path / "b", {TASK: rows_of([1.0, 0.0, 0.0, 0.0])[::-1]}, peft="models/tuned")
    (versus,) = [cell.versus for cell in board(tmp_path).cells if cell.versus]
    assert (versus.n, versus.only_base, versus.only_checkpoint) == (4, 0, 0)


def test_equal_documents_are_paired_in_order(tmp_path):
    same = ["twin", "twin", "x", "y"]
    write_run(tmp_path / "a", {TASK: rows_of([1.0, 0.0, 0.0, 0.0], text=same)})
    write_run(tmp_path / "b", {TASK: rows_of([0.0, 1.0, 0.0, 0.0], text=same)}, peft="models/tuned")
    found = board(tmp_path)
    (versus,) = [cell.versus for cell in found.cells if cell.versus]
    assert (versus.n, versus.only_base, versus.only_checkpoint) == (4, 1, 1)
    (note,) = [note for note in found.notes if "share" in note]
    assert note.endswith(
        ".jsonl (and 1 more files): 2 documents share a doc_hash, all with equal texts: paired by hash, text and order."
    )


def test_clashing_hashes_are_named_and_told_apart_by_their_texts(tmp_path):
    for place, peft, outcomes in (("a", "", [1.0, 0.0]), ("b", "models/tuned", [0.0, 1.0])):
        rows = [row(0, outcomes[0], text="one"), row(1, outcomes[1], text="two")]
        rows[1]["doc_hash"] = rows[0]["doc_hash"]
        write_run(tmp_path / place, {TASK: rows if not peft else rows[::-1]}, peft=peft)
    found = board(tmp_path)
    (versus,) = [cell.versus for cell in found.cells if cell.versus]
    assert (versus.n, versus.only_base, versus.only_checkpoint) == (2, 1, 1)
    assert any("2 documents share a doc_hash, 1 of the hashes with different texts" in note for note in found.notes)
    assert {entry.faithful for document in found.documents for entry in document.entries} == {0.0, 1.0}
    assert len({document.key for document in found.documents}) == 2


def test_foreign_tasks_are_counted_in_one_line(tmp_path):
    path = write_run(tmp_path, {TASK: rows_of(SOME)})
    content = json.loads(path.read_text())
    for number in range(7):
        content["configs"][f"mmlu_{number}"] = {"task": f"mmlu_{number}", "metadata": {"version": 1.0}}
        content["results"][f"mmlu_{number}"] = {"acc,none": 0.5}
    path.write_text(json.dumps(content))
    found = board(tmp_path)
    assert [note for note in found.notes if "other tasks" in note] == [
        "7 results of other tasks than faithful_se are not on the board."
    ]
    assert len(found.tasks) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty; run it again or take it away"),
        ('{"results": {"faithful_se_snli', "is not whole JSON, cut or damaged (Unterminated string"),
        ('{"accuracy": 1}', "JSON, but no results of lm_eval (configs, results or config is missing)"),
        ("[1, 2]", "JSON, but no results of lm_eval"),
        ("[" * 100_000, "is not whole JSON, cut or damaged"),
    ],
)
def test_a_broken_results_file_is_named_and_the_rest_is_shown(tmp_path, content, reason):
    write_run(tmp_path, {TASK: rows_of(SOME)})
    bad = tmp_path / f"results_{NEW}.json"
    bad.write_text(content)
    found = board(tmp_path)
    assert faithful(found) == [0.75]
    (one,) = found.skipped
    assert one.path == str(bad) and one.reason.startswith(reason)


def cut(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: cut(path, 0.6), "line 3 is no whole sample, cut or damaged"),
        (lambda path: path.write_text('{"a": 1}\n'), "holds no samples of lm_eval (line 1 has no doc_hash or metrics)"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "line 1 is not whole JSON"),
        (
            lambda path: path.write_text(path.read_text().replace('"faithful": 1.0', '"faithful": 3.0')),
            "faithful is 3 in 3 documents",
        ),
        (lambda path: path.write_text(path.read_text().splitlines()[0] + "\n"), "incomplete: 1 of 4 documents"),
        (lambda path: path.write_text(path.read_text() + "[]\n"), "line 5 is no whole sample"),
    ],
)
def test_broken_samples_are_named_and_the_rest_is_shown(tmp_path, spoil, reason):
    write_run(tmp_path, {TASK: rows_of(SOME), OTHER: rows_of(SOME, OTHER)})
    bad = tmp_path / f"samples_{name_of(OTHER)}_{DATE}.jsonl"
    spoil(bad)
    found = board(tmp_path)
    assert [task.name for task in found.tasks] == [name_of(TASK)]
    (one,) = found.skipped
    assert one.path == str(bad) and one.reason.startswith(reason)
    assert one.reason.endswith("run it again with --log_samples") and "\n" not in one.reason


@pytest.mark.parametrize("bad", ["NaN", '"N/A"', "Infinity", "[1]"])
def test_values_that_are_no_numbers_are_missing_and_counted(tmp_path, bad):
    write_run(tmp_path, {TASK: rows_of(SOME, extra=[0.25, 0.5, 0.75, 1.0])})
    path = tmp_path / f"samples_{name_of(TASK)}_{DATE}.jsonl"
    lines = path.read_text().splitlines()
    lines[1] = lines[1].replace('"extra": 0.5', f'"extra": {bad}').replace('"faithful": 0.0', f'"faithful": {bad}')
    path.write_text("\n".join(lines))
    found = board(tmp_path)
    cell = only(found)
    assert cell.metrics["extra"].estimate == pytest.approx(2 / 3) and cell.metrics["extra"].n == 3
    assert cell.metrics["faithful"].estimate == 1.0 and cell.missing == 1
    assert any("1 values of extra are no numbers, taken as missing (first in line 2)" in note for note in found.notes)


def test_a_mean_that_is_not_the_samples_is_named(tmp_path):
    path = write_run(tmp_path, {TASK: rows_of(SOME)})
    path.write_text(path.read_text().replace('"faithful,none": 0.75', '"faithful,none": 0.95'))
    found = board(tmp_path)
    assert faithful(found) == [0.75]
    assert any("faithful is 0.7500 by the samples, 0.9500 by the results; the samples count" in n for n in found.notes)


def test_samples_without_results_are_named(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(SOME)})
    path = write_run(tmp_path / "b", {TASK: rows_of(SOME)})
    path.unlink()
    (one,) = board(tmp_path).skipped
    assert "samples without their results file" in one.reason and "/b/" in one.path


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(SOME)})
    write_run(tmp_path / "b", {TASK: rows_of(SOME)}, peft="models/tuned").chmod(0)
    (one,) = board(tmp_path).skipped
    assert one.reason.startswith("cannot be read (Permission denied)")


def test_symbolic_links_that_go_in_circles_end(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(SOME)})
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "a")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    assert len(board(tmp_path, tmp_path / "a").cells) == 1


def test_names_in_any_script(tmp_path):
    write_run(
        tmp_path / "模型 é",
        {TASK: rows_of(SOME, text=["ばなな", "naïve", "\u202eright to left", "</script>"])},
        model="org/模型-é",
    )
    found = board(tmp_path)
    assert [c.name for c in found.checkpoints] == ["模型-é"]
    assert {"".join(s.text for s in d.fields["Text"]) for d in found.documents} == {
        "ばなな",
        "naïve",
        "\u202eright to left",
        "</script>",
    }


def test_nothing_to_read_is_one_line(tmp_path):
    with pytest.raises(BoardError, match=r"gone: no such file or folder; give the folder that lm_eval wrote"):
        board(tmp_path / "gone")
    with pytest.raises(BoardError, match=r"no results_\*.json of lm_eval in there"):
        board(tmp_path)
    write_run(tmp_path, {TASK: rows_of(SOME)}, effective=9)
    with pytest.raises(BoardError, match=r"no complete run of a faithful_se task .*incomplete: 4 of 9 documents"):
        board(tmp_path)


def test_a_single_file_is_enough(tmp_path):
    path = write_run(tmp_path, {TASK: rows_of(SOME)}, date=OLD)
    write_run(tmp_path, {TASK: rows_of([1.0] * 4)}, date=NEW)
    assert faithful(board(path)) == [0.75]


def test_two_models_of_one_name(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(SOME)}, arguments={"revision": "v1"})
    write_run(tmp_path / "b", {TASK: rows_of([0.0] * 4)}, arguments={"revision": "v2"})
    names = [c.name for c in board(tmp_path).checkpoints]
    assert names == ["base (revision=v1)", "base (revision=v2)"]


def test_one_model_in_two_folders_with_the_same_task_is_two(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(SOME)})
    write_run(tmp_path / "b", {TASK: rows_of([0.0] * 4)})
    found = board(tmp_path)
    assert len(found.checkpoints) == 2 and len({c.name for c in found.checkpoints}) == 2
    assert any("lies in 2 folders with the same tasks: shown as 2 checkpoints" in note for note in found.notes)


def test_one_model_in_two_folders_with_other_tasks_is_one(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(SOME)})
    write_run(tmp_path / "b", {OTHER: rows_of(SOME, OTHER)})
    found = board(tmp_path)
    assert len(found.checkpoints) == 1 and len(found.cells) == 2


def test_asked_otherwise_is_another_model(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(SOME)})
    write_run(tmp_path / "b", {TASK: rows_of(SOME)}, content={"chat_template": None})
    assert [c.name for c in board(tmp_path).checkpoints] == ["base", "base (no chat template)"]


def test_paths_are_as_long_as_it_takes(tmp_path):
    for place in ("x/tuned", "y/tuned", "z/checkpoint-600"):
        write_run(tmp_path / place, {TASK: rows_of(SOME)}, model=f"runs/{place}")
    assert {c.name for c in board(tmp_path).checkpoints} == {"x/tuned", "y/tuned", "z/checkpoint-600"}


def test_the_base_of_an_adapter_is_the_model_below_it(tmp_path):
    write_run(tmp_path / "base", {TASK: rows_of(SOME)})
    write_run(tmp_path / "tuned", {TASK: rows_of(SOME)}, peft="out/tuned")
    write_run(tmp_path / "stranger", {TASK: rows_of(SOME)}, model="models/stranger")
    found = {c.name: c for c in board(tmp_path).checkpoints}
    assert found["tuned"].base == found["base"].id
    assert found["base"].base is None and found["stranger"].base is None


def test_of_several_bases_of_one_name_the_nearest_with_the_same_tasks(tmp_path):
    """Two runs of everything, side by side; and every date a row of its own."""
    for place, outcome in (("one", 0.0), ("two", 1.0)):
        write_run(tmp_path / place / "base", {TASK: rows_of([outcome] * 4)}, date=OLD)
        write_run(tmp_path / place / "tuned", {TASK: rows_of([1.0] * 4)}, peft="out/tuned", date=OLD)
    found = board(tmp_path)
    gains = {c.name: c.gains["all"].estimate for c in found.checkpoints if c.base}
    assert len(gains) == 2 and sorted(gains.values()) == [0.0, 1.0]
    write_run(tmp_path / "one" / "base", {OTHER: rows_of([0.0] * 4, OTHER)}, date=NEW)
    write_run(tmp_path / "one" / "tuned", {OTHER: rows_of([1.0] * 4, OTHER)}, peft="out/tuned", date=NEW)
    found = board(tmp_path / "one", every_run=True)
    assert [c.gains["all"].estimate for c in found.checkpoints if c.base] == [1.0, 1.0]


def test_the_base_from_what_it_was_trained_on(tmp_path):
    write_run(tmp_path / "base", {TASK: rows_of(SOME)})
    write_run(tmp_path / "other", {TASK: rows_of(SOME)}, model="models/other")
    write_run(tmp_path / "full", {TASK: rows_of(SOME)}, model="out/full")
    train_info(tmp_path / "full")
    found = {c.name: c for c in board(tmp_path).checkpoints}
    assert found["full"].base == found["base"].id and found["other"].base is None
    training = found["full"].training
    assert (training.datasets, training.styles, training.budget) == (("snli",), ("attribution",), ("oneword",))
    assert (training.arm, training.filtered, training.method, training.control) == ("word", True, "ig", False)
    assert training.extra == {"steps": 690} and training.source.endswith("full/train_info.json")


@pytest.mark.parametrize(
    ("fields", "arm"),
    [
        ({}, "best word"),
        ({"specific": [False]}, "best word"),
        ({"specific": [True]}, "best word, specific"),
        ({"specific": [True], "filtered": [False]}, "best word, unfiltered, specific"),
        ({"specific": [False, True]}, "best word"),
        ({"specific": [True], "arm": ["random"]}, "control: random word, specific"),
        ({"specific": [True], "filtered": [False], "arm": ["answers"]}, "control: answers only"),
        ({"specific": "[True]"}, "best word"),
    ],
)
def test_the_arm_says_what_was_built_otherwise(tmp_path, fields, arm):
    write_run(tmp_path / "base", {TASK: rows_of(SOME)})
    write_run(tmp_path / "full", {TASK: rows_of(SOME)}, model="out/full")
    train_info(tmp_path / "full", **fields)
    assert {arm_of(checkpoint) for checkpoint in board(tmp_path).checkpoints} == {"", arm}


def test_the_base_as_the_user_says(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(SOME)}, model="models/a")
    write_run(tmp_path / "b", {TASK: rows_of(SOME)}, model="models/b")
    assert any("Say which with --base NAME" in note for note in board(tmp_path).notes)
    found = {c.name: c for c in board(tmp_path, base="a").checkpoints}
    assert found["b"].base == found["a"].id and found["a"].base is None
    with pytest.raises(BoardError, match="--base c: no checkpoint of this name; there are a, b"):
        board(tmp_path, base="c")


def test_a_base_that_is_not_there_is_said(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(SOME)}, model="models/a")
    write_run(tmp_path / "t", {TASK: rows_of(SOME)}, model="models/gone", peft="out/tuned")
    found = board(tmp_path)
    assert "tuned: its base models/gone is not on the board; compared with a" in found.notes


def test_train_info_where_the_results_name_it(tmp_path):
    """The model lies where it was recorded, or the whole run was moved, or the user says."""
    results = tmp_path / "moved" / "results" / "tuned" / "lm_eval" / "m"
    write_run(tmp_path / "moved" / "results" / "base", {TASK: rows_of(SOME)})
    write_run(results, {TASK: rows_of(SOME)}, peft="runs/demo/trained/tuned")
    train_info(tmp_path / "moved" / "trained" / "tuned", arm=["random"])
    found = board(tmp_path)
    assert [c.training.arm for c in found.checkpoints if c.training] == ["random"]
    assert found.checkpoints[1].training.control
    train_info(tmp_path / "elsewhere", arm=["lowest"])
    found = board(tmp_path / "moved", infos={"tuned": tmp_path / "elsewhere" / "train_info.json"})
    assert [c.training.arm for c in found.checkpoints if c.training] == ["lowest"]
    with pytest.raises(BoardError, match=r"results_.*json: not the train_info.json"):
        board(tmp_path / "moved", infos={"tuned": results / f"results_{DATE}.json"})


def test_a_model_card_says_it_too(tmp_path):
    write_run(tmp_path / "base", {TASK: rows_of(SOME)})
    write_run(tmp_path / "tuned", {TASK: rows_of(SOME)}, peft="out/tuned")
    front = "---\nbase_model: models/base\ntags:\n- faithful-se\n---\n"
    card = f"{front}# tuned\n\n| | |\n|---|---|\n| arm | word |\n| datasets | agnews, snli |\n"
    (tmp_path / "tuned" / "README.md").write_text(card)
    (training,) = [c.training for c in board(tmp_path).checkpoints if c.training]
    assert (training.base, training.datasets, training.arm) == ("models/base", ("agnews", "snli"), "word")


def test_a_train_info_that_is_none_is_said_and_the_model_stays(tmp_path):
    write_run(tmp_path / "base", {TASK: rows_of(SOME)})
    write_run(tmp_path / "tuned", {TASK: rows_of(SOME)}, peft="out/tuned")
    (tmp_path / "tuned" / "train_info.json").write_text("{")
    found = board(tmp_path)
    assert len(found.cells) == 2
    assert any("not the train_info.json that `faithful-se sft` writes" in note for note in found.notes)


def test_numbers_that_json_has_not_reach_no_board(tmp_path):
    """A training that diverged, an option that is nan: Python writes them, a strict file cannot hold them."""
    write_run(tmp_path / "base", {TASK: rows_of(SOME)}, options={"odd": float("nan")})
    write_run(tmp_path / "tuned", {TASK: rows_of(SOME)}, peft="out/tuned", options={"odd": float("nan")})
    train_info(tmp_path / "tuned", loss=float("nan"), steps=float("inf"))
    found = board(tmp_path)
    assert found.checkpoints[1].training.extra == {"loss": None, "steps": None}
    save(found, tmp_path / "board.json")
    assert load(tmp_path / "board.json") == found


def spoiled(content: bytes, draw: random.Random) -> bytes:
    """Cut, zeroed, doubled, shuffled or overwritten somewhere."""
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
    write_run(tmp_path / "good", {TASK: rows_of(SOME)}, model="models/good")
    write_run(tmp_path / "base", {TASK: rows_of(SOME), OTHER: rows_of(SOME, OTHER)})
    write_run(tmp_path / "tuned", {TASK: rows_of(SOME), OTHER: rows_of(SOME, OTHER)}, peft="out/tuned")
    train_info(tmp_path / "tuned")
    for path in draw.sample(sorted([*(tmp_path / "base").iterdir(), *(tmp_path / "tuned").iterdir()]), 3):
        path.write_bytes(spoiled(path.read_bytes(), draw))
    found = board(tmp_path)
    assert 0.75 in faithful(found, "good")
    save(found, tmp_path / "board.json")
    assert load(tmp_path / "board.json") == found
    schema = json.loads(SCHEMA.read_text())
    jsonschema.validate(json.loads((tmp_path / "board.json").read_text()), schema, cls=jsonschema.Draft202012Validator)
