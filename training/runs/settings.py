"""Settings of a run, written so that two calls can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def absolute_data(data: str) -> str:
    """A value of `--data` that means the same in every working directory: folders by their absolute path."""
    return data if data in ("hub", "mini", "own") else str(Path(data).expanduser().resolve())


def with_absolute_data(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings whose `data` is absolute. Older versions recorded the path as it was typed."""
    data = settings.get("data")
    return {**settings, "data": absolute_data(data)} if isinstance(data, str) else dict(settings)
