"""Plans: arithmetic over measured batches, with numbers that can be checked by hand."""

from __future__ import annotations

import json

import pytest
import yaml

from lm_eval_tasks.document import Document
from lm_eval_tasks.work import Work, spread, weight
from training.study import plan
from training.study.cli import open_study
from training.study.pilot import Pilot
from training.study.stage import Stage


def pilot() -> Pilot:
    return Pilot(
        startup=10,
        training_startup=14,
        index=5,
        classify=Work(100, 5000, 50),
        generate=Work(10, 900, 20),
        tasks={"a": Work(1000, 50_000, 500), "b": Work(2000, 100_000, 1000)},
        names={
            ("faithful_se",): ["a", "b"],
            ("faithful_se_snli_*",): ["b"],
            ("faithful_se_snli_attribution_oneword",): ["a"],
        },
        attribute={"sentiment140": Work(2000, 90_000, 200), "snli": Work(1000, 50_000, 100)},
        texts={"sentiment140": 60, "snli": 40},
        step=Work(1, 1000, 2),
        batch=8,
    )


@pytest.fixture
def folder(tmp_path):
    recipe = {
        "model": "MODEL",
        "datasets": ["sentiment140", "snli"],
        "tune": {"rows": ["100", "snli=300"], "replay": 10, "held-out": 50, "explained": 20, "max-chars": 400},
        "arms": {
            "word": {},
            "random": {"arm": "random", "styles": ["attribution"], "without": ["snli"]},
            "answers": {"arm": "answers", "tasks": ["faithful_se_snli_*"]},
        },
        "explainers": {
            "of": ["word"],
            "by": ["base", "attribution"],
            "tasks": ["faithful_se_snli_attribution_oneword"],
        },
        "sft": {"num_train_epochs": 2, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 2},
        "evaluate": {
            "tasks": ["faithful_se"],
            "limit": 25,
            "launch": "accelerate launch --num_processes 3 --no_python",
        },
        "parallel": 2,
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    return open_study(str(tmp_path / "recipe.yaml"), tmp_path / "out")


def test_the_work_of_each_stage(folder):
    works = {stage.name: plan.stage_work(folder, stage, pilot()) for stage in folder.stages}
    assert works["attribute"] == Work(3000, 140_000, 310)
    # A third of the work on each of three processes.
    assert works["evaluate-base"] == works["evaluate-random"] == Work(1000, 50_000, 515)
    assert works["evaluate-answers"].calls == pytest.approx(2000 / 3)  # one of the two tasks
    assert works["explain-word-by-base"].calls == works["explain-word-by-attribution"].calls == pytest.approx(1000 / 3)
    assert works["explain-word"] == Work(1500, 70_000, 160)  # 2 x 25 texts, where the training split has 100
    # 100 texts; the prediction, one masked text, four new words; half a second a call.
    assert works["build-word"] == Work(600, 30_000, 310)
    assert works["build-random"] == Work(120, 6000, 70)
    # Half of 100 texts x 3 styles, with replay 200 rows: 25 steps of eight, twice.
    assert works["sft-word"] == Work(50, 50_000, 114)
    # Half of 60 texts: 40 rows.
    assert works["sft-random"] == Work(10, 10_000, 34)
    # 400 gold rows and 60 of replay: 58 steps, which take .6 of one with an explanation. 100 classifications and 120
    # explanations before and after, and 60 explanations for the replay.
    steps = 58 * 0.6
    assert works["tune"].seconds == pytest.approx(24 + steps * 2 + 200 * 0.5 + 300 * 2)


def test_rows_that_were_built_are_counted(folder):
    stage = next(stage for stage in folder.stages if stage.name == "sft-word")
    file = folder.path / "rows" / "word" / "report.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"rows": 33}))
    assert plan.rows_of(folder, stage, pilot()) == 33


def test_hours_on_the_clock_follow_what_stages_need():
    names = {"a": (), "b": ("a",), "c": ("a",), "d": ("a",), "e": ("b", "c", "d"), "f": ("gone",)}
    stages = [Stage(name, (), None, "", after) for name, after in names.items()]  # type: ignore[arg-type]
    seconds = dict.fromkeys(names, 3600.0)
    assert plan.hours_on_the_clock(stages, seconds, 1) == 6
    # a and f; b and c; d; e
    assert plan.hours_on_the_clock(stages, seconds, 2) == 4
    assert plan.hours_on_the_clock(stages, seconds, 9) == 3


def test_a_plan_is_written_and_does_not_count_what_is_complete(folder, monkeypatch):
    monkeypatch.setattr(plan, "measure", lambda *arguments: pilot())
    folder.prepare()
    for stage in folder.stages[:2]:
        stage.done.parent.mkdir(parents=True)
        stage.done.touch()
    table = plan.make_plan(folder, folder.stages)
    assert "| tune | | | complete |" in table and "| build-word | 600 | 30,000 | 0.09 |" in table
    assert "measured: classify: 100 tokens a second (100 calls)" in table
    written = json.loads((folder.path / "plan.json").read_text())
    assert written["complete"] == ["tune", "attribute"] and written["stages"][0]["name"] == "evaluate-base"


def test_texts_of_all_lengths_are_measured():
    documents = [Document({"text": " ".join(["word"] * length)}) for length in (9, 1, 5, 3, 7, 11, 13, 15)]
    assert [len(document.words) for document in spread(documents, 2)] == [5, 13]
    assert weight(documents[:1], calls_per_word=False) == (60 + 9) * 4
    assert weight(documents[:1], calls_per_word=True) == (60 + 9) * 13
