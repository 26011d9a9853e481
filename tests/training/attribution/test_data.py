"""The evaluation's datasets: checked before the work, recorded by absolute path, with remedies of this command."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks.data import dataset_spec
from training.attribution.cli import main
from training.attribution.inputs import check_evaluation, load_split

SST2 = dataset_spec("sst2")


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "own.jsonl"
    path.write_text('{"sentence": "a fine day"}\n')
    return path


def test_the_remedy_is_an_option_of_this_command(tmp_path: Path) -> None:
    remedy = r"give --data DIR, a folder with ag_news/test.jsonl or agnews/test.jsonl, or --data hub$"
    with pytest.raises(UsageError, match=rf"--data {tmp_path}: no file {tmp_path}/ag_news/test.jsonl; {remedy}"):
        load_split(dataset_spec("agnews"), str(tmp_path))
    with pytest.raises(UsageError, match=r"--data mini: there is no mini data of sst2; give --data DIR, .*--data hub$"):
        load_split(SST2, "mini")


def test_texts_that_a_build_will_miss_are_named_before_the_model_is_loaded(
    texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    arguments = [
        "--model",
        str(tmp_path / "none"),
        "--file",
        str(texts),
        "--tasks",
        "sst2",
        "--out",
        str(tmp_path / "out"),
    ]
    with pytest.raises(UsageError, match=rf"--data {tmp_path}: no file {tmp_path}/sst2/test.jsonl; give --data DIR"):
        main([*arguments, "--data", str(tmp_path)])
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with caplog.at_level(logging.WARNING), pytest.raises(UsageError, match="none: no such folder"):
        main(arguments)  # who is offline may attribute all the same
    assert "`faithful-se build` will need the evaluation's texts, to keep them apart: cannot read sst2" in caplog.text
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("training.attribution.inputs.load", None)
    check_evaluation(SST2, "hub")  # nothing is downloaded for a check


def test_a_folder_is_recorded_by_absolute_path(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data" / "sst2").mkdir(parents=True)
    (tmp_path / "data" / "sst2" / "train.jsonl").write_text('{"sentence": "a fine day", "label": 1}\n')
    monkeypatch.chdir(tmp_path)
    arguments = ["--model", str(model), "--tasks", "sst2", "--out", str(tmp_path / "out"), "--data", "data"]
    assert main(arguments) == 0
    settings, manifest = (tmp_path / "out" / name for name in ("settings.json", "manifest.json"))
    assert json.loads(manifest.read_text())["data"] == str(tmp_path / "data")
    first_settings = settings.read_bytes()
    for path in (settings, manifest):  # as an earlier version wrote it
        path.write_text(json.dumps({**json.loads(path.read_text()), "data": "./data"}, indent=1) + "\n")
    assert main(arguments) == 0
    assert settings.read_bytes() == first_settings
    assert json.loads(manifest.read_text())["data"] == str(tmp_path / "data")
