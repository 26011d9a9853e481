"""Disks that are full or read-only: one line that names the folder, and the same command goes on."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError, run_command
from tests.training.sft.tiny_rows import arguments, write_rows
from training.sft.cli import main
from training.trainer.disk import disk_errors

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

FULL = "cannot write: No space left on device; free some space, and the same command goes on from the last complete"
READ_ONLY = "cannot write: Read-only file system; make it writable, and the same command goes on"


def no_space(*args: Any, **kwargs: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_is_full_at_a_save_is_one_line_and_nothing_is_lost(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It fills up while the second checkpoint is written, then while the last weights are."""
    from transformers import Trainer, TrainerState

    out, data = tmp_path / "out", write_rows(tmp_path / "rows.jsonl")
    command = arguments(model, data, out)
    save = TrainerState.save_to_json

    def save_first(state: Any, path: str) -> None:
        (save if state.global_step == 2 else no_space)(state, path)

    with monkeypatch.context() as patch:
        patch.setattr(TrainerState, "save_to_json", save_first)
        assert run_command(lambda: main(command)) == 2
    error = capsys.readouterr().err
    assert error.splitlines()[-1].startswith(f"faithful-se: --output_dir {out}: {FULL}") and "Traceback" not in error
    save_model = Trainer.save_model

    def save_checkpoints(trainer: Any, folder: str, **more: Any) -> None:
        (no_space if folder == str(out) else save_model)(trainer, folder, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "save_model", save_checkpoints)
        assert run_command(lambda: main(command)) == 2
    assert FULL in capsys.readouterr().err
    assert not (out / "manifest.json").exists()
    assert main(command) == 0
    other = tmp_path / "other"
    assert main(arguments(model, data, other)) == 0
    infos = [json.loads((folder / "train_info.json").read_text()) for folder in (out, other)]
    assert infos[0] == infos[1]
    weights = [(folder / "adapter_model.safetensors").read_bytes() for folder in (out, other)]
    assert weights[0] == weights[1]


def test_a_disk_that_cannot_be_written_to_is_named_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*args: Any, **kwargs: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    command = arguments(tmp_path / "no_model", write_rows(tmp_path / "rows.jsonl"), tmp_path / "out")
    monkeypatch.setattr("faithful_se.files.tempfile.TemporaryFile", read_only)
    with pytest.raises(UsageError, match=r"--output_dir .*out: cannot write there: Read-only file system; make it"):
        main(command)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "Disk quota exceeded; free some space"),
        (RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"), FULL),
        (RuntimeError("Error while serializing: I/O error: Read-only file system (os error 30) at path x"), READ_ONLY),
        (RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534"), FULL),
    ],
)
def test_what_writers_say_of_a_full_disk_is_known(error: Exception, line: str, tmp_path: Path) -> None:
    """Word for word: safetensors 0.8 and torch 2.13 on a disk of 2 MB."""
    with pytest.raises(UsageError, match=line), disk_errors(tmp_path):
        raise error


@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, "gone"), RuntimeError("shape"), ConnectionError()])
def test_other_errors_pass(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(type(error)), disk_errors(tmp_path):
        raise error
