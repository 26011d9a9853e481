"""The stages as commands, each in a process of its own: run, logged, and left out where they are done already."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from faithful_se.errors import UsageError

_print = threading.Lock()


@dataclass(frozen=True)
class Stage:
    """One command.

    Attributes:
        name: of its log.
        command: what follows the interpreter.
        done: the file whose existence means that the stage is complete: written last.
        what: in a few words.
    """

    name: str
    command: tuple[str, ...]
    done: Path
    what: str


class Runner:
    """Runs stages below a folder.

    Args:
        out: the folder of the demo; logs go to `logs/`.
        say: told in one line what happens.
    """

    def __init__(self, out: Path, say: Callable[[str], None]) -> None:
        self.out, self._say, self.seconds = out, say, dict[str, float]()
        (out / "logs").mkdir(parents=True, exist_ok=True)

    def run(self, *stages: Stage) -> None:
        """One after the other.

        Raises:
            UsageError: a stage failed. Shows the end of its log.
        """
        for stage in stages:
            if stage.done.is_file():
                self.say(f"  {stage.name}: done before")
                continue
            self.say(f"  {stage.name}: {stage.what} …")
            started = time.monotonic()
            log = self.out / "logs" / f"{stage.name}.log"
            with log.open("w", encoding="utf-8") as file:
                code = subprocess.run(
                    [sys.executable, *stage.command],
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    env=environment(),
                    preexec_fn=_die_with_parent if sys.platform == "linux" else None,
                    check=False,
                ).returncode
            if code or not stage.done.is_file():
                lines = log.read_text("utf-8", "replace").replace("\r", "\n").strip().splitlines()
                raise UsageError(f"{stage.name} failed ({log}): {lines[-1] if lines else f'exit status {code}'}")
            self.seconds[stage.name] = time.monotonic() - started
            self.say(f"  {stage.name}: {self.seconds[stage.name]:.0f} s")

    def say(self, line: str) -> None:
        """One line, whole, from any thread."""
        with _print:
            self._say(line)


def command(*words: object) -> tuple[str, ...]:
    """A command of faithful-se."""
    return ("-m", "faithful_se", *map(str, words))


def shown(words: Sequence[str]) -> str:
    """A command as a user types it."""
    return " ".join(["faithful-se", *words[2:]] if words[:2] == ("-m", "faithful_se") else ["python", *words])


def environment() -> dict[str, str]:
    """One thread a process: two processes share two cores, and sums are added in one order."""
    fixed = {
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }
    return {**os.environ, **fixed}


def _die_with_parent() -> None:
    """A demo that is killed leaves no stage behind that would write beside the next one (Linux: PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
