"""Which results belong to one checkpoint, its name, its base and its training."""

from __future__ import annotations

import pytest

from faithful_se.errors import UsageError
from leaderboards.tables.main_table import describe_arm
from tests.leaderboards.boards_from_files import NEW, OLD, OTHER_TASK, OUTCOMES, board_of
from tests.leaderboards.result_files import DATE, TASK, rows_of, train_info, write_run


def test_names_in_any_script(tmp_path):
    write_run(
        tmp_path / "模型 é",
        {TASK: rows_of(OUTCOMES, text=["ばなな", "naïve", "\u202eright to left", "</script>"])},
        model="org/模型-é",
    )
    board = board_of(tmp_path)
    assert [c.name for c in board.checkpoints] == ["模型-é"]
    assert {"".join(s.text for s in d.fields["Text"]) for d in board.documents} == {
        "ばなな",
        "naïve",
        "\u202eright to left",
        "</script>",
    }


def test_two_models_of_one_name(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(OUTCOMES)}, arguments={"revision": "v1"})
    write_run(tmp_path / "b", {TASK: rows_of([0.0] * 4)}, arguments={"revision": "v2"})
    names = [c.name for c in board_of(tmp_path).checkpoints]
    assert names == ["base (revision=v1)", "base (revision=v2)"]


def test_one_model_in_two_folders_with_the_same_task_is_two(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(OUTCOMES)})
    write_run(tmp_path / "b", {TASK: rows_of([0.0] * 4)})
    board = board_of(tmp_path)
    assert len(board.checkpoints) == 2 and len({c.name for c in board.checkpoints}) == 2
    assert any("has results for the same tasks in 2 folders: shown as 2 checkpoints" in note for note in board.notes)


def test_one_model_in_two_folders_with_other_tasks_is_one(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(OUTCOMES)})
    write_run(tmp_path / "b", {OTHER_TASK: rows_of(OUTCOMES, OTHER_TASK)})
    board = board_of(tmp_path)
    assert len(board.checkpoints) == 1 and len(board.cells) == 2


def test_another_prompt_makes_another_model(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(OUTCOMES)})
    write_run(tmp_path / "b", {TASK: rows_of(OUTCOMES)}, content={"chat_template": None})
    assert [c.name for c in board_of(tmp_path).checkpoints] == ["base", "base (no chat template)"]


def test_names_are_as_short_as_possible(tmp_path):
    for path in ("x/tuned", "y/tuned", "z/checkpoint-600"):
        write_run(tmp_path / path, {TASK: rows_of(OUTCOMES)}, model=f"runs/{path}")
    assert {c.name for c in board_of(tmp_path).checkpoints} == {"x/tuned", "y/tuned", "z/checkpoint-600"}


def test_the_base_of_an_adapter_is_the_model_below_it(tmp_path):
    write_run(tmp_path / "base", {TASK: rows_of(OUTCOMES)})
    write_run(tmp_path / "tuned", {TASK: rows_of(OUTCOMES)}, peft="out/tuned")
    write_run(tmp_path / "stranger", {TASK: rows_of(OUTCOMES)}, model="models/stranger")
    checkpoints = {c.name: c for c in board_of(tmp_path).checkpoints}
    assert checkpoints["tuned"].base == checkpoints["base"].id
    assert checkpoints["base"].base is None and checkpoints["stranger"].base is None


def test_of_several_bases_of_one_name_the_nearest_with_the_same_tasks(tmp_path):
    """Everything was run twice, in two folders; then a row is made of every date."""
    for folder, outcome in (("one", 0.0), ("two", 1.0)):
        write_run(tmp_path / folder / "base", {TASK: rows_of([outcome] * 4)}, date=OLD)
        write_run(tmp_path / folder / "tuned", {TASK: rows_of([1.0] * 4)}, peft="out/tuned", date=OLD)
    board = board_of(tmp_path)
    gains = {c.name: c.gains["all"].estimate for c in board.checkpoints if c.base}
    assert len(gains) == 2 and sorted(gains.values()) == [0.0, 1.0]
    write_run(tmp_path / "one" / "base", {OTHER_TASK: rows_of([0.0] * 4, OTHER_TASK)}, date=NEW)
    write_run(tmp_path / "one" / "tuned", {OTHER_TASK: rows_of([1.0] * 4, OTHER_TASK)}, peft="out/tuned", date=NEW)
    board = board_of(tmp_path / "one", every_run=True)
    assert [c.gains["all"].estimate for c in board.checkpoints if c.base] == [1.0, 1.0]


def test_the_base_from_what_it_was_trained_on(tmp_path):
    write_run(tmp_path / "base", {TASK: rows_of(OUTCOMES)})
    write_run(tmp_path / "other", {TASK: rows_of(OUTCOMES)}, model="models/other")
    write_run(tmp_path / "full", {TASK: rows_of(OUTCOMES)}, model="out/full")
    train_info(tmp_path / "full")
    checkpoints = {c.name: c for c in board_of(tmp_path).checkpoints}
    assert checkpoints["full"].base == checkpoints["base"].id and checkpoints["other"].base is None
    training = checkpoints["full"].training
    assert (training.datasets, training.styles, training.budget) == (("snli",), ("attribution",), ("oneword",))
    assert (training.arm, training.filtered, training.method, training.control) == ("word", True, "ig", False)
    assert training.extra == {"steps": 690} and training.source.endswith("full/train_info.json")


@pytest.mark.parametrize(
    ("fields", "arm"),
    [
        ({}, "deciding word"),
        ({"specific": [False]}, "deciding word"),
        ({"specific": [True]}, "deciding word, specific"),
        ({"specific": [True], "filtered": [False]}, "deciding word, unfiltered, specific"),
        ({"specific": [False, True]}, "deciding word"),
        ({"specific": [True], "arm": ["random"]}, "control: random word, specific"),
        ({"specific": [True], "filtered": [False], "arm": ["answers"]}, "control: answers only"),
        ({"specific": "[True]"}, "deciding word"),
    ],
)
def test_the_arm_names_options_that_are_not_the_default(tmp_path, fields, arm):
    write_run(tmp_path / "base", {TASK: rows_of(OUTCOMES)})
    write_run(tmp_path / "full", {TASK: rows_of(OUTCOMES)}, model="out/full")
    train_info(tmp_path / "full", **fields)
    assert {describe_arm(checkpoint) for checkpoint in board_of(tmp_path).checkpoints} == {"", arm}


def test_the_base_as_the_user_says(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(OUTCOMES)}, model="models/a")
    write_run(tmp_path / "b", {TASK: rows_of(OUTCOMES)}, model="models/b")
    assert any("Name one with --base NAME" in note for note in board_of(tmp_path).notes)
    checkpoints = {c.name: c for c in board_of(tmp_path, base="a").checkpoints}
    assert checkpoints["b"].base == checkpoints["a"].id and checkpoints["a"].base is None
    with pytest.raises(UsageError, match="--base c: no checkpoint has this name; the checkpoints are a, b"):
        board_of(tmp_path, base="c")


def test_a_missing_base_is_reported(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of(OUTCOMES)}, model="models/a")
    write_run(tmp_path / "t", {TASK: rows_of(OUTCOMES)}, model="models/gone", peft="out/tuned")
    board = board_of(tmp_path)
    assert "tuned: its base models/gone is not on the board; compared with a" in board.notes


def test_train_info_is_searched_where_the_results_name_the_model(tmp_path):
    """The model was moved together with its results, or the user names the file."""
    results = tmp_path / "moved" / "results" / "tuned" / "lm_eval" / "m"
    write_run(tmp_path / "moved" / "results" / "base", {TASK: rows_of(OUTCOMES)})
    write_run(results, {TASK: rows_of(OUTCOMES)}, peft="runs/demo/trained/tuned")
    train_info(tmp_path / "moved" / "trained" / "tuned", arm=["random"])
    board = board_of(tmp_path)
    assert [c.training.arm for c in board.checkpoints if c.training] == ["random"]
    assert board.checkpoints[1].training.control
    train_info(tmp_path / "elsewhere", arm=["lowest"])
    board = board_of(tmp_path / "moved", train_infos={"tuned": tmp_path / "elsewhere" / "train_info.json"})
    assert [c.training.arm for c in board.checkpoints if c.training] == ["lowest"]
    with pytest.raises(UsageError, match=r"results_.*json: not the train_info.json"):
        board_of(tmp_path / "moved", train_infos={"tuned": results / f"results_{DATE}.json"})


def test_the_training_may_be_in_the_model_card(tmp_path):
    write_run(tmp_path / "base", {TASK: rows_of(OUTCOMES)})
    write_run(tmp_path / "tuned", {TASK: rows_of(OUTCOMES)}, peft="out/tuned")
    card = tmp_path / "tuned" / "README.md"
    card.write_text("---\nbase_model: models/base\ntags:\n- faithful-se\n---\n# tuned\n")
    assert [c.training for c in board_of(tmp_path).checkpoints] == [None, None]
    block = "  base: models/base\n  train_datasets: [agnews, snli]\n  arm: [word]\n  steps: 690\n"
    card.write_text(f"---\nbase_model: models/base\nfaithful_se:\n{block}---\n# tuned\n")
    (training,) = [c.training for c in board_of(tmp_path).checkpoints if c.training]
    assert (training.base, training.datasets, training.arm) == ("models/base", ("agnews", "snli"), "word")
    assert training.extra == {"steps": 690} and training.source == str(card)
    # A train_info.json counts before the card. A damaged card is reported.
    train_info(tmp_path / "tuned", arm=["random"])
    assert [c.training.arm for c in board_of(tmp_path).checkpoints if c.training] == ["random"]
    (tmp_path / "tuned" / "train_info.json").unlink()
    card.write_text("---\nfaithful_se:\n  base: [\n---\n# tuned\n")
    assert any("not the train_info.json that `faithful-se sft` writes" in note for note in board_of(tmp_path).notes)


def test_a_damaged_train_info_is_reported_and_the_model_stays(tmp_path):
    write_run(tmp_path / "base", {TASK: rows_of(OUTCOMES)})
    write_run(tmp_path / "tuned", {TASK: rows_of(OUTCOMES)}, peft="out/tuned")
    (tmp_path / "tuned" / "train_info.json").write_text("{")
    board = board_of(tmp_path)
    assert len(board.cells) == 2
    assert any("not the train_info.json that `faithful-se sft` writes" in note for note in board.notes)
