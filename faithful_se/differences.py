"""What two sets of settings do not have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def differences(recorded: Any, requested: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The settings below `name` that changed, in alphabetical order.

    Yields:
        Key with the keys above it (``options.steps``), recorded and requested value; None where there is no value.
    """
    if isinstance(recorded, Mapping) and isinstance(requested, Mapping):
        for key in sorted({*recorded, *requested}):
            yield from differences(recorded.get(key), requested.get(key), f"{name}.{key}".lstrip("."))
    elif recorded != requested:
        yield name, recorded, requested
