"""Versions of the code that decides the numbers of a run."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def package_versions(*names: str) -> dict[str, str]:
    """Package -> installed version; ``unknown`` where a package is not installed."""
    versions = dict.fromkeys(names, "unknown")
    for name in names:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


def git_commit() -> str:
    """The commit of this package; empty outside a git clone."""
    command = ["git", "rev-parse", "HEAD"]
    with suppress(OSError):
        process = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
        return process.stdout.strip()
    return ""
