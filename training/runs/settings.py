"""Settings of a run, compared with those that its folder was begun with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
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


def absolute_data(data: str) -> str:
    """A value of `--data` that means the same in every working directory: folders by their absolute path."""
    return data if data in ("hub", "mini") else str(Path(data).expanduser().resolve())


def with_absolute_data(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings whose `data` is absolute. Older versions recorded the path as it was typed."""
    data = settings.get("data")
    return {**settings, "data": absolute_data(data)} if isinstance(data, str) else dict(settings)
