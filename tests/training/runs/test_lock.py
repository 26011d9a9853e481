"""Two commands in one folder: the second waits a little, then says so; a killed one holds nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from faithful_se.errors import UsageError
from training.runs.lock import only_one

pytest.importorskip("fcntl")

HOLD = """
import sys, time
from pathlib import Path
from training.runs.lock import only_one
with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path), "60"], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "held\n"
    yield child
    child.kill()
    child.wait()


def test_a_second_command_is_refused_in_one_line(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    told = f"{tmp_path}: another command is at work there; wait for it, or give another --output_dir"
    with pytest.raises(UsageError) as error, only_one(tmp_path, "--output_dir", wait=0.3):
        pytest.fail("it was let in")
    assert str(error.value) == told
    assert not list(tmp_path.iterdir())


def test_a_killed_command_holds_nothing(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    os.kill(holder.pid, signal.SIGKILL)  # not waited for: it may still have to end
    with only_one(tmp_path), pytest.raises(UsageError, match="at work there"), only_one(tmp_path, wait=0):
        pytest.fail("two hold it")
    assert holder.wait(10) == -signal.SIGKILL


def test_it_waits_for_one_that_ends_soon(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path), "1"], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "held\n"
    with only_one(tmp_path, wait=30):
        assert child.wait(10) == 0


def test_the_folder_is_free_after_an_error_and_others_are_never_held(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(ZeroDivisionError), only_one(tmp_path):
        raise ZeroDivisionError
    with only_one(tmp_path, wait=0), only_one(tmp_path / "other", wait=0):
        pass


def test_a_disk_without_locks_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    asked = []

    def refuse(*args: object) -> None:
        asked.append(args)
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with only_one(tmp_path, wait=0), only_one(tmp_path, wait=0):
        assert len(asked) == 2
