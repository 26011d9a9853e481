"""Two commands in one folder: the second waits a little, then says so; a killed one holds nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from training.runs.lock import folder_lock

HOLD = """
import sys, time
from pathlib import Path
from typing import Any
from training.runs.lock import folder_lock
with folder_lock(Path(sys.argv[1])):
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


def test_a_second_command_waits_aloud_and_is_refused_in_one_line(
    holder: subprocess.Popen[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    message = f"{tmp_path}: another command is at work there; wait for it, or give another --output_dir"
    with pytest.raises(UsageError) as error, folder_lock(tmp_path, "--output_dir", seconds=0.3):
        pytest.fail("it was let in")
    assert str(error.value) == message
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
    assert f"{tmp_path}: another command is at work there; waiting up to 0.3 s" in caplog.text


def test_a_killed_command_holds_nothing(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    holder.kill()  # not waited for: it may still have to end
    with folder_lock(tmp_path), pytest.raises(UsageError, match="at work there"), folder_lock(tmp_path, seconds=0):
        pytest.fail("two hold it")
    assert holder.wait(10) != 0


def test_it_waits_for_one_that_ends_soon(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path), "1"], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "held\n"
    with folder_lock(tmp_path, seconds=30):
        assert child.wait(10) == 0


def test_the_folder_is_free_after_an_error_and_others_are_never_held(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(ZeroDivisionError), folder_lock(tmp_path):
        raise ZeroDivisionError
    with folder_lock(tmp_path, seconds=0), folder_lock(tmp_path / "other", seconds=0):
        pass


def test_a_disk_without_locks_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl: Any = pytest.importorskip("fcntl")
    calls = []

    def refuse(*args: object) -> None:
        calls.append(args)
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with folder_lock(tmp_path, seconds=0), folder_lock(tmp_path, seconds=0):
        assert len(calls) == 2
