"""Whose folder it is, what is refused when a recipe changes, and that a study ends with its first failure."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
import yaml

from faithful_se.errors import UsageError
from training.study import cli, demo
from training.study import run as run_module
from training.study.runner import Runner

EVALUATE = {"tasks": ["faithful-se-mini"], "limit": 5}
RECIPE = {"model": "mini", "datasets": ["snli"], "evaluate": EVALUATE, "arms": {"word": {}}}


@pytest.fixture(autouse=True)
def _same_signals():
    """A study leaves the handlers of the process that calls it as they were."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    assert signal.getsignal(signal.SIGTERM) == handler


@pytest.fixture
def ran(monkeypatch):
    """The names of the stages that were run. Nothing is: their files are written."""
    names: list[str] = []

    def run(self, stage):
        if not stage.done.is_file():
            names.append(stage.name)
            self.folder.write_record(stage, 2.0)
            stage.done.parent.mkdir(parents=True, exist_ok=True)
            stage.done.touch()

    monkeypatch.setattr(Runner, "run", run)
    monkeypatch.setattr("training.study.report.write_report", lambda folder, heading, *, quick: f"report: {heading}")
    return names


def study(folder: Path, *arguments: str, **changes: object) -> None:
    """Run a recipe in `folder / "out"`."""
    (folder / "recipe.yaml").write_text(yaml.safe_dump({**RECIPE, **changes}))
    cli.main([str(folder / "recipe.yaml"), "--out", str(folder / "out"), *arguments])


def test_other_folders_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match=r"holds thesis\.tex and no study\.json"):
        demo.main(["--out", str(tmp_path)])
    with pytest.raises(UsageError, match="is a file"):
        demo.main(["--out", str(tmp_path / "thesis.tex")])
    with pytest.raises(UsageError, match="lm_eval ends an argument at a comma"):
        demo.main(["--out", str(tmp_path / "a,b")])


def test_a_study_goes_on_where_it_was(tmp_path, ran, capsys):
    study(tmp_path, "--stage", "base", "attribute", "evaluate-base")
    assert ran == ["base", "attribute", "evaluate-base"]
    assert "left to run: build-word, sft-word, evaluate-word, board" in capsys.readouterr().out
    study(tmp_path, "--arm", "word")
    assert ran[3:] == ["build-word", "sft-word", "evaluate-word"]
    study(tmp_path)
    assert ran[6:] == ["board"] and "report: mini, before and after training (seed 0)" in capsys.readouterr().out
    study(tmp_path, arms={"word": {}, "random": {"arm": "random"}}, parallel=2)
    assert ran[7:] == ["build-random", "sft-random", "evaluate-random"]


def test_a_stage_of_other_inputs_is_refused_and_says_what_differs(tmp_path, ran):
    (tmp_path / "sft.yaml").write_text("learning_rate: 0.1")
    study(tmp_path, sft={"config": "sft.yaml"})
    with pytest.raises(UsageError, match=r"the stage attribute was run with --limit = None, now '7': give the same"):
        study(tmp_path, sft={"config": "sft.yaml"}, attribute={"limit": 7})
    with pytest.raises(UsageError, match=r"base was run with --limit = '5', now '6'.* remove \S+results/base "):
        study(tmp_path, sft={"config": "sft.yaml"}, evaluate={**EVALUATE, "limit": 6})
    (tmp_path / "sft.yaml").write_text("learning_rate: 0.2")
    with pytest.raises(UsageError, match=r"sft-word was run with learning_rate = 0\.1, now 0\.2"):
        study(tmp_path, sft={"config": "sft.yaml"})
    (tmp_path / "sft.yaml").write_text("learning_rate: 0.1")
    # How the machine is used may change, and the folder may move.
    arguments = {**EVALUATE, "arguments": {"batch_size": 3, "device": "cpu"}, "launch": "accelerate launch --no_python"}
    (tmp_path / "moved").mkdir()
    (tmp_path / "out").rename(tmp_path / "moved" / "out")
    (tmp_path / "sft.yaml").rename(tmp_path / "moved" / "sft.yaml")
    del ran[:]
    study(tmp_path / "moved", sft={"config": "sft.yaml"}, evaluate=arguments, threads=2)
    assert not ran


def test_a_part_needs_what_comes_before_it(tmp_path, ran):
    with pytest.raises(UsageError, match="build-word needs attribute: run it first, with --stage attribute"):
        study(tmp_path, "--arm", "word")
    with pytest.raises(UsageError, match="--arm wrod: the recipe has word"):
        study(tmp_path, "--arm", "wrod")
    with pytest.raises(UsageError, match="--stage tune: the recipe has base, attribute, evaluate-base, build-word, "):
        study(tmp_path, "--stage", "tune")


def test_another_demo_is_refused(tmp_path, ran):
    demo.main(["--quick", "--seed", "1", "--out", str(tmp_path / "out")])
    with pytest.raises(UsageError, match="the stage base was run with --seed = '1', now '2'"):
        demo.main(["--quick", "--seed", "2", "--out", str(tmp_path / "out")])
    with pytest.raises(UsageError, match="attribute was run with --limit = '100', now '700'"):
        demo.main(["--seed", "1", "--out", str(tmp_path / "out")])
    assert json.loads((tmp_path / "out" / "stages" / "base.json").read_text())["seconds"] == 2
    assert (tmp_path / "out" / "sft.yaml").is_file()


def test_a_failed_stage_ends_the_others(tmp_path, monkeypatch):
    """The attribution fails: nothing is built, and the evaluation beside it is ended."""
    names, stopped = [], []

    def run(self, stage):
        names.append(stage.name)
        if stage.name == "attribute":
            raise UsageError("attribute failed")

    monkeypatch.setattr(Runner, "run", run)
    monkeypatch.setattr(Runner, "stop", lambda self: stopped.append(True))
    with pytest.raises(UsageError, match="attribute failed"):
        demo.main(["--quick", "--out", str(tmp_path / "demo")])
    assert sorted(names) == ["attribute", "base", "evaluate-base"] and stopped == [True]


def test_two_calls_do_not_run_the_same_stage(tmp_path, monkeypatch):
    folder = cli.open_study("mini", tmp_path / "out")
    folder.prepare()
    monkeypatch.setattr(run_module, "Runner", Runner)
    monkeypatch.setattr("training.study.folder.WAIT", 0.1)
    with folder.lock(folder.stages[0]), pytest.raises(UsageError, match="another command runs the stage base: wait"):
        demo.main(["--out", str(tmp_path / "out")])
