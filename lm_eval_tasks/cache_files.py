"""Files of `--use_cache`: disks that fail while they are written, and what they hold when a run stops."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

from faithful_se.errors import UsageError
from lm_eval_tasks.cache_stamp import KEY

if TYPE_CHECKING:
    from lm_eval.api.model import CachingLM

# The caches that this process writes.
_OPEN: WeakSet[CachingLM] = WeakSet()


@contextmanager
def cache_errors(lm: CachingLM) -> Iterator[None]:
    """Turn errors of a cache's file into one line.

    Raises:
        UsageError: the file cannot be read or written.
    """
    _OPEN.add(lm)
    # It prints the stacks of a thread. The error itself arrives here.
    logging.getLogger("sqlitedict").setLevel(logging.CRITICAL)
    try:
        yield
    except sqlite3.Error as error:
        raise cache_error(Path(lm.cache_db), error) from error


def cache_error(path: Path, error: sqlite3.Error) -> UsageError:
    """What to do about an error of sqlite's."""
    damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
    if damaged or "malformed" in str(error):
        remedy = "the file is damaged: delete it, or give another path"
    elif "locked" in str(error):
        remedy = "another process holds it: wait for it, or give another path"
    else:
        remedy = f"make room or the file writable, or give another path; {described([path])}"
    return UsageError(f"--use_cache {path}: {error}; {remedy}")


def check_caches(paths: Sequence[Path]) -> None:
    """Refuse files that are no cache, before lm-eval opens them. Their writer is known: see `check_writer`.

    Raises:
        UsageError: names the file.
    """
    for path in paths:
        try:
            count_answers(path)
        except sqlite3.Error as error:
            raise cache_error(path, error) from error


def count_answers(path: Path) -> int:
    """The number of answers in a cache; 0 before its first run has made a table."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'unnamed'").fetchone():
            return 0
        return int(database.execute("SELECT count(*) FROM unnamed WHERE key != ?", (KEY,)).fetchone()[0])


def kept(paths: Sequence[Path]) -> str:
    """What a rerun finds in the caches of a run that was stopped. What still waits to be written is written first."""
    for lm in list(_OPEN):
        with suppress(sqlite3.Error):
            lm.dbdict.commit()
    return described(paths)


def described(paths: Sequence[Path]) -> str:
    """What a rerun finds in caches."""
    count = 0
    for path in paths:
        with suppress(sqlite3.Error):
            count += count_answers(path)
    files = ", ".join(map(str, paths))
    return (
        f"{count:,} answers are kept in {files}: the same command asks for the rest" if count else "no answer is kept"
    )
