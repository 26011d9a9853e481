"""Memory that a container or a batch system leaves to its processes: who takes more is killed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class _Version:
    """Where a version of Linux' control groups keeps its numbers.

    Attributes:
        mounts: where its tree may be, below the root.
        limit: file with the bytes that a group may have.
        used: file with the bytes that it has, page cache included.
        cache: name in `memory.stat` of the page cache that goes first when memory is short.
    """

    mounts: tuple[str, ...]
    limit: str
    used: str
    cache: str


# https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/memory.html
_V1 = _Version(("sys/fs/cgroup/memory",), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_V2 = _Version(("sys/fs/cgroup", "sys/fs/cgroup/unified"), "memory.max", "memory.current", "inactive_file")


def left(root: Path = Path("/")) -> int | None:
    """Bytes that the groups of this process still leave to it: the least of its own and of all that it lies in. None
    where none has a limit, and on systems without control groups.

    Args:
        root: where `proc` and `sys` lie.
    """
    found = [free for folder, version in _groups(root) if (free := _free(folder, version)) is not None]
    return min(found, default=None)


def _groups(root: Path) -> Iterator[tuple[Path, _Version]]:
    """Folders of the groups, from the process's own up to the outermost that can be seen."""
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        version = _V1 if controllers else _V2
        for mount in version.mounts:
            top = root / mount
            # In a container the path is often the host's, and only the top of it can be seen.
            inner = top / path.strip("/")
            yield from ((folder, version) for folder in (inner, *inner.parents) if folder.is_relative_to(top))


def _free(folder: Path, version: _Version) -> int | None:
    limit, used = (_number(folder / name) for name in (version.limit, version.used))
    if limit is None or used is None:
        return None
    cache = _table(folder / "memory.stat").get(version.cache, 0)
    return max(0, limit - used + cache)


def _number(path: Path) -> int | None:
    """None for `max`, which is how version 2 says that there is no limit."""
    told = "".join(_lines(path)).strip()
    return int(told) if told.isdecimal() else None


def _table(path: Path) -> Mapping[str, int]:
    pairs = (line.split() for line in _lines(path))
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
