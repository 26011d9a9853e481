"""A disk that is full, or cannot be written to any more, at a save: one line that names the folder."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faithful_se.errors import UsageError
from faithful_se.files import DISK_FULL, check_writable

# Errors of the disk, not of what is written or of the network.
OF_DISKS = (*DISK_FULL, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG)
# What the writers of safetensors and torch say: they raise no OSError.
SAFETENSORS = re.compile(r"\(os error (\d+)\)")
TORCH = ("inline_container", "PytorchStreamWriter")
OPTION = "--output_dir"


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn errors of the folder's disk into one line. Other errors pass.

    Raises:
        UsageError: no space left, no permission, or a read-only disk.
    """
    try:
        yield
    except Exception as error:
        number = _number_of(error, folder)
        if number not in OF_DISKS:
            raise
        full = number in DISK_FULL
        remedy = "free some space, and" if full else "make it writable, and"
        raise UsageError(
            f"{OPTION} {folder}: cannot write: {os.strerror(number)}; {remedy} the same command goes on from the "
            "last complete checkpoint"
        ) from error


def _number_of(error: Exception, folder: Path) -> int:
    """The number of the disk's error; 0 where it is none."""
    if isinstance(error, OSError):
        return error.errno or 0
    if match := SAFETENSORS.search(str(error)):
        return int(match[1])
    if isinstance(error, RuntimeError) and any(word in str(error) for word in TORCH):
        check_writable(folder, OPTION)
        return errno.ENOSPC  # its file was larger than the probe
    return 0
