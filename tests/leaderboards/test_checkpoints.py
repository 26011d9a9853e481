"""Which results belong to one checkpoint, what it is called, what it was trained from."""

from __future__ import annotations

import pytest

from faithful_se.errors import UsageError
from leaderboards.main_table import arm_of
from tests.leaderboards.reading import NEW, OLD, OTHER, SOME, board
from tests.leaderboards.synthetic import DATE, TASK, rows_of, train_info, write_run


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
    with pytest.raises(UsageError, match="--base c: no checkpoint of this name; there are a, b"):
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
    with pytest.raises(UsageError, match=r"results_.*json: not the train_info.json"):
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
