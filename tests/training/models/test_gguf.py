"""GGUF files: read where transformers can, and named for what they are everywhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import transformers

from faithful_se.errors import UsageError
from lm_eval_tasks.cli import main as evaluate
from training.models import gguf
from training.models.gguf import gguf_file, loading_arguments
from training.models.loading import load_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "q4.gguf").write_bytes(b"GGUF")
    return tmp_path / "m"


def test_a_file_or_a_folder_that_holds_only_one(folder: Path) -> None:
    for name in (folder, f"{folder}/", folder / "q4.gguf"):
        assert gguf_file(str(name)) == folder / "q4.gguf"
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")
    assert gguf_file(str(folder)) == folder / "q4.gguf"
    for other in (
        "model.safetensors",
        "model.safetensors.index.json",
        "pytorch_model.bin",
        "pytorch_model.bin.index.json",
    ):
        (folder / other).touch()
        assert gguf_file(str(folder)) is None and gguf_file(str(folder / "q4.gguf")) == folder / "q4.gguf"
        (folder / other).unlink()
    for name in ("org/model", "org/model-GGUF", str(folder.parent / "none"), str(folder / "config.json")):
        assert gguf_file(name) is None
    (folder / "dir.gguf").mkdir()
    assert gguf_file(str(folder / "dir.gguf")) is None


def refused(name: object) -> str:
    with pytest.raises(UsageError) as error:
        load_model(str(name))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_cannot_be_read_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf, "find_spec", lambda name: None)
    for name in (folder, folder / "q4.gguf"):
        assert "q4.gguf: reading GGUF needs `pip install gguf`; or give the folder that it was made from" in refused(
            name
        )
    assert "q8.gguf: no such file" in refused("q8.gguf")
    (folder / "m-00001-of-00003.gguf").touch()
    assert "a part of a split GGUF is not read here" in refused(folder / "m-00001-of-00003.gguf")
    assert "holds 2 GGUF files (m-00001-of-00003.gguf, q4.gguf): give the path of one" in refused(folder)


def test_transformers_is_asked_for_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, Any]] = []

    def record(name: str, **options: Any) -> None:
        calls.append((name, options.get("gguf_file")))
        raise ValueError("enough")

    monkeypatch.setattr(gguf, "find_spec", lambda name: True)
    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", record)
    assert "cannot load the model" in refused(folder / "q4.gguf")
    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", lambda name, **options: None)
    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", record)
    assert "cannot load the model" in refused(folder)
    assert calls == [(str(folder), "q4.gguf")] * 2
    assert loading_arguments("org/model") == ("org/model", {})


def test_training_and_evaluation_say_what_to_give(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("trl")
    from tests.training.sft.tiny_rows import arguments, write_rows
    from training.sft.cli import main as sft

    rows = write_rows(tmp_path / "rows.jsonl")
    for name in (folder, folder / "q4.gguf"):
        with pytest.raises(UsageError, match=r"q4.gguf: GGUF is not trained here: give the folder it was made from"):
            sft(arguments(name, rows, tmp_path / "out"))
    for words in (["pretrained=d/q4.gguf"], ["dtype=float32,pretrained=d/q4.gguf"], ["pretrained=d/q4.gguf", "a=b"]):
        with pytest.raises(UsageError, match=r"d/q4.gguf: a GGUF file: write pretrained=d,gguf_file=q4.gguf"):
            evaluate(["run", "--model", "hf", "--model_args", *words])
