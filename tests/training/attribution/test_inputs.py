"""Wrong inputs: texts, files, arguments, models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lm_eval_tasks.errors import UsageError
from tests.training.attribution import architectures as world
from tests.training.attribution.running import LABELS, attribute
from training.attribution.cli import main


def test_texts_that_cannot_be_attributed_say_why(model: Path, tmp_path: Path, caplog: Any) -> None:
    path = tmp_path / "odd.jsonl"
    odd = ["fine day", "word", ":) ...", "", "sea " * 400, "fine day"]
    path.write_text("\n".join(json.dumps({"text": text}) for text in odd))
    rows = attribute(model, path, tmp_path / "out", "--check-flips")
    assert [row["problem"] for row in rows] == [
        "", "", "no words in the text", "no words in the text", "the text is longer than the model's context",
    ]  # fmt: skip
    assert rows[1]["gap"] is None and rows[1]["top"]["text"] == "word"
    assert rows[4]["words"] == [] and rows[4]["top"] is None
    assert "1 texts without attribution: the text is longer" in caplog.text


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ('{"text": "a"}\n{"txt": "b"}', r"row 2 has no text text \(columns: txt\)"),
        ('{"text": null}', "row 1 has no text text"),
        ("nonsense", "line contains invalid json"),
        ("[1]", "line does not match requested type"),
    ],
)
def test_files_that_cannot_be_read_are_refused_before_anything_is_written(
    written: str, told: str, model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(written)
    with pytest.raises(UsageError, match=told) as error:
        attribute(model, path, tmp_path / "out")
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--file", "no.jsonl", *LABELS], "no.jsonl: No such file"),
        (["--tasks", "nothing"], "no dataset 'nothing'; there are agnews"),
        (["--tasks", "snli", "--data", "/nowhere"], "no file /nowhere/snli/train.jsonl"),
        (["--tasks", "snli", "--labels", "a"], "give --tasks DATASET"),
        (["--file", "x", "--labels", "a", "--tasks", "snli"], "--file is asked about with --labels"),
        (["--tasks", "snli", "--method", "magic"], "--method magic: give one of occlusion, ig"),
        (["--tasks", "snli", "--steps", "0"], "--steps 0: give a whole number from 1"),
        (["--tasks", "snli", "--mask", " "], "mask=' ': give a text that is not empty"),
        (["--tasks", "snli", "--limit", "0"], "whole numbers from 1"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(
    more: list[str], told: str, model: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=told) as error:
        main(["--model", str(model), "--out", str(tmp_path / "out"), *more])
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()


def test_a_folder_without_a_model_is_refused(texts: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"nowhere: no such folder; give the folder of a model, or its name on the hub"
    ):
        attribute(tmp_path / "nowhere", texts, tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"cannot load the model .*empty"):
        attribute(tmp_path / "empty", texts, tmp_path / "out")


def test_numbers_that_are_not_finite_name_the_text(texts: Path, tmp_path: Path) -> None:
    import torch

    fast = world.tokenizer()
    broken = world.random_model("llama", len(fast))
    # One token makes everything not a number: only texts that hold it fail.
    broken.get_input_embeddings().weight.data[fast(" coffee", add_special_tokens=False)["input_ids"][-1]] = torch.nan
    folder = world.save(tmp_path / "model", broken, fast)
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a lovely day"}\n{"text": "coffee"}\n')
    with pytest.raises(UsageError, match=r"text [0-9a-f]{16}: the model's numbers are not finite in torch.float32"):
        attribute(folder, path, tmp_path / "out", "--shard-size", "1")
