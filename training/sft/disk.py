"""A disk that is full or cannot be written to is one line that names the folder: before the training, and at a save."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from faithful_se.errors import UsageError
from faithful_se.files import make_folder

# Errors of the disk, not of what is written or of the network.
OF_DISKS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG)
# What the writers of safetensors and torch say: they raise no OSError.
SAFETENSORS = re.compile(r"\(os error (\d+)\)")
TORCH = ("inline_container", "PytorchStreamWriter")
PROBE = 1 << 16


def check_writable(folder: Path) -> None:
    """Make the folder and check that it takes a file, before anything is loaded. The file has no name.

    Raises:
        UsageError: no space left, no permission, a read-only disk, or a file where a folder is meant.
    """
    make_folder(folder)
    with disk_errors(folder):
        _write_probe(folder)


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn errors of the folder's disk into one line. Other errors pass.

    Raises:
        UsageError: see `check_writable`.
    """
    try:
        yield
    except Exception as error:
        number = _number_of(error, folder)
        if number not in OF_DISKS:
            raise
        full = number in (errno.ENOSPC, errno.EDQUOT)
        remedy = "free some space, and" if full else "make it writable, and"
        raise UsageError(
            f"--output_dir {folder}: cannot write: {os.strerror(number)}; {remedy} the same command goes on from the "
            "last complete checkpoint"
        ) from error


def _number_of(error: Exception, folder: Path) -> int:
    """The number of the disk's error; 0 where it is none."""
    if isinstance(error, OSError):
        return error.errno or 0
    if match := SAFETENSORS.search(str(error)):
        return int(match[1])
    if isinstance(error, RuntimeError) and any(word in str(error) for word in TORCH):
        try:
            _write_probe(folder)
        except OSError as reason:
            return reason.errno or 0
        return errno.ENOSPC  # its file was larger than the probe
    return 0


def _write_probe(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder) as probe:
        probe.write(bytes(PROBE))
        probe.flush()
        with suppress(OSError):  # some network disks have no sync
            os.fsync(probe.fileno())
