"""Kills a command at random moments of its work, runs it again, and compares what it leaves with an undisturbed run.

A moment is an amount of CPU time, because a loaded machine stretches seconds. A command that has finished before its
moment is compared and begins anew, so every kill that counts has met a process at work.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
# The first part of a run imports and loads; kills begin after it.
FIRST, LAST = 0.3, 1.0


@dataclass(frozen=True)
class Command:
    """A command that is killed.

    Attributes:
        words: folder -> its arguments, when it writes into the folder.
        rows: the folder of a finished run -> its rows as text, each as often as it is there.
        progress: folder -> what is done so far, as a number.
        check: folder -> nothing; fails where a file is not whole.
        complete: folder -> whether all results are there, so that the next run would have nothing to do.
    """

    words: Callable[[Path], Sequence[object]]
    rows: Callable[[Path], Counter[str]]
    progress: Callable[[Path], int]
    check: Callable[[Path], None]
    complete: Callable[[Path], bool]


@dataclass
class Tally:
    """What kills did.

    Attributes:
        kills: processes that were killed at work.
        amid: those that left something half done.
        finished: runs that came to their end, of which each is compared.
        lost, doubled, different: rows, summed over the finished runs.
    """

    kills: int = 0
    amid: int = 0
    finished: int = 0
    lost: int = 0
    doubled: int = 0
    different: int = 0

    def compare(self, rows: Counter[str], undisturbed: Counter[str]) -> None:
        self.finished += 1
        more = rows - undisturbed
        self.doubled += sum(count for row, count in more.items() if row in undisturbed)
        self.different += sum(count for row, count in more.items() if row not in undisturbed)
        self.lost += (undisturbed - rows).total()


def start(words: Sequence[object], log: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    line = [sys.executable, "-m", "faithful_se", *map(str, words)]
    with log.open("wb") as file:
        return subprocess.Popen(line, env=environment, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)


def finish(words: Sequence[object], log: Path) -> float:
    """Run a command to its end; its CPU seconds."""
    process = start(words, log)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, log.read_text()[-2000:]
    return usage.ru_utime + usage.ru_stime


def killed(process: subprocess.Popen[bytes], cpu_seconds: float) -> bool:
    """Kill a process and its children after so much CPU time; False if it finished before."""
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        times = watched.cpu_times()
        if times.user + times.system >= cpu_seconds:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.002)
    assert process.returncode == 0
    return False


def kill_again_and_again(command: Command, kills: int, undisturbed: Path, cpu: float, folder: Path) -> Tally:
    """Kill a command `kills` times, with a fresh folder after each run that comes to its end."""
    folder.mkdir()
    rng, tally, whole = random.Random(0), Tally(), command.rows(undisturbed)
    out, log = folder / "out", folder / "log"
    while tally.kills < kills:
        done = command.progress(out)
        if killed(start(command.words(out), log), rng.uniform(FIRST, LAST) * cpu):
            tally.kills += 1
            tally.amid += command.progress(out) > done
            command.check(out)
            anew = command.complete(out)
        else:
            tally.compare(command.rows(out), whole)
            anew = True
        if anew:
            shutil.rmtree(out)
    finish(command.words(out), log)
    command.check(out)
    tally.compare(command.rows(out), whole)
    return tally


def check_files(out: Path) -> None:
    """Every file under its own name is whole: hidden ones are a command's unfinished work."""
    for path in out.rglob("*.json*"):
        if not any(part.startswith((".", "tmp-", "checkpoint-")) for part in path.relative_to(out).parts):
            text = path.read_text(encoding="utf-8")
            for content in text.splitlines() if path.suffix == ".jsonl" else [text]:
                json.loads(content)
