"""Runs the stages of a demo as processes: logged, shown while they run, left out where they are complete."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from faithful_se.errors import UsageError
from faithful_se.files import make_folder, write_atomic
from training.demo.progress import Display, latest
from training.demo.stages import Stage

# One thread a process: two processes share two cores, and sums are added in one order. No GPU: the mini model gains
# nothing from one, and its numbers are then the same on every machine.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "CUDA_VISIBLE_DEVICES": "",
}

_TAIL = 4096  # bytes of output in which the newest progress bar is looked for


class Runner:
    """Runs stages, several at once from several threads.

    Args:
        logs: the folder of the logs; made if absent.
        display: shows what happens.
    """

    def __init__(self, logs: Path, display: Display) -> None:
        self.logs, self.display = logs, display
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._stopped = False
        self._lock = threading.Lock()
        make_folder(logs)

    def run(self, *stages: Stage) -> None:
        """Run stages one after the other.

        Raises:
            UsageError: a stage failed; the message holds the last line of its log.
        """
        for stage in stages:
            if stage.done.is_file():
                self.display.line(f"  {stage.name}: done before")
                continue
            if stage.marked:  # without its mark a folder holds half of an evaluation
                shutil.rmtree(stage.done.parent, ignore_errors=True)
            self.display.line(f"  {stage.name}: {stage.purpose}\n  $ {stage.typed()}")
            started, log = time.monotonic(), self.logs / f"{stage.name}.log"
            status = self._execute(stage, log)
            if status == 0 and stage.marked and stage.done.parent.is_dir():
                write_atomic(stage.done, b"")
            if status or not stage.done.is_file():
                reason = latest(log.read_text("utf-8", "replace")) or f"exit status {status}"
                self.display.end(stage.name, f"  {stage.name}: failed")
                raise UsageError(f"{stage.name} failed ({log}): {reason}")
            self.display.end(stage.name, f"  {stage.name}: {time.monotonic() - started:.0f} s")

    def stop(self) -> None:
        """End the running stages and start no further ones."""
        with self._lock:
            self._stopped = True
            for process in self._processes:
                process.terminate()

    def _execute(self, stage: Stage, log: Path) -> int:
        """Run a command in a terminal of its own, so that it draws its progress bars; returns its exit status."""
        reader, process = self._start(stage)
        tail = b""
        with log.open("wb") as file:
            for chunk in _chunks(reader):
                file.write(chunk)
                tail = (tail + chunk)[-_TAIL:]
                self.display.update(stage.name, tail.decode("utf-8", "replace"))
        status = process.wait()
        with self._lock:
            self._processes.discard(process)
        return status

    def _start(self, stage: Stage) -> tuple[int, subprocess.Popen[bytes]]:
        script = console_script(stage.command[0])
        with self._lock:
            if self._stopped:
                raise UsageError(f"{stage.name}: stopped")
            reader, writer = _terminal()
            process = subprocess.Popen(
                [script, *stage.command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
                env={**os.environ, **ENVIRONMENT},
            )
            os.close(writer)
            self._processes.add(process)
        return reader, process


def console_script(name: str) -> str:
    """The path of a console script of this environment.

    Python puts the folder of a console script first on its path. `python -m` puts the user's working folder there: a
    folder named `training` in it would hide ours.

    Raises:
        UsageError: no such script beside this interpreter.
    """
    folders = [str(Path(sys.executable).parent), sysconfig.get_path("scripts")]
    folders.append(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")))
    path = shutil.which(name, path=os.pathsep.join(folders))
    if path is None:
        raise UsageError(
            f"no script {name} in {folders[0]}; install the package again: pip install 'faithful-se[train]'"
        )
    return path


def _terminal() -> tuple[int, int]:
    """File descriptors to read from and to write to: a pseudo-terminal, or a pipe where the system has none."""
    try:
        import fcntl
        import pty
        import termios

        reader, writer = pty.openpty()
    except (ImportError, OSError):
        return os.pipe()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))  # tqdm draws no bar in a width of 0
    return reader, writer


def _chunks(reader: int) -> Iterator[bytes]:
    """What arrives at a file descriptor, until the last writer has closed its end."""
    # Linux reports the end of a terminal's output as an error.
    with os.fdopen(reader, "rb", buffering=0) as output, suppress(OSError):
        while chunk := output.read(_TAIL):
            yield chunk
