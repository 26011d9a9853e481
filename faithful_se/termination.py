"""SIGTERM, which batch systems and containers send, ends a command as Ctrl-C does."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM), as batch systems and containers do."""


@contextmanager
def terminated_as_exception() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does.

    Not in the processes of a launch: there it must end one that waits for others in a call without Python.
    """
    if "RANK" in os.environ or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def stop(number: int, frame: object) -> NoReturn:
        raise Terminated

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
