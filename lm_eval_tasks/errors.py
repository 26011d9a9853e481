"""The error a user can mend."""

from __future__ import annotations


class UsageError(SystemExit, ValueError):
    """Wrong input: one line that says what is wrong, where, and the remedy.

    lm-eval's command line lets exceptions through, and a traceback of thirty frames buries the line that matters. As a
    SystemExit it ends a command with that line alone; as a ValueError it is caught like any other error by whoever
    calls `simple_evaluate` from Python.
    """

    def __init__(self, message: str) -> None:
        super().__init__(f"faithful-se: {message}")
