"""The folder of a training: missing files are written again, damaged ones are one line, those of others stay."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from faithful_se.errors import UsageError
from tests.tiny_model import write_tiny_chat_model
from tests.training.sft.tiny_rows import ROWS, arguments, write_rows
from training.sft.cli import main
from training.trainer.folder import last_checkpoint

torch = pytest.importorskip("torch")
pytest.importorskip("trl")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, rows and a training on them."""
    folder = tmp_path_factory.mktemp("sft")
    texts = [turn["content"] for row in ROWS for part in row.values() for turn in part]
    write_tiny_chat_model(folder / "model", texts, hidden=16, layers=1)
    assert main(again(folder, write_rows(folder / "rows.jsonl").parent / "out")) == 0
    return folder


def again(folder: Path, out: Path, *more: str) -> list[str]:
    return arguments(folder / "model", folder / "rows.jsonl", out, *more)


@pytest.mark.parametrize("remainder", [None, b"", b"half"])
def test_missing_weights_are_written_again(
    remainder: bytes | None, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shutil.copytree(trained / "out", tmp_path / "out")
    weights, info = out / "adapter_model.safetensors", json.loads((out / "train_info.json").read_text())
    weights.unlink()
    if remainder is not None:
        weights.write_bytes(remainder)
    assert main(again(trained, out)) == 0
    message = f"{weights.name} of the finished training is missing or damaged: resuming from checkpoint-4"
    assert message in capsys.readouterr().out
    assert weights.read_bytes() == (trained / "out" / weights.name).read_bytes()
    assert json.loads((out / "train_info.json").read_text())["loss"] == info["loss"] > 0
    assert (out / "manifest.json").is_file()


@pytest.mark.parametrize("more", [("--max_steps", "3"), ("--num_train_epochs", "0.7")])
@pytest.mark.parametrize("killed", [True, False])
def test_the_last_step_is_not_followed_by_another(
    killed: bool, more: tuple[str, str], trained: Path, tmp_path: Path
) -> None:
    """Resumed in the middle of an epoch, transformers would make one step, whatever the limit."""
    command = again(trained, out := tmp_path / "out", *more)
    assert main(command) == 0
    path = out / "adapter_model.safetensors"
    weights, info = path.read_bytes(), json.loads((out / "train_info.json").read_text())
    path.unlink()
    if killed:  # after its last checkpoint, before anything else was written
        for name in ("manifest.json", "train_info.json", "README.md"):
            (out / name).unlink()
    assert main(command) == 0
    assert path.read_bytes() == weights
    assert json.loads((out / "train_info.json").read_text()) == info


def test_without_a_checkpoint_it_trains_again(trained: Path, tmp_path: Path) -> None:
    out = shutil.copytree(trained / "out", tmp_path / "out", ignore=shutil.ignore_patterns("checkpoint-*"))
    (out / "adapter_model.safetensors").unlink()
    (out / "manifest.json").write_text("{")
    assert main(again(trained, out)) == 0
    first, second = (path / "adapter_model.safetensors" for path in (trained / "out", out))
    assert first.read_bytes() == second.read_bytes()


def test_a_missing_card_needs_no_training(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = shutil.copytree(trained / "out", tmp_path / "out")
    texts = {name: (out / name).read_text() for name in ("README.md", "train_info.json")}
    for name in texts:
        (out / name).unlink()
    monkeypatch.setattr("training.sft.run.make_trainer", None)
    assert main(again(trained, out)) == 0
    assert {name: (out / name).read_text().replace(str(out), str(trained / "out")) for name in texts} == texts


def test_other_rows_are_refused_in_a_line_that_can_be_read(trained: Path, tmp_path: Path) -> None:
    other = tmp_path / "rows.jsonl"
    other.write_text("".join((trained / "rows.jsonl").read_text().splitlines(keepends=True)[1:]))
    message = "out was begun with other rows: give the same --data, or another --output_dir$"
    with pytest.raises(UsageError, match=message):
        main(arguments(trained / "model", other, trained / "out"))


def test_damaged_settings_are_one_line(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "sft.json").write_text("{")
    with pytest.raises(UsageError, match=r"sft.json is damaged, .*; put it back, or give another --output_dir$"):
        main(again(trained, tmp_path))


def test_folders_of_other_names_are_no_checkpoints(tmp_path: Path) -> None:
    for name in ("checkpoint-best", "checkpoint-2", "checkpoint-10", "checkpoint-3-copy"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "trainer_state.json").write_text("{}")
    (tmp_path / "checkpoint-12").mkdir()  # killed while it was written
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-10"
    assert not (tmp_path / "checkpoint-12").exists() and (tmp_path / "checkpoint-best").is_dir()


def test_an_adapter_is_not_what_is_trained(trained: Path, tmp_path: Path) -> None:
    command = arguments(trained / "out", trained / "rows.jsonl", tmp_path / "other")
    message = (
        "out is an adapter; give a whole model to train: .*merged is written by the `faithful-se sft` that made it"
    )
    with pytest.raises(UsageError, match=message):
        main(command)
    out = shutil.copytree(trained / "out", tmp_path / "out")
    (out / "merged").mkdir()
    with pytest.raises(UsageError, match=r"give a whole model to train: .*out/merged is there"):
        main(arguments(out, trained / "rows.jsonl", tmp_path / "other"))


@pytest.mark.skipif(find_spec("bitsandbytes") is not None, reason="bitsandbytes is there")
def test_quantisation_without_its_package_is_one_line(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot train .*model: .*bitsandbytes.*pip install") as error:
        main(again(trained, tmp_path / "out", "--load_in_4bit", "true"))
    assert "\n" not in str(error.value)
