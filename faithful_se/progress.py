"""How far a long command is: a bar on a terminal, elsewhere a line a minute.

A bar redraws itself, which fills log files. Without a terminal tqdm can only be switched off, and a command that says
nothing for a quarter of an hour looks dead.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

from tqdm.auto import tqdm

# Seconds between two lines.
INTERVAL = 60.0


class Progress:
    """Counts what is done, and shows it on stderr. Use it in a `with` statement.

    Args:
        name: what is worked on: "attribute: snli".
        total: how much there is to do.
        unit: what is counted, in the singular.
        show: False counts in silence (all processes of a launch but the first).
        interval: seconds between two lines where there is no terminal.
        stream: where to write; stderr by default.
        clock: seconds, for tests.
    """

    def __init__(
        self,
        name: str,
        total: int,
        unit: str = "text",
        *,
        show: bool = True,
        interval: float = INTERVAL,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.total, self.unit, self.interval, self.clock = name, total, unit, interval, clock
        self.stream = stream or sys.stderr
        terminal = self.stream.isatty()
        self.bar = tqdm(
            total=total, unit=unit, desc=name, file=self.stream, disable=not (show and terminal), smoothing=0.1
        )
        self.done = self.skipped = 0
        self.start = clock()
        self._ended = threading.Event()
        # Batches can take minutes. The line comes all the same.
        self._thread = threading.Thread(target=self._print_lines, daemon=True) if show and not terminal else None

    def __enter__(self) -> Progress:
        """Begin to show."""
        if self._thread:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop showing."""
        self._ended.set()
        if self._thread:
            self._thread.join()
        self.bar.close()

    def update(self, count: int = 1) -> None:
        """So many more are done now."""
        self.done += count
        self.bar.update(count)

    def skip(self, count: int) -> None:
        """So many were done by an earlier call. They say nothing about the time that is left."""
        self.skipped += count
        self.bar.update(count)

    def line(self) -> str:
        """How far it is: "attribute: 120 of 1,000 texts, about 7 min left"."""
        done = self.done + self.skipped
        text = f"{self.name}: {done:,} of {self.total:,} {self.unit}s"
        if not self.done:
            return text
        minutes = (self.clock() - self.start) / self.done * (self.total - done) / 60
        return f"{text}, {'less than a minute' if minutes < 1 else f'about {_duration(minutes)}'} left"

    def _print_lines(self) -> None:
        while not self._ended.wait(self.interval):
            print(self.line(), file=self.stream, flush=True)


def _duration(minutes: float) -> str:
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
