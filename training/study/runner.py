"""Runs the stages of a study as processes: logged, shown while they run, left out where they are complete."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from faithful_se.errors import UsageError
from faithful_se.files import write_atomic
from training.study import guard
from training.study.folder import StudyFolder, remove_half
from training.study.progress import Display, latest
from training.study.stage import Stage

_TAIL = 4096  # bytes of output in which the newest progress bar is looked for


class Runner:
    """Runs stages, several at once from several threads.

    Args:
        folder: of the study.
        display: shows what happens.
        environment: variables of the environment of each process.
    """

    def __init__(self, folder: StudyFolder, display: Display, environment: Mapping[str, str]) -> None:
        self.folder, self.display, self.environment = folder, display, environment
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._stopped = False
        self._lock = threading.Lock()

    def run(self, stage: Stage) -> None:
        """Run a stage, unless it is complete.

        Raises:
            UsageError: the stage failed; the message holds the last line of its log. Or another call runs it.
        """
        with self.folder.lock(stage):
            if stage.done.is_file():
                self.display.line(f"  {stage.name}: done before")
                return
            remove_half(stage)
            self.display.line(f"  {stage.name}: {stage.purpose}\n  $ {stage.typed()}")
            started, log = time.monotonic(), self.folder.path / "logs" / f"{stage.name}.log"
            status = self._execute(stage, log)
            complete = stage.done.parent.is_dir() if stage.marked else stage.done.is_file()
            if status or not complete:
                reason = latest(log.read_text("utf-8", "replace")) or f"exit status {status}"
                self.display.end(stage.name, f"  {stage.name}: failed")
                raise UsageError(f"{stage.name} failed ({log}): {reason}")
            seconds = time.monotonic() - started
            self.folder.write_record(stage, seconds)
            if stage.marked:
                write_atomic(stage.done, b"")
            self.display.end(stage.name, f"  {stage.name}: {seconds:.0f} s")

    def stop(self) -> None:
        """End the running stages and start no further ones."""
        with self._lock:
            self._stopped = True
            for process in self._processes:
                if process.stdin:
                    process.stdin.close()

    def _execute(self, stage: Stage, log: Path) -> int:
        """Run a command in a terminal of its own, so that it draws its progress bars; returns its exit status."""
        reader, process = self._start(stage)
        tail = b""
        with log.open("wb", buffering=0) as file:
            for chunk in _chunks(reader):
                file.write(chunk)
                tail = (tail + chunk)[-_TAIL:]
                self.display.update(stage.name, tail.decode("utf-8", "replace"))
        status = process.wait()
        with self._lock:
            self._processes.discard(process)
        return status

    def _start(self, stage: Stage) -> tuple[int, subprocess.Popen[bytes]]:
        script, *arguments = stage.words()
        script = console_script(script)
        # A launcher starts the console script by its name.
        path = os.pathsep.join([str(Path(script).parent), os.environ.get("PATH", os.defpath)])
        with self._lock:
            if self._stopped:
                raise UsageError(f"{stage.name}: stopped")
            reader, writer = _terminal()
            process = subprocess.Popen(
                [sys.executable, str(Path(guard.__file__)), script, *arguments],
                stdin=subprocess.PIPE,  # closed by the system when this process ends: the guard then ends the command
                stdout=writer,
                stderr=writer,
                env={**os.environ, "PATH": path, **self.environment},
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
