"""Packages in the user's working folder that have the names of ours get in nobody's way, in one process and in several.

tests/training/study/test_runs.py runs the demo in such a folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.strangers import write_strangers
from tests.tiny_data import texts_of, write_data
from tests.tiny_model import write_tiny_chat_model
from tests.training.sft.tiny_rows import arguments, write_rows

SCRIPTS = Path(sys.executable).parent
PORT = str(29800 + os.getpid() % 300)  # test processes side by side must not meet
TWO_PROCESSES = "accelerate launch --multi_gpu --num_processes 2 --num_machines 1 --mixed_precision no"
TWO_PROCESSES += f" --dynamo_backend no --main_process_port {PORT} --no_python"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder full of strangers, with a tiny model, texts and rows to train on."""
    path = write_strangers(tmp_path_factory.mktemp("strangers"))
    data = write_data(path / "data", 2, splits=("test", "train"))
    write_tiny_chat_model(path / "model", texts_of(data), hidden=16, layers=1)
    write_rows(path / "rows.jsonl")
    return path


def run(folder: Path, *command: str, **variables: str) -> str:
    """The output of a command that a user types in the folder, with further environment variables."""
    environment = {**os.environ, "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}", **variables}
    process = subprocess.run(
        [SCRIPTS / command[0], *command[1:]],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr[-3000:]
    return process.stdout


@pytest.mark.parametrize("command", ["mini", "attribute", "build", "board", "compare"])
def test_help(folder, command):
    """Also where the folder is on PYTHONPATH, as DeepSpeed's launcher sets it."""
    for path in ("", str(folder)):
        output = run(folder, "faithful-se", command, "--help", PYTHONPATH=path)
        assert output.startswith(f"usage: faithful-se {command}")


def test_attribute(folder):
    options = "--model model --tasks snli --data data --out attributions"
    run(folder, "faithful-se", "attribute", *options.split())
    assert (folder / "attributions" / "manifest.json").is_file()


@pytest.mark.parametrize("launch", ["", TWO_PROCESSES], ids=["one process", "two processes"])
def test_sft(folder, launch):
    out = f"trained-{bool(launch)}"
    options = arguments(Path("model"), Path("rows.jsonl"), Path(out))
    output = run(folder, *launch.split(), "faithful-se", "sft", *options)
    assert output.count(": trained") == 1
    assert (folder / out / "adapter_model.safetensors").is_file()
