"""The error a user can mend."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.util import find_spec

Main = Callable[[list[str] | None], int]


class BoardError(SystemExit, ValueError):
    """Wrong input: one line that says what is wrong, where, and the remedy.

    Not caught, it ends a script with that line; the commands end with exit status 2 (`told`). From Python it is a
    ValueError like any other. (The tasks have an error of the same kind; this package imports nothing of theirs.)
    """

    def __init__(self, message: str) -> None:
        super().__init__(f"faithful-se: {message}")


def need(*packages: str) -> None:
    """Raises BoardError where a package of the extra `board` is missing: before the work, not after it."""
    if missing := [name for name in packages if find_spec(name) is None]:
        raise BoardError(f"{', '.join(missing)} not installed; pip install 'faithful-se[board]'")


def told(main: Main) -> Main:
    """A command's `main` that prints a `BoardError` as its one line before ending with status 2."""

    def wrapped(argv: list[str] | None = None) -> int:
        try:
            return int(main(argv) or 0)
        except BoardError as error:
            print(error, file=sys.stderr)
            return 2
        except BrokenPipeError:
            # `… | head`: the reader has what it wanted.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    wrapped.__doc__ = main.__doc__
    return wrapped
