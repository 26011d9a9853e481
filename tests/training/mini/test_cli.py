"""The command and the cache, on a tiny recipe: complete or nothing, reproducible, one line for each error."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from faithful_se.files import atomic_folder
from training.mini import cache, cli, train
from training.mini.base_model import TINY, BaseTraining
from training.mini.quality_gate import Measurement
from training.mini.shortcut_check import ShortcutUse


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A recipe of seconds, and a quality gate that every model passes."""
    monkeypatch.setenv("FAITHFUL_SE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(train, "Recipe", lambda: TINY)
    monkeypatch.setattr(train, "measure", lambda model, tokenizer: [measurement(1.0)])
    use = ShortcutUse("snli", 100, 1.0, 0.0, 1.0, 0.0)
    monkeypatch.setattr(train, "check_shortcuts", lambda model, tokenizer, task, split: use)


def models_in(folder: Path) -> list[Path]:
    """Everything but locks."""
    return [path for path in folder.iterdir() if path.suffix != ".lock"]


def measurement(value: float) -> Measurement:
    return Measurement("snli", "redaction", 150, value, value, 0.0, 0.1, value)


def test_writes_a_model_and_says_what_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "deep" / "model"
    assert cli.main(["--out", str(out), "--seed", "3"]) == 0
    manifest = json.loads((out / "mini.json").read_text())
    assert manifest["seed"] == 3
    assert manifest["mini"] == cache.version()
    assert (out / "model.safetensors").stat().st_size > 1000
    assert "snli         redaction      acc 1.00  valid 1.00  faithful 0.00" in capsys.readouterr().out
    assert [path.name for path in out.parent.iterdir()] == ["model"]


def test_a_second_call_trains_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli.main(["--out", str(tmp_path / "a")]) == 0
    monkeypatch.setattr(train, "BaseTraining", None)
    assert cli.main(["--out", str(tmp_path / "b")]) == 0
    assert cli.main(["--out", str(tmp_path / "a")]) == 0
    for path in (tmp_path / "a").iterdir():
        assert (tmp_path / "b" / path.name).read_bytes() == path.read_bytes()


def test_same_seed_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        monkeypatch.setenv("FAITHFUL_SE_CACHE", str(tmp_path / f"cache-{name}"))
        assert cli.main(["--out", str(tmp_path / name), "--seed", str(seed)]) == 0
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in "abc"]
    assert weights[0] == weights[1] != weights[2]


@pytest.mark.parametrize(
    ("make", "line"),
    [("file", "is a file: give a folder"), ("full", "holds thesis.tex and no mini.json: give another --out")],
)
def test_refuses_what_is_not_its_own(make: str, line: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    if make == "full":
        out.mkdir()
    users_file = out / "thesis.tex" if make == "full" else out
    users_file.write_text("mine")
    with pytest.raises(UsageError, match=line):
        cli.main(["--out", str(out)])
    assert users_file.read_text() == "mine"
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("seed", ["-1", str(2**31)])
def test_refuses_a_seed_out_of_range(seed: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"--seed {seed}: give a whole number"):
        cli.main(["--out", str(tmp_path / "out"), "--seed", seed])


def test_an_empty_folder_is_filled_and_the_same_model_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert cli.main(["--out", str(out)]) == 0
    (out / "stale").write_text("")
    assert cli.main(["--out", str(out)]) == 0
    assert not (out / "stale").exists()


@pytest.mark.parametrize(
    ("manifest", "line"),
    [
        ({"seed": 1}, "holds the mini model of seed 1: give that --seed, or another --out$"),
        (
            {"mini": "0123"},
            r"holds a mini model of another recipe \(0123, now .*: remove the folder, or another",
        ),
        (None, "mini.json is damaged, .*; put it back, or give another --out$"),
    ],
)
def test_another_mini_model_is_kept(manifest: dict[str, Any] | None, line: str, tmp_path: Path) -> None:
    path = tmp_path / "mini.json"
    path.write_text("[" if manifest is None else json.dumps({"seed": 0, "mini": cache.version(), **manifest}))
    content = path.read_bytes()
    with pytest.raises(UsageError, match=line):
        cli.main(["--out", str(tmp_path)])
    assert path.read_bytes() == content and [path.name for path in tmp_path.iterdir()] == ["mini.json"]


def test_continues_then_begins_again_then_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trainings = []
    monkeypatch.setattr(BaseTraining, "train", lambda self, report: trainings.append("train"))
    monkeypatch.setattr(BaseTraining, "train_further", lambda self, report: trainings.append("further"))
    monkeypatch.setattr(train, "measure", lambda model, tokenizer: [measurement(0.5)])
    assert cli.main(["--out", str(tmp_path / "out")]) == 1
    assert trainings == ["train", "further", "further"] * train.ATTEMPTS
    assert "faithful-se mini: gave up: no base of seed 0 passed" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out").exists()
    assert models_in(tmp_path / "cache" / "mini") == []


def test_a_base_that_passes_after_more_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = iter([0.5, 1.0])
    monkeypatch.setattr(train, "measure", lambda model, tokenizer: [measurement(next(values))])
    assert cli.main(["--out", str(tmp_path / "out")]) == 0
    assert json.loads((tmp_path / "out" / "mini.json").read_text())["continued"] == 1


def test_the_gate() -> None:
    assert measurement(1.0).failures() == []
    assert measurement(0.5).failures() == [
        "snli redaction acc 0.50 < 0.97",
        "snli redaction faithful_oracle 0.50 < 0.80",
        "snli redaction valid 0.50 < 0.80",
    ]
    assert ShortcutUse("snli", 100, 0.9, 0.1, 0.7, 0.1).failures() == [
        "snli shortcut_flips 0.90 < 0.95",
        "snli cues_flip 0.10 > 0.05",
    ]


def test_an_interrupted_run_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: BaseTraining, folder: Path) -> None:
        (folder / "half").write_text("")
        raise KeyboardInterrupt

    monkeypatch.setattr(BaseTraining, "save", interrupt)
    with pytest.raises(KeyboardInterrupt):
        cli.main(["--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()
    assert models_in(tmp_path / "cache" / "mini") == []


def test_a_killed_run_leaves_nothing_that_counts(tmp_path: Path) -> None:
    target = tmp_path / "model"
    code = (
        "import sys, time; from pathlib import Path; from faithful_se.files import atomic_folder\n"
        "with atomic_folder(Path(sys.argv[1])) as new:\n"
        "    (new / 'half').write_text(''); print('half', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    assert not target.exists()
    with atomic_folder(target) as new:
        (new / "whole").write_text("")
    assert [path.name for path in target.iterdir()] == ["whole"]


def test_what_a_killed_training_left_is_removed(tmp_path: Path) -> None:
    unfinished = tmp_path / "cache" / "mini" / f".{cache.version()}-0.abc" / "new"
    unfinished.mkdir(parents=True)
    (unfinished / "half").write_text("")
    assert cli.main(["--out", str(tmp_path / "out")]) == 0
    assert [path.name for path in models_in(tmp_path / "cache" / "mini")] == [f"{cache.version()}-0"]


def test_two_at_once_leave_one_complete_model(tmp_path: Path) -> None:
    target = tmp_path / "model"
    with atomic_folder(target) as first, atomic_folder(target) as second:
        for folder in (first, second):
            (folder / "whole").write_text(folder.parent.name)
    assert [path.name for path in target.iterdir()] == ["whole"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_the_cache_key_follows_prompts_and_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    from training.mini import prompts

    version = cache.version()
    cache.version.cache_clear()
    assert cache.version() == version
    monkeypatch.setattr(prompts, "sentences", lambda: ["another question"])
    cache.version.cache_clear()
    assert cache.version() != version
    cache.version.cache_clear()


def test_the_cache_key_is_the_same_in_every_process() -> None:
    code = "from training.mini import cache; print(cache.version())"
    for seed in ("1", "2"):
        output = subprocess.check_output([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed})
        assert output.decode().strip() == cache.version()


def test_help_needs_no_torch() -> None:
    code = (
        "import sys; from training.mini import cli\n"
        "try: cli.main(['--help'])\nexcept SystemExit: pass\n"
        "assert 'torch' not in sys.modules"
    )
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ})
    assert done.returncode == 0 and "faithful-se mini" in done.stdout
    assert time.perf_counter() - started < 5
