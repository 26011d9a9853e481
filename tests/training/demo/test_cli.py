"""Whose folder it is, and that a demo ends with its first failure."""

from __future__ import annotations

import json
import signal

import pytest

from faithful_se.errors import UsageError
from training.demo import cli
from training.demo.folder import DemoFolder, recipe
from training.demo.plan import SIZES
from training.demo.runner import Runner
from training.demo.stages import Demo


@pytest.fixture(autouse=True)
def _restore_signals():
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)


def test_other_folders_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match=r"holds thesis\.tex and no demo\.json"):
        cli.main(["--out", str(tmp_path)])
    with pytest.raises(UsageError, match="is a file"):
        cli.main(["--out", str(tmp_path / "thesis.tex")])
    with pytest.raises(UsageError, match="lm_eval ends an argument at a comma"):
        cli.main(["--out", str(tmp_path / "a,b")])
    (tmp_path / "demo.json").write_text(json.dumps({"mode": "full", "seed": 3}))
    with pytest.raises(UsageError, match="holds the demo with --full and with --seed 3: give the same, or another"):
        cli.main(["--out", str(tmp_path)])
    (tmp_path / "demo.json").write_text(json.dumps({"mode": "default", "seed": 0}))
    with pytest.raises(UsageError, match="holds the same demo of another version"):
        cli.main(["--out", str(tmp_path)])


def test_the_folder_of_a_demo_holds_its_recipe_and_is_claimed_once(tmp_path):
    out = tmp_path / "demo"
    for _ in range(2):
        with DemoFolder(Demo(out, SIZES["quick"], 1), "quick").open():
            assert (out / "sft.yaml").read_text() == recipe().read_text()
    with pytest.raises(UsageError, match="with --quick and with --seed 1"):
        DemoFolder(Demo(out, SIZES["quick"], 2), "quick").check()


def test_a_failed_stage_ends_the_others(tmp_path, monkeypatch):
    """The attribution fails: nothing is built, and the evaluation beside it is ended."""
    names, stopped = [], []

    def run(self, *stages):
        names.extend(stage.name for stage in stages)
        if stages[0].name == "attribute":
            raise UsageError("attribute failed")

    monkeypatch.setattr(Runner, "run", run)
    monkeypatch.setattr(Runner, "stop", lambda self: stopped.append(True))
    with pytest.raises(UsageError, match="attribute failed"):
        cli.main(["--quick", "--out", str(tmp_path / "demo")])
    assert sorted(names) == ["attribute", "base", "evaluate-base"] and stopped == [True]
