"""Lines that a user must not miss: `lm_eval` prints them again after its tables, as the last thing.

Its tables are long. A warning that is logged before them has left the screen when the command ends.
"""

from __future__ import annotations

import atexit
import sys

_LINES: list[str] = []


def say_last(line: str) -> None:
    """Print a line on stderr when the command `lm_eval` ends; nothing happens in other programs."""
    if not is_lm_eval():
        return
    if not _LINES:
        atexit.register(_print_lines)
    if line not in _LINES:
        _LINES.append(line)


def is_lm_eval() -> bool:
    """Whether this process is the command `lm_eval`, or `faithful-se eval`."""
    main = getattr(sys.modules.get("__main__"), "__spec__", None)
    return "lm_eval.__main__" in sys.modules or getattr(main, "name", "") == "lm_eval.__main__"


def _print_lines() -> None:
    sys.stdout.flush()  # its buffer holds the tables
    for line in _LINES:
        print(f"faithful-se: {line}", file=sys.stderr)
