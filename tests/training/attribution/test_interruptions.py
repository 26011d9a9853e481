"""Kills, failing processes, full disks: written files are complete, and the next run finishes."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from faithful_se.files import read_jsonl
from tests.training.attribution.command import attribute, command_words, environment

PORT = str(29600 + os.getpid() % 300)  # test processes side by side must not meet


@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_killed_again_and_again_it_ends_with_the_same_rows(
    kills: int, model: Path, texts: Path, undisturbed: list[dict[str, Any]], tmp_path: Path
) -> None:
    """`kill -9` at random moments of the work, and once it has written something, in the middle of it."""
    rng, seen, halves = random.Random(kills), 0, 0
    for _ in range(kills):
        run = subprocess.Popen(
            command_words(model, texts, tmp_path),
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # Loading takes seconds, the work a moment: wait for a new shard, then a random bit.
        while run.poll() is None and len(list(tmp_path.glob("shards/*.jsonl"))) <= seen:
            time.sleep(0.002)
        time.sleep(rng.random() * 0.05)
        run.send_signal(signal.SIGKILL)
        run.wait()
        seen = len(list(tmp_path.glob("shards/*.jsonl")))
        halves += 0 < seen < 12
        if (tmp_path / "manifest.json").exists():
            break
    assert halves > 0
    assert attribute(model, texts, tmp_path, "--shard-size", "8") == undisturbed
    assert not (tmp_path / "shards").exists()


@pytest.mark.usefixtures("interruptible")  # a child inherits what is ignored
@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_is_one_line_and_the_same_command_resumes(
    how: int, status: int, model: Path, texts: Path, tmp_path: Path
) -> None:
    arguments = command_words(model, texts, tmp_path, "--method", "ig", "--steps", "200")
    arguments[2:3] = ["faithful_se", "attribute"]
    run = subprocess.Popen(arguments, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while run.poll() is None and not list(tmp_path.glob("shards/*.jsonl")):
        time.sleep(0.01)
    run.send_signal(how)
    errors = run.communicate(timeout=60)[1]
    assert run.returncode == status and "Traceback" not in errors
    assert errors.splitlines()[-1] == "faithful-se attribute: stopped; the same command resumes"
    assert list(tmp_path.glob("shards/*.jsonl")) and not (tmp_path / "manifest.json").exists()


def two_processes(
    model: Path, texts: Path, out: Path, seen: Path, fails: int = -1, how: str = ""
) -> subprocess.CompletedProcess[str]:
    """`accelerate launch` as for two GPUs; without GPUs, both processes use the CPU."""
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    launch += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", PORT]
    script = str(Path(__file__).with_name("failing_process.py"))
    seen.mkdir()
    arguments = [script, str(seen), str(fails), how, *command_words(model, texts, out)[3:]]
    return subprocess.run([*launch, *arguments], env=environment(), capture_output=True, text=True, timeout=240)


def test_two_processes_do_what_one_does(
    model: Path, texts: Path, undisturbed: list[dict[str, Any]], tmp_path: Path
) -> None:
    done = two_processes(model, texts, tmp_path / "out", tmp_path / "seen")
    assert done.returncode == 0, done.stderr[-2000:]
    assert {path.name: path.read_text() for path in (tmp_path / "seen").iterdir()} == {"0-of-2": "6", "1-of-2": "6"}
    assert done.stdout.count("90 texts") == 1
    assert list(read_jsonl(tmp_path / "out" / "rows.jsonl")) == undisturbed


@pytest.mark.parametrize(
    ("fails", "how"),
    [
        (1, "error"),
        pytest.param(0, "error", marks=pytest.mark.slow),
        pytest.param(1, "late", marks=pytest.mark.slow),
        pytest.param(1, "killed", marks=pytest.mark.slow),
    ],
)
def test_a_process_that_fails_ends_all_and_the_next_run_finishes(
    fails: int, how: str, model: Path, texts: Path, undisturbed: list[dict[str, Any]], tmp_path: Path
) -> None:
    """No process waits for a dead one, there is no manifest, and the files on disk are complete."""
    started, out = time.monotonic(), tmp_path / "out"
    done = two_processes(model, texts, out, tmp_path / "seen", fails, how)
    assert done.returncode != 0 and time.monotonic() - started < 120
    assert f"{fails}-of-2" not in {path.name for path in (tmp_path / "seen").iterdir()}
    assert sorted(path.name for path in out.iterdir()) == [".lock", "settings.json", "shards"]
    rows = [row for path in (out / "shards").glob("*.jsonl") for row in read_jsonl(path)]
    assert 8 <= len(rows) < 90 and all(row in undisturbed for row in rows)
    assert attribute(model, texts, out, "--shard-size", "8") == undisturbed
    assert not (out / "shards").exists()


def test_a_full_disk_leaves_complete_files(model: Path, texts: Path, undisturbed: Any, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = shutil.which("mount") and os.geteuid() == 0
    if not mounted or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(small)]).returncode:
        pytest.skip("no right to mount a small tmpfs")
    try:
        with pytest.raises(UsageError, match=r"no space left\. Written files are complete"):
            attribute(model, texts, small, "--shard-size", "8")
        shards = list(small.glob("shards/*"))
        rows = [row for path in shards for row in read_jsonl(path)]
        assert shards and all(path.suffix == ".jsonl" for path in shards)
        assert all(row in undisturbed for row in rows)
        subprocess.run(["mount", "-o", "remount,size=4m", str(small)], check=True)
        assert attribute(model, texts, small, "--shard-size", "8") == undisturbed
    finally:
        subprocess.run(["umount", str(small)], check=True)
