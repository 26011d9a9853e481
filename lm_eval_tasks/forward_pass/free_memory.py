"""Memory that is free on a device.

A process that takes too much memory of a machine without a GPU is killed: there is no error after which a batch could
be halved. Containers and batch systems limit memory by control groups, which psutil does not look at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import torch


def free_memory(device: torch.device) -> int | None:
    """Bytes that this process can still take on a device; None for devices that do not say."""
    if device.type == "cpu":
        processes = max(1, int(os.environ.get("LOCAL_WORLD_SIZE", "1")))  # all of a launch take memory at the same time
        machine, group = int(psutil.virtual_memory().available), cgroup_bytes_left()
        return (machine if group is None else min(machine, group)) // processes
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # torch holds it
        return int(free + unused)
    return None


class _CgroupVersion(NamedTuple):
    """Where a version of Linux' control groups has its numbers."""

    mounts: tuple[str, ...]  # folders of its tree, below the root
    limit: str  # file with the bytes that a group may have
    used: str  # file with the bytes that it has, page cache included
    cache: str  # name in `memory.stat` of the page cache that goes first when memory is short


# https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/memory.html
_V1 = _CgroupVersion(("sys/fs/cgroup/memory",), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_V2 = _CgroupVersion(("sys/fs/cgroup", "sys/fs/cgroup/unified"), "memory.max", "memory.current", "inactive_file")


def cgroup_bytes_left(root: Path = Path("/")) -> int | None:
    """Bytes that the control groups of this process leave to it: the least of its own group and all outer ones.

    Returns:
        None where no group has a limit, and on systems without control groups (below `root`).
    """
    free = (_group_bytes_left(folder, version) for folder, version in _groups(root))
    return min((n_bytes for n_bytes in free if n_bytes is not None), default=None)


def _groups(root: Path) -> Iterator[tuple[Path, _CgroupVersion]]:
    """Folders of the groups, from the process's own up to the outermost that is visible."""
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        version = _V1 if controllers else _V2
        for mount in version.mounts:
            top = root / mount
            # In a container the path is often the host's, and only the top of it is visible.
            inner = top / path.strip("/")
            yield from ((folder, version) for folder in (inner, *inner.parents) if folder.is_relative_to(top))


def _group_bytes_left(folder: Path, version: _CgroupVersion) -> int | None:
    limit, used = (_number(folder / name) for name in (version.limit, version.used))
    if limit is None or used is None:
        return None
    pairs = (line.split() for line in _lines(folder / "memory.stat"))
    statistics = {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}
    return max(0, limit - used + statistics.get(version.cache, 0))


def _number(path: Path) -> int | None:
    """None for ``max``, with which version 2 says that there is no limit."""
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdecimal() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
