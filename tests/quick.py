"""CPU seconds of a call, on a machine that other processes disturb."""

from __future__ import annotations

import time
from collections.abc import Callable


def least_seconds(call: Callable[[], object], enough: float, tries: int = 3) -> float:
    """The least CPU time of a few tries, up to the first below `enough`. Slow code is slow in every try."""
    least = float("inf")
    for _ in range(tries):
        started = time.process_time()
        call()
        least = min(least, time.process_time() - started)
        if least < enough:
            break
    return least
