"""Paths that a command of lm-eval writes to, looked at before its model is asked.

lm-eval only logs that it could not write, after hours of work, and a cache on such a disk ends in sqlite's traceback.
docs/reliability.md, "Disks".
"""

from __future__ import annotations

import argparse
import glob
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple, NoReturn

from faithful_se.errors import UsageError
from faithful_se.files import check_writable, is_writable_text
from faithful_se.last_lines import is_lm_eval

# Values in a file of `--config`, which lm-eval prints and writes in full.
MOST_VALUES = 100_000


class WrittenPaths(NamedTuple):
    """What a command names with `--output_path` and `--use_cache`; empty where it does not."""

    output_path: str = ""
    use_cache: str = ""

    @property
    def output_folder(self) -> Path:
        """The folder of the results: `--output_path DIR`, or `DIR/name.json`."""
        path = Path(self.output_path)
        return path.parent if path.suffix == ".json" else path

    @property
    def caches(self) -> list[Path]:
        """The files of the cache that are there: one for each process."""
        path = Path(self.use_cache)
        return sorted(path.parent.glob(f"{glob.escape(path.name)}_rank*.db")) if path.name else []

    def check(self) -> None:
        """Refuse paths that cannot be written, by a `UsageError`."""
        if self.output_path:
            check_writable(self.output_folder, "--output_path")
        if self.use_cache:
            check_writable(Path(self.use_cache).parent, "--use_cache")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)  # lm-eval's own parser says it better


def written_paths(arguments: Sequence[str]) -> WrittenPaths:
    """The paths in the arguments of lm-eval; those in the file of `--config` count where the arguments name none.

    Raises:
        UsageError: an argument cannot be written into the results, or the file unfolds to more than they can hold.
    """
    for word in arguments:
        if not is_writable_text(word):
            readable = word.encode("utf-8", "replace").decode()
            raise UsageError(f"{readable}: this argument is not UTF-8, and results hold it: write it in UTF-8")
    parser = _Parser(prog="lm_eval", add_help=False)
    for name, short in (("--output_path", "-o"), ("--use_cache", "-c"), ("--config", "-C")):
        parser.add_argument(name, short, default="")
    try:
        known, _ = parser.parse_known_args(list(arguments))
    except ValueError:
        return WrittenPaths()
    config = _read_config(known.config)
    return WrittenPaths(*(getattr(known, name) or str(config.get(name) or "") for name in WrittenPaths._fields))


def _read_config(path: str) -> dict[str, object]:
    """The YAML file of `--config`; empty for anything else, which lm-eval reports."""
    import yaml

    content = None
    with suppress(OSError, ValueError, RecursionError, yaml.YAMLError):
        content = yaml.safe_load(Path(path).read_text("utf-8")) if path else None
    if _unfolded(content, {}) > MOST_VALUES:
        raise UsageError(f"--config {path}: its aliases (*name) make more than {MOST_VALUES:,} values: write fewer")
    return content if isinstance(content, dict) else {}


def _unfolded(value: object, counts: dict[int, float]) -> float:
    """The number of values in a YAML value, those of an alias each time; without end where it holds itself."""
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) not in counts:
        counts[id(value)] = float("inf")
        parts = value.values() if isinstance(value, dict) else value
        counts[id(value)] = 1 + sum(_unfolded(part, counts) for part in parts)
    return counts[id(value)]


@cache
def check_command() -> None:
    """Check the paths of the running `lm_eval`, once: when its first task of this package is built."""
    if is_lm_eval():
        written_paths(sys.argv[1:]).check()
