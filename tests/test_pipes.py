"""`faithful-se … | head`: a reader that closes the pipe ends any output without a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from faithful_se.cli import COMMANDS
from faithful_se.errors import UsageError, run_command
from tests.leaderboards.result_files import TASK, rows_of, write_run
from tests.tiny_data import texts_of, write_data
from tests.tiny_model import write_tiny_chat_model

SCRIPT = Path(sys.executable).parent / "faithful-se"


def run_into_closed_pipe(*arguments: object, both: bool = False, unbuffered: str = "") -> tuple[int, str]:
    """The exit status and the stderr of a command whose reader is gone before it prints.

    Args:
        arguments: of faithful-se.
        both: close stderr too, as `2>&1 | head` does.
        unbuffered: value of PYTHONUNBUFFERED: whether the output fails when it is printed, or when it is flushed.
    """
    reader, writer = os.pipe()
    os.close(reader)
    stderr = writer if both else subprocess.PIPE
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    command = [SCRIPT, *map(str, arguments)]
    process = subprocess.Popen(command, stdout=writer, stderr=stderr, env=environment, text=True)
    os.close(writer)
    _, errors = process.communicate(timeout=300)
    return process.returncode, errors or ""


@pytest.mark.parametrize("arguments", ["", "--help", "--version", *(f"{name} --help" for name in COMMANDS)])
def test_help_texts(arguments):
    status, errors = run_into_closed_pipe(*arguments.split())
    assert status in (0, 141) and "Traceback" not in errors and "BrokenPipe" not in errors


@pytest.mark.parametrize("arguments", ["--help", "--version", "board --help", "compare nowhere here"])
def test_unbuffered_output(arguments):
    status, errors = run_into_closed_pipe(*arguments.split(), unbuffered="1")
    assert (
        status in ((2,) if "nowhere" in arguments else (0, 141))
        and "Traceback" not in errors
        and "BrokenPipe" not in errors
    )


def test_board_and_compare(tmp_path):
    """A reader that stops early never turns a failed comparison into a passed one."""
    for name, faithful in (("base", 0.0), ("tuned", 1.0)):
        write_run(tmp_path / name, {TASK: rows_of([faithful] * 10)}, peft=name)
    status, errors = run_into_closed_pipe("compare", tmp_path / "tuned", tmp_path / "base", "--fail-if", "worse")
    assert status in (1, 141) and errors == ""
    assert run_into_closed_pipe("board", tmp_path, "--out", tmp_path / "board", both=True)[0] in (0, 141)
    assert run_into_closed_pipe("board", tmp_path / "nowhere", "--out", tmp_path / "board", both=True) == (2, "")


def test_attribute(tmp_path):
    data = write_data(tmp_path / "data", 2, splits=("test", "train"))
    model = write_tiny_chat_model(tmp_path / "model", texts_of(data))
    command = ["attribute", "--model", model, "--tasks", "sentiment140", "--data", data, "--out", tmp_path / "out"]
    status, errors = run_into_closed_pipe(*command)
    assert status == 0 and "Traceback" not in errors and "BrokenPipe" not in errors
    assert (tmp_path / "out" / "manifest.json").is_file()


def test_a_broken_pipe_that_is_not_of_the_output_is_an_error(capsys):
    def lose_a_server():
        raise BrokenPipeError("of a socket")

    with pytest.raises(BrokenPipeError, match="of a socket"):
        run_command(lose_a_server)

    def mistake():
        raise UsageError("--limit 0: give a number from 1")

    assert run_command(mistake) == 2
    assert capsys.readouterr().err == "faithful-se: --limit 0: give a number from 1\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_device_is_one_line(tmp_path):
    for name in ("base", "tuned"):
        write_run(tmp_path / name, {TASK: rows_of([1.0] * 10)}, peft=name)
    with open("/dev/full", "w") as full:
        command = [SCRIPT, "compare", str(tmp_path / "base"), str(tmp_path / "tuned")]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=300)
    assert done.returncode == 2
    assert done.stderr == "faithful-se: cannot write: No space left on device; send the output elsewhere\n"
