"""One command at a time in a folder of results."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from faithful_se.errors import UsageError


@contextmanager
def only_one(folder: Path, option: str = "--out", wait: float = 5.0) -> Iterator[None]:
    """Hold a folder as long as the block runs: two commands in it would remove each other's unfinished files.

    The system gives it free with the process, however that ends, and nothing is left in it. Where the system knows no
    such locks (Windows, some network disks) nothing is held.

    Args:
        folder: exists.
        option: of the command, to name in the message.
        wait: seconds to wait for another one; one that was killed a moment ago may still have to end.

    Raises:
        UsageError: another command is at work there.
    """
    held, until = None, time.monotonic() + wait
    with suppress(ImportError, OSError):
        import fcntl

        held = os.open(folder, os.O_RDONLY)
        while True:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    os.close(held)
                    raise UsageError(
                        f"{folder}: another command is at work there; wait for it, or give another {option}"
                    ) from None
                time.sleep(0.1)
    try:
        yield
    finally:
        if held is not None:
            os.close(held)
