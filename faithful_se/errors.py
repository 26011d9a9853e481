"""The one exception for mistakes that a user can mend, and how commands report it."""

from __future__ import annotations

import errno
import os
import select
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from types import TracebackType
from typing import TextIO

# Characters of a wrong value that a message shows.
EXCERPT = 80

MEMORY_REMEDY = "ask for less at once (a smaller batch, fewer texts), or give more memory; written files are complete"

# The device of the output takes no more.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class UsageError(ValueError):
    """Wrong input: one line that says what is wrong, where, and the remedy.

    From Python it is an ordinary `ValueError`. Commands print its line and end with status 2 (`run_command`), and so
    does plain `lm_eval` once the tasks are loaded (`install_excepthook`).
    """


def excerpt(value: object) -> str:
    """A wrong value in a message: on one line, and cut."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, lists in lists
        text = f"a value of the kind {type(value).__name__}"
    return text if len(text) <= EXCERPT else f"{text[: EXCERPT - 1]}…"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory, of the device or of the machine, ran out."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    # RuntimeError: [enforce fail at alloc_cpu.cpp:121] … DefaultCPUAllocator: can't allocate memory: …
    # ImportError: libtorch_cpu.so: failed to map segment from shared object
    texts = ("can't allocate memory", "out of memory", "failed to map segment", "cannot allocate memory")
    # By name, because this module imports no torch: torch.OutOfMemoryError.
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError | ImportError) and any(text in str(error).lower() for text in texts))
    )


@contextmanager
def memory_errors_as_usage(remedy: str) -> Iterator[None]:
    """Turn memory that runs out into a one-line `UsageError`."""
    try:
        yield
    except (MemoryError, RuntimeError, ImportError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        reason = " ".join(str(error).split())[:200]
        raise UsageError(f"out of memory{f' ({reason})' if reason else ''}: {remedy}") from error


def require_packages(extra: str, *packages: str) -> None:
    """Check that the packages of an extra are installed; a `UsageError` names the extra where one is missing."""
    if missing := [name for name in packages if find_spec(name) is None]:
        raise UsageError(f"{', '.join(missing)} not installed; pip install 'faithful-se[{extra}]'")


def warn_user(message: str) -> None:
    """Warn of what is counted and may surprise, at the line of the user's that called this package."""
    depth, frame = 2, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == __name__.partition(".")[0]:
        depth, frame = depth + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=depth)


def run_command(command: Callable[[], int | None]) -> int:
    """Run a command and return its exit status.

    A `UsageError` becomes one line on stderr and status 2. A reader that closes the pipe early (`| head`) is no error.
    The status is then that of the command if it has ended; else 141, as shells count a closed pipe. A full device
    (`> /dev/full`) is one line and status 2, and so is memory that runs out.
    """
    status = 141  # 128 + SIGPIPE
    try:
        try:
            with memory_errors_as_usage(MEMORY_REMEDY):
                status = int(command() or 0)
        except UsageError as error:
            status = 2
            print(f"faithful-se: {error}", file=sys.stderr)
        except SystemExit as ending:  # argparse has printed a help text or a mistake
            status = ending.code if isinstance(ending.code, int) else 0
            sys.stdout.flush()
            raise
        sys.stdout.flush()  # here, where a closed pipe can be handled: at exit Python can only complain
    except BrokenPipeError:
        if not _closed_pipes():
            raise  # of a server or a process of the command's own
    except OSError as error:
        if error.errno not in _FULL or error.filename:
            raise
        status = 2
        with suppress(OSError):
            print(f"faithful-se: cannot write: {error.strerror}; send the output elsewhere", file=sys.stderr)
        _write_into_nothing(sys.stdout)
    return status


def _closed_pipes() -> bool:
    """Whether the reader of stdout or stderr is gone. What these still hold is then written into nothing."""
    closed = False
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # no poll on Windows, no file behind the stream
            poller = select.poll()
            poller.register(stream.fileno(), select.POLLOUT)
            if any(events & (select.POLLERR | select.POLLHUP) for _, events in poller.poll(0)):
                closed = True
                _write_into_nothing(stream)
    return closed


def _write_into_nothing(stream: TextIO) -> None:
    """Send what a stream still holds nowhere: at exit Python would fail to write it once more."""
    with suppress(AttributeError, OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)


def install_excepthook() -> None:
    """Let a `UsageError` that nobody catches end the process with its one line and status 2.

    lm-eval's command line lets exceptions through, and a traceback of thirty frames buries the line that matters.
    """
    previous = sys.excepthook
    if getattr(previous, "ends_with_one_line", False):
        return

    def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if not isinstance(error, UsageError):
            previous(kind, error, traceback)
            return
        sys.stderr.write(f"faithful-se: {error}\n")
        raise SystemExit(2)  # the interpreter ends with the status of an exception that its hook raises

    hook.ends_with_one_line = True  # type: ignore[attr-defined]
    sys.excepthook = hook
