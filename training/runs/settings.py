"""Settings of a run, compared with those that its folder was begun with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple


class Difference(NamedTuple):
    """A setting that changed.

    Attributes:
        name: its key, with the keys above it: ``options.steps``.
        recorded: value in the settings file; None where it has none.
        requested: value of this run; None where it has none.
    """

    name: str
    recorded: Any
    requested: Any


def differences(recorded: Mapping[str, Any], requested: Mapping[str, Any]) -> list[Difference]:
    """The settings that changed, by name."""
    return list(_differences("", dict(recorded), dict(requested)))


def _differences(name: str, recorded: Any, requested: Any) -> Iterator[Difference]:
    if isinstance(recorded, dict) and isinstance(requested, dict):
        for key in sorted({*recorded, *requested}):
            yield from _differences(f"{name}.{key}".lstrip("."), recorded.get(key), requested.get(key))
    elif recorded != requested:
        yield Difference(name, recorded, requested)


def absolute_data(data: str) -> str:
    """A value of `--data` that means the same in every working directory: folders by their absolute path."""
    return data if data in ("hub", "mini") else str(Path(data).expanduser().resolve())


def with_absolute_data(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings whose `data` is absolute. Older versions recorded the path as it was typed."""
    data = settings.get("data")
    return {**settings, "data": absolute_data(data)} if isinstance(data, str) else dict(settings)
