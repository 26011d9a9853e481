"""CPU seconds of a call, on a machine that other work disturbs."""

from __future__ import annotations

import time
from collections.abc import Callable


def least_seconds(call: Callable[[], object], enough: float, tries: int = 3) -> float:
    """The least CPU time of a few tries, ending with the first below `enough`: a slow rule is slow every time."""
    least = float("inf")
    for _ in range(tries):
        started = time.process_time()
        call()
        least = min(least, time.process_time() - started)
        if least < enough:
            break
    return least
