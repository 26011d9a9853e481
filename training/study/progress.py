"""The output of a study: lines that stay, and below them one line on what the running stages are doing."""

from __future__ import annotations

import re
import shutil
import sys
import threading
import time
from typing import TextIO

# "desc:  33%|███▎      | 601/1800 [00:01<00:02, 440.04it/s]", as tqdm draws it
_BAR = re.compile(r"(?:(?P<what>[^|]*?):)?\s*(?P<percent>\d+)%\|.*\[[\d:]+<(?P<left>[\d:]+|\?)")
# "2026-11-27:19:58:31 INFO     [evaluator:214] ", before each line that lm_eval logs
BLOCKS = 8  # characters of a bar
_LOG_PREFIX = re.compile(r"^\d{4}-\S+ +[A-Z]+ +\[[^\]]*\] ")


def latest(output: str) -> str:
    """The newest line of a command's output in short: a progress bar, its share, the time left, its name."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", output)]
    line = next((line for line in reversed(lines) if line), "")
    if bar := _BAR.search(line):
        blocks = "█" * (int(bar["percent"]) * BLOCKS // 100)
        what = f", {bar['what'].strip()}" if bar["what"] else ""
        return f"{blocks:░<{BLOCKS}} {bar['percent']} %, {bar['left']} left{what}"
    return _LOG_PREFIX.sub("", line)


def _has_bar(state: str) -> bool:
    return state[:1] in ("█", "░")


class Display:
    """Prints lines whole, from any thread, and the status of the running stages.

    On a terminal the status is one line that updates itself; elsewhere it is printed now and then.

    Args:
        stream: where to print; stdout by default.
        interval: seconds between two status lines; by default 0.2 on a terminal, 30 elsewhere.
    """

    def __init__(self, stream: TextIO | None = None, interval: float | None = None) -> None:
        self.stream = stream or sys.stdout
        self.terminal = self.stream.isatty()
        self.interval = interval if interval is not None else 0.2 if self.terminal else 30.0
        self._states: dict[str, str] = {}
        self._starts: dict[str, float] = {}
        self._next_status = time.monotonic() + self.interval
        self._lock = threading.Lock()

    def line(self, text: str) -> None:
        """Print a text that stays."""
        with self._lock:
            self._print(text)

    def update(self, stage: str, output: str) -> None:
        """Show how far a stage is, from the end of what its command has printed."""
        with self._lock:
            now = time.monotonic()
            seconds = now - self._starts.setdefault(stage, now)
            state = latest(output)
            # Between bars: how long it has run, and its newest line.
            self._states[stage] = state if _has_bar(state) else f"{seconds:.0f} s, {state}"
            if now < self._next_status:
                return
            columns = shutil.get_terminal_size().columns if self.terminal else 160
            width = (columns - 3) // len(self._states) - 2
            status = "; ".join(f"{name}: {state}"[:width] for name, state in self._states.items())
            if self.terminal:
                print(f"\r\x1b[K  {status}", end="", file=self.stream, flush=True)
            else:
                print(f"  {status}", file=self.stream, flush=True)
            self._next_status = time.monotonic() + self.interval

    def end(self, stage: str, text: str) -> None:
        """Print what became of a stage, and leave it out of the status from now on."""
        with self._lock:
            self._states.pop(stage, None)
            self._starts.pop(stage, None)
            self._print(text)

    def _print(self, text: str) -> None:
        print(f"\r\x1b[K{text}" if self.terminal else text, file=self.stream, flush=True)
