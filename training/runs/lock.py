"""One command at a time in a folder of results: two would remove each other's unfinished files."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from faithful_se.errors import UsageError

LOCK = ".lock"

logger = logging.getLogger(__name__)


@contextmanager
def file_lock(path: Path, waiting: str, seconds: float = -1, refusal: str = "") -> Iterator[None]:
    """Hold a lock file while the block runs.

    The operating system releases the lock when the process ends, however it ends. The empty file stays. On a disk
    without locks (some network disks) nothing is held.

    Args:
        path: the lock file; its folder exists.
        waiting: what to log, once, when another process holds the lock.
        seconds: how long to wait for that process; without end if negative.
        refusal: the message if it still holds the lock then.

    Raises:
        UsageError: the other process still holds the lock.
    """
    lock = FileLock(path)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            logger.warning("%s", waiting)
            lock.acquire(timeout=seconds)
    except Timeout:
        raise UsageError(refusal) from None
    except (OSError, NotImplementedError) as error:
        logger.debug("%s: no lock (%s)", path, error)
    try:
        yield
    finally:
        lock.release()


def folder_lock(folder: Path, option: str = "--out", seconds: float = 5.0) -> AbstractContextManager[None]:
    """Hold a folder of results while the block runs.

    Args:
        folder: exists.
        option: the command's option for this folder, named in the message.
        seconds: how long to wait. A command that was killed a moment ago may need a few seconds to end.

    Raises:
        UsageError: another command holds the folder.
    """
    busy = f"{folder}: another command is at work there"
    waiting = f"{busy}; waiting up to {seconds:g} s for it to end"
    return file_lock(folder / LOCK, waiting, seconds, f"{busy}; wait for it, or give another {option}")
