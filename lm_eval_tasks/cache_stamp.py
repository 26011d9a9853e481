"""The stamp of a `--use_cache` file: what decided the answers in it.

Two models, or one model with two tokenizers, that share a path would silently get each other's answers.
docs/reliability.md, "Caches".
"""

from __future__ import annotations

import json
import logging
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faithful_se.differences import differences
from faithful_se.errors import UsageError
from faithful_se.model_names import folder_name, server_address
from lm_eval_tasks import LOGGER
from lm_eval_tasks.answer_settings import answer_settings

if TYPE_CHECKING:
    from lm_eval.api.model import CachingLM

logger = logging.getLogger(LOGGER)

# The key of the stamp in a cache.
KEY = "faithful_se_model"
# Options of `faithful-se eval`, which are variables of the environment for plain `lm_eval`.
TRUST, SAME_VERSIONS = "FAITHFUL_SE_TRUST_CACHE", "FAITHFUL_SE_SAME_VERSIONS"
OPTIONS = {"--trust_cache": TRUST, "--same_versions": SAME_VERSIONS}
TRUST_REMEDY = f"if you know that it is right, add --trust_cache ({TRUST}=1 for lm_eval)"
# Differences that a message names, and the characters of a value there.
MOST_NAMED, LONGEST_VALUE = 3, 60


def check_cache(lm: CachingLM) -> None:
    """Stamp a cache with what decides the answers of its model, or refuse one with another stamp.

    Raises:
        UsageError: another model wrote the cache, or other settings, an older version, or another user.
    """
    path = Path(lm.cache_db)
    if not len(lm.dbdict):
        with suppress(OSError):  # new, and where the user's mask lets everybody write it, that ends here
            path.chmod(path.stat().st_mode & ~stat.S_IWOTH)
    check_writer(path)
    settings = answer_settings(lm.lm)
    stamp = _claim(lm.dbdict, json.dumps(settings))
    if not stamp.startswith("{"):
        _check_old_stamp(path, stamp, settings["model"])
        lm.dbdict[KEY] = json.dumps(settings)
        lm.dbdict.commit()
        return
    changes = [change for change in differences(json.loads(stamp), settings) if not _is_silence(change)]
    versions = [change for change in changes if change[0].startswith("versions.")]
    others = [change for change in changes if change not in versions]
    if others or (versions and os.environ.get(SAME_VERSIONS)):
        named = _described(others or versions)
        raise UsageError(
            f"--use_cache {path}: this cache was written by another model or with other settings ({named}): "
            "give another path"
        )
    if versions:
        logger.warning(
            "--use_cache %s: other versions wrote this cache (%s), which may answer otherwise: give another path to "
            "ask again",
            path,
            _described(versions),
        )


def check_writer(path: Path) -> None:
    """Refuse a cache that somebody else wrote, or could: its values are pickles, which run what they hold.

    Raises:
        UsageError: the file, or one that sqlite keeps beside it, is another user's or everybody may write it.
    """
    if os.environ.get(TRUST) or not hasattr(os, "geteuid"):
        return
    for file in (path, *(path.with_name(path.name + suffix) for suffix in ("-journal", "-wal", "-shm"))):
        with suppress(FileNotFoundError):
            status = file.stat()
            another = status.st_uid != os.geteuid()
            if another or status.st_mode & stat.S_IWOTH:
                reason = f"belongs to another user ({status.st_uid})" if another else "can be written by everybody"
                raise UsageError(
                    f"--use_cache {file}: this file {reason}, and reading a cache runs what was written into it: "
                    f"give another path; {TRUST_REMEDY}"
                )


def _claim(cache: Any, stamp: str) -> str:
    """The stamp of a cache: this one where there is none yet. Of two runs that start at once, one is first."""
    row = (KEY, cache.encode(stamp))
    cache.conn.execute(f'INSERT OR IGNORE INTO "{cache.tablename}" (key, value) VALUES (?, ?)', row)
    cache.commit()
    return str(cache[KEY])


def _check_old_stamp(path: Path, stamp: str, model: str) -> None:
    """Refuse the stamp of an older version, unless it is of this model and the user trusts it."""
    if _normalized(stamp) != model:
        raise UsageError(
            f"--use_cache {path}: this cache was written by another model (model: {stamp} -> {model}): "
            "give another path"
        )
    if not os.environ.get(TRUST):
        raise UsageError(
            f"--use_cache {path}: an older version stamped this cache, with the model and without its tokenizer and "
            f"settings, so its answers may be of others: give another path; {TRUST_REMEDY}"
        )
    logger.warning("--use_cache %s: an older version stamped this cache; its answers are taken as they are", path)


def _normalized(stamp: str) -> str:
    """A stamp as this version would write the model. Older ones hold ports, and folders as they were typed."""
    parts = stamp.split(" ")
    if "://" in stamp:
        return " ".join(server_address(part) if "://" in part else folder_name(part) for part in parts)
    return " ".join(os.path.abspath(part) if "/" in part and Path(part).is_dir() else part for part in parts)


def _is_silence(change: tuple[str, Any, Any]) -> bool:
    """Whether a server said something of itself in one run and nothing in the other."""
    name, recorded, requested = change
    return name == "server" and (recorded is None or requested is None)


def _described(changes: list[tuple[str, Any, Any]]) -> str:
    """The changes for a message. The digest of the model changes with its configuration, so it comes last."""
    ordered = sorted(changes, key=lambda change: change[0] == "model")
    named = [f"{_name(name)}: {_short(earlier)} -> {_short(now)}" for name, earlier, now in ordered[:MOST_NAMED]]
    return "; ".join(named) + (f"; {len(ordered) - MOST_NAMED} more" if len(ordered) > MOST_NAMED else "")


def _name(name: str) -> str:
    part, _, key = name.partition(".")
    return f"{part}: {key}" if key and part != "arguments" else key or part


def _short(value: Any) -> str:
    text = "none" if value is None else json.dumps(value) if isinstance(value, (Mapping, list, bool)) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
