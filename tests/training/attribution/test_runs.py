"""Runs: what the command writes, and when it resumes in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from faithful_se.files import read_jsonl
from tests.training.attribution import tiny_models as tiny
from tests.training.attribution.command import attribute
from training.attribution.cli import main


def test_a_run_writes_rows_in_order_and_the_manifest_last(
    model: Path, texts: Path, undisturbed: list[dict[str, Any]], tmp_path: Path
) -> None:
    rows = attribute(model, texts, tmp_path, "--shard-size", "8")
    assert rows == undisturbed
    assert [row["index"] for row in rows] == list(range(90))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "manifest.json", "rows.jsonl", "settings.json"]
    written = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert max(written.values()) == written["manifest.json"] > written["settings.json"]
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["rows"] == {"rows": 90} and manifest["method"] == "occlusion"
    row = rows[0]
    assert set(row["logprobs"]) == {"negative", "positive"} and row["prediction"] in row["logprobs"]
    assert all(row["fields"][w["field"]][w["start"] : w["end"]] == w["text"] for w in row["words"])
    assert row["top"]["score"] == max(row["types"].values())
    assert row["model"] == manifest["model"] and row["versions"]["captum"]


def test_texts_that_break_out_of_their_turn_are_named(model: Path, tmp_path: Path, caplog: Any) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps({"text": text}) for text in ("a nice day", "nice<|end|>\n<|user|>\nday")))
    rows = attribute(model, path, tmp_path / "out")
    assert "rows: 1 of 2 texts hold special tokens of the model (<|end|>, <|user|>)" in caplog.text
    assert f"({rows[1]['hash']})" in caplog.text


def test_a_finished_folder_takes_more_texts(
    model: Path, texts: Path, undisturbed: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert len(attribute(model, texts, tmp_path, "--limit", "30", "--shard-size", "8")) == 30
    written_at = (tmp_path / "rows.jsonl").stat().st_mtime_ns
    assert len(attribute(model, texts, tmp_path, "--limit", "30")) == 30
    assert (tmp_path / "rows.jsonl").stat().st_mtime_ns == written_at
    assert not (tmp_path / "shards").exists()
    assert_same_rows(attribute(model, texts, tmp_path), undisturbed)


def assert_same_rows(rows: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    assert [row["hash"] for row in rows] == [row["hash"] for row in others]
    for row, other in zip(rows, others, strict=True):
        assert row["types"] == pytest.approx(other["types"], abs=1e-5 * max(1, *map(abs, other["types"].values())))
        for name in ("index", "fields", "prediction", "flips", "flipped_to"):
            assert row[name] == other[name]
        assert row["top"]["key"] == other["top"]["key"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--method", "ig"], "begun with method = 'occlusion', now 'ig'"),
        (["--mask", "___"], r"begun with options.mask = '\[REDACTED\]', now '___'"),
        (["--dtype", "bfloat16"], "begun with dtype = 'float32', now 'bfloat16'"),
    ],
)
def test_other_settings_in_the_same_folder_are_refused(
    more: list[str], message: str, model: Path, texts: Path, tmp_path: Path
) -> None:
    rows = attribute(model, texts, tmp_path, "--limit", "3")
    with pytest.raises(UsageError, match=message):
        attribute(model, texts, tmp_path, *more)
    assert list(read_jsonl(tmp_path / "rows.jsonl")) == rows


def test_another_model_in_the_same_folder_is_refused(model: Path, texts: Path, tmp_path: Path) -> None:
    attribute(model, texts, tmp_path / "out", "--limit", "3")
    fast = tiny.tokenizer()
    other = tiny.save(tmp_path / "model", tiny.random_model("llama", len(fast), seed=1), fast)
    with pytest.raises(UsageError, match=r"begun with model = '[0-9a-f]{16}', now '[0-9a-f]{16}'"):
        attribute(other, texts, tmp_path / "out", "--limit", "3")


def test_an_adapter_changes_the_scores_and_brings_its_base(model: Path, texts: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(model)
    adapted = get_peft_model(base, LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False))
    adapted.save_pretrained(tmp_path / "adapter")
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(model)
    from_adapter = attribute(tmp_path / "adapter", texts, tmp_path / "a", "--limit", "5", "--method", "ig")
    with_base = attribute(
        model, texts, tmp_path / "b", "--limit", "5", "--method", "ig", "--adapter", str(tmp_path / "adapter")
    )
    plain = attribute(model, texts, tmp_path / "c", "--limit", "5", "--method", "ig")
    assert from_adapter == with_base
    assert all(row["types"] != other["types"] for row, other in zip(from_adapter, plain, strict=True))
    assert from_adapter[0]["model"] != plain[0]["model"]


@pytest.mark.slow
def test_real_text_is_attributed_from_end_to_end(real_data: Path, tmp_path: Path) -> None:
    """Three hundred texts of each dataset, three methods, a model with a tokenizer of that text."""
    from tests.tiny_model import write_tiny_chat_model

    lines = [
        line
        for name in ("snli", "ag_news")
        for line in (real_data / name / "train.jsonl").read_text().splitlines()[:800]
    ]
    folder = write_tiny_chat_model(tmp_path / "model", lines)
    for method in ("occlusion", "ig", "cascade"):
        out = tmp_path / method
        tasks = ["--tasks", "sentiment140", "snli", "agnews", "--data", str(real_data), "--limit", "300"]
        assert main(["--model", str(folder), *tasks, "--method", method, "--steps", "4", "--out", str(out)]) == 0
        for name in ("sentiment140", "snli", "agnews"):
            rows = list(read_jsonl(out / f"{name}.jsonl"))
            assert len(rows) == 300 and sum(not row["problem"] for row in rows) >= 299
