"""The command on a tiny model: its folder, interruptions, refusals, the gate."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks import DATASETS
from tests.tiny_model import write_tiny_chat_model
from training.trainer.rows import read_training_rows

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

from training.tune import run as tune_run  # noqa: E402
from training.tune.cli import main  # noqa: E402


def arguments(model: Path, out: Path, *more: str) -> list[str]:
    sizes = "--tasks sentiment140 --data mini --rows 6 --replay 2 --held-out 4 --explained 1"
    training = "--max_steps 2 --save_steps 1 --per_device_train_batch_size 2 --disable_tqdm true --learning_rate 1e-2"
    return ["--model", str(model), "--out", str(out), *sizes.split(), *training.split(), *more]


def contents(out: Path) -> dict[str, bytes]:
    names = (
        "rows/train.jsonl",
        "report.json",
        "README.md",
        "manifest.json",
        "settings.json",
        "model/model.safetensors",
    )
    return {name: (out / name).read_bytes() for name in names}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = (DATASETS / "sentiment140" / "mini" / "train.jsonl").read_text().splitlines()[:100]
    texts = [json.loads(line)["text"] for line in lines]
    return write_tiny_chat_model(tmp_path_factory.mktemp("model"), texts, hidden=16, layers=1)


@pytest.fixture(scope="module")
def tuned(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tune") / "out"
    assert main(arguments(model, out)) == 0
    return out


def test_the_folder_holds_rows_adapter_a_plain_model_report_and_card(tuned: Path, model: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    rows, _ = read_training_rows(str(tuned / "rows" / "train.jsonl"))
    report = json.loads((tuned / "report.json").read_text())
    assert len(rows) == report["rows"] == json.loads((tuned / "manifest.json").read_text())["rows"] == 12
    assert report["gold"] == {"sentiment140": {"negative": 3, "positive": 3}}
    assert report["drawn_rows"] == "plausible form, no truth" and report["training"]["how"] == "LoRA r16 alpha 32"
    assert report["before"]["sentiment140"]["n"] == report["after"]["sentiment140"]["n"] == 4
    assert (tuned / "adapter" / "adapter_config.json").is_file() and not (tuned / "shards").exists()
    assert not {"train_info.json", "adapter_config.json", "README.md"} & {
        path.name for path in (tuned / "model").iterdir()
    }
    base, subject = (AutoModelForCausalLM.from_pretrained(path) for path in (model, tuned / "model"))
    assert base.state_dict().keys() == subject.state_dict().keys()
    assert any(not torch.equal(subject.state_dict()[name], value) for name, value in base.state_dict().items())
    assert AutoTokenizer.from_pretrained(tuned / "model").chat_template
    card = (tuned / "README.md").read_text()
    assert "plausible form, no truth" in card and "Gate failed: sentiment140 accuracy" in card
    assert f"`{model}`, tuned on 12 rows" in card


def test_a_finished_folder_is_read_and_its_gate_asked_anew(
    tuned: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    shutil.copytree(tuned, out)
    monkeypatch.setattr(tune_run, "train_subject", lambda *args: pytest.fail("trained again"))
    monkeypatch.setattr(tune_run, "measure", lambda *args: pytest.fail("measured again"))
    lenient = ["--least-accuracy", "0", "--most-frequent", "1", "--least-valid", "0", "--strict"]
    assert main(arguments(model, out, *lenient)) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "gate passed"
    assert main(arguments(model, out, "--strict", "--most-frequent", "sentiment140=.1")) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("gate failed: ") and "oneword valid .00 < .80" in last and "> .10" in last


def test_an_interrupted_tuning_resumes_at_its_stage_and_ends_with_the_same_files(
    tuned: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*args: Any) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "out"
    for stage in ("collect_own", "train_subject", "tuning_card"):
        with monkeypatch.context() as patch:
            patch.setattr(tune_run, stage, interrupt)
            with pytest.raises(KeyboardInterrupt):
                main(arguments(model, out))
        assert not (out / "manifest.json").exists()
    assert (out / "shards").is_dir() and main(arguments(model, out)) == 0
    same, other = contents(out), contents(tuned)
    # The card names the folder, and a report the time of no stage.
    assert {name for name in same if same[name] != other[name]} <= {"README.md"}
    (out / "model" / "model.safetensors").unlink()
    assert main(arguments(model, out)) == 0 and contents(out) == same


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--rows", "8"], r"was begun with options.rows = .*, or another --out"),
        (["--learning_rate", "1e-3"], "was begun with training.learning_rate = 0.01, now 0.001"),
        (["--full"], "or another --out"),
        (["--output_dir", "x"], "--output_dir is not for faithful-se tune: give --out"),
        (["--learning_rat", "x"], "unrecognized|invalid|ambiguous"),
        (["--row", "3"], "--row"),
        (["--tasks", "cos_e"], "cos_e: each text has labels of its own"),
        (["--tasks", "trec", "--data", "nowhere"], "--data nowhere: no file"),
    ],
)
def test_another_tuning_and_wrong_arguments_are_refused(
    tuned: Path, model: Path, more: list[str], message: str
) -> None:
    before = contents(tuned)
    with pytest.raises(UsageError, match=message):
        main(arguments(model, tuned, *more))
    assert contents(tuned) == before


def test_several_processes_are_refused(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="runs in one process"):
        main(arguments(model, tmp_path / "out"))


@pytest.mark.slow
def test_full_training_ends_with_a_plain_model_too(model: Path, tmp_path: Path) -> None:
    more = ["--full", "--own-examples", "0", "--chat-template-args", '{"enable_thinking": false}', "--max_steps", "1"]
    assert main(arguments(model, tmp_path / "out", *more)) == 0
    names = {path.name for path in (tmp_path / "out" / "model").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    assert not names & {"train_info.json", "sft.json", "manifest.json", "README.md", ".lock", "checkpoint-1"}
    first = json.loads((tmp_path / "out" / "rows" / "train.jsonl").read_text().splitlines()[0])
    assert first["chat_template_kwargs"] == {"enable_thinking": False}
