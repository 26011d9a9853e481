"""Wrong arguments and files for the commands of training: one line, and nothing of the user's is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from faithful_se.errors import UsageError
from faithful_se.files import read_jsonl
from tests.tiny_model import write_tiny_chat_model
from tests.training.sft.tiny_rows import ROWS, arguments, write_rows
from training.attribution import cli as attribute
from training.build.attributions import read_attributions
from training.models.loading import load_model
from training.runs.shards import ShardedFolder
from training.sft import cli as sft
from training.study import demo

pytest.importorskip("torch")
pytest.importorskip("trl")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = [turn["content"] for row in ROWS for part in row.values() for turn in part]
    return write_tiny_chat_model(tmp_path_factory.mktemp("model"), texts, hidden=16, layers=1)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a lovely day"}\n')
    return path


def attribute_texts(model: Path, texts: Path, out: Path, *labels: str, question: str = "") -> int:
    more = ["--question", question] if question else []
    return attribute.main(["--model", str(model), "--file", str(texts), "--labels", *labels, "--out", str(out), *more])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["good"], "--labels good: give two or more to choose from"),
        (["good", "Good"], "the label good is given twice"),
    ],
)
def test_labels_that_leave_no_choice(labels: list[str], message: str, model: Path, texts: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        attribute_texts(model, texts, tmp_path / "out", *labels)


def test_other_labels_or_another_question_are_another_run(model: Path, texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    attribute_texts(model, texts, out, "good", "bad")
    rows = (out / "rows.jsonl").read_bytes()
    with pytest.raises(UsageError, match=r"was begun with labels = \['good', 'bad'\], now \['sunny', 'rainy'\]"):
        attribute_texts(model, texts, out, "sunny", "rainy")
    with pytest.raises(UsageError, match=r"was begun with question = 'Which label fits the text\?', now 'Which\?'"):
        attribute_texts(model, texts, out, "good", "bad", question="Which?")
    assert (out / "rows.jsonl").read_bytes() == rows
    assert set(next(read_jsonl(out / "rows.jsonl"))["logprobs"]) == {"good", "bad"}
    with pytest.raises(UsageError, match=r"was attributed with --labels: no task of the evaluation asks this question"):
        read_attributions(out)


def test_a_dataset_of_the_same_name_is_not_mixed_with_labels_of_ones_own(model: Path, tmp_path: Path) -> None:
    texts, out = tmp_path / "sentiment140.jsonl", tmp_path / "out"
    texts.write_text('{"text": "a fine day"}\n{"text": "rain again"}\n')
    attribute_texts(model, texts, out, "sports", "world")
    rows = (out / "sentiment140.jsonl").read_bytes()
    with pytest.raises(UsageError, match=r"was begun with data = None, now 'hub'"):
        attribute.main(["--model", str(model), "--file", str(texts), "--tasks", "sentiment140", "--out", str(out)])
    assert (out / "sentiment140.jsonl").read_bytes() == rows


def test_another_dtype_is_named_before_the_digest_it_changes(model: Path, texts: Path, tmp_path: Path) -> None:
    attribute_texts(model, texts, tmp_path / "out", "good", "bad")
    common = ["--model", str(model), "--file", str(texts), "--labels", "good", "bad", "--out", str(tmp_path / "out")]
    with pytest.raises(UsageError, match="begun with dtype = 'float32', now 'bfloat16'"):
        attribute.main([*common, "--dtype", "bfloat16"])


@pytest.mark.parametrize("name", ["README.md", "manifest.json", "notes.jsonl"])
def test_files_of_somebody_else_are_not_overwritten(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match=f"holds {name} and no settings.json"), ShardedFolder(tmp_path, {}).open():
        pass
    assert (tmp_path / name).read_text() == "mine"


def test_a_build_is_no_folder_of_attributions(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"rows": 12}')
    with pytest.raises(UsageError, match="holds no attributions: give what `faithful-se attribute` wrote"):
        read_attributions(tmp_path)


def test_incomplete_models(model: Path, tmp_path: Path) -> None:
    bare, cut = tmp_path / "bare", tmp_path / "cut"
    shutil.copytree(model, bare)
    for path in bare.glob("*token*"):
        path.unlink()
    with pytest.raises(UsageError, match=r"bare: the folder holds no tokenizer; save the model's into it$"):
        load_model(str(bare))
    shutil.copytree(model, cut)
    (cut / "model.safetensors").write_bytes((model / "model.safetensors").read_bytes()[:100])
    with pytest.raises(UsageError, match=r"cannot load the model .*cut: .*a file of weights is damaged") as error:
        load_model(str(cut))
    assert "\n" not in str(error.value)
    with pytest.raises(UsageError, match=r"cannot load the model .*cut: .*a file of weights is damaged"):
        sft.main(arguments(cut, write_rows(tmp_path / "rows.jsonl"), tmp_path / "out"))


def test_an_adapter_whose_base_has_moved(tmp_path: Path) -> None:
    config = {"peft_type": "LORA", "base_model_name_or_path": "../base/of/then", "task_type": "CAUSAL_LM"}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    remedy = f"is an adapter of ../base/of/then, which is not there .*: give --model BASE --adapter {tmp_path}"
    with pytest.raises(UsageError, match=remedy):
        load_model(str(tmp_path))


def test_a_training_does_not_write_into_its_base(model: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(model, base)
    files = {path.name: path.read_bytes() for path in base.iterdir()}
    with pytest.raises(UsageError, match=r"holds config.json and no sft.json: give another --output_dir"):
        sft.main(arguments(base, write_rows(tmp_path / "rows.jsonl"), base))
    assert {path.name: path.read_bytes() for path in base.iterdir()} == files


def test_a_file_where_a_folder_is_meant(model: Path, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl")
    with pytest.raises(UsageError, match=r"--output_dir .*rows.jsonl is a file: give a folder"):
        sft.main(arguments(model, rows, rows))
    with pytest.raises(UsageError, match=r"--out .*rows.jsonl is a file: give a folder"):
        demo.main(["--out", str(rows)])
    with pytest.raises(UsageError, match=r"demo: it, or a part of its path, is a file: give a folder"):
        demo.main(["--out", str(rows / "demo")])
    with (
        pytest.raises(UsageError, match=r"--out .*rows.jsonl is a file: give a folder"),
        ShardedFolder(rows, {}).open(),
    ):
        pass


def test_the_folder_of_an_older_demo_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text('{"mode": "default", "seed": 0}')
    with pytest.raises(UsageError, match=r"holds demo\.json and no study\.json: give another --out"):
        demo.main(["--out", str(tmp_path), "--quick"])
    (tmp_path / "study.json").write_text('{"mode": ')
    with pytest.raises(UsageError, match=r"study\.json is damaged, .*; put it back, or give another --out"):
        demo.main(["--out", str(tmp_path)])


def test_a_recipe_that_is_no_yaml(model: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("learning_rate: [1\n")
    rows = write_rows(tmp_path / "rows.jsonl")
    with pytest.raises(UsageError, match=r"--config .*bad.yaml: no YAML \(while parsing") as error:
        sft.main(arguments(model, rows, tmp_path / "out", "--config", str(tmp_path / "bad.yaml")))
    assert "\n" not in str(error.value)
    (tmp_path / "bad.yaml").write_bytes(b"run_name: caf\xe9\n")
    with pytest.raises(UsageError, match=r"--config .*bad.yaml: not UTF-8: save it as UTF-8"):
        sft.main(arguments(model, rows, tmp_path / "out", "--config", str(tmp_path / "bad.yaml")))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--learning_rate", "abc"], r"argument --learning_rate.*: invalid float value: 'abc'; .*--help-all lists"),
        (["--config"], "--config: give a YAML file of arguments"),
        (["--config", "--data"], "--config: give a YAML file of arguments"),
    ],
)
def test_a_wrong_argument_is_one_line(
    options: list[str], message: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = write_rows(tmp_path / "rows.jsonl")
    with pytest.raises(UsageError, match=message) as error:
        sft.main(arguments(model, rows, tmp_path / "out", *options))
    assert "\n" not in str(error.value) and not capsys.readouterr().err
