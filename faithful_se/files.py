"""Files that are whole or absent: atomic writes, JSON objects, JSON Lines. All packages read and write through here."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import jsonlines

from faithful_se.errors import UsageError

# Bytes that `check_writable` asks a disk for: more than a results file of lm-eval has.
PROBE = 1 << 16
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
WRITTEN_AGAIN = "delete the file, and the same command writes it again"


def parse_json_object(text: str | bytes) -> dict[str, Any] | None:
    """The JSON object that a text holds; None where it holds anything else, or half of one."""
    with suppress(ValueError, RecursionError):
        value = json.loads(text)
        return value if isinstance(value, dict) else None
    return None


def read_json_object(path: Path, remedy: str) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Raises:
        UsageError: it cannot be read, or holds something else; the message ends with the remedy.
    """
    try:
        content = parse_json_object(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    if content is None:
        raise UsageError(f"{path} is damaged, it holds no JSON object: {remedy}")
    return content


def read_jsonl(path: Path, remedy: str = WRITTEN_AGAIN) -> Iterator[dict[str, Any]]:
    """Read the rows of a JSON Lines file, one JSON object a line. See `read_numbered_jsonl`."""
    return (row for _, row in read_numbered_jsonl(path, remedy))


def read_numbered_jsonl(
    path: Path, remedy: str = WRITTEN_AGAIN, *, skip_blank: bool = False
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read the rows of a JSON Lines file with the numbers of their lines, from 1.

    Only a line feed ends a line. Texts hold other separators (U+2028, U+0085) at which `str.splitlines` would cut.
    `remedy` says what to do about a line that is no row. `skip_blank` allows blank lines, as users write them.

    Raises:
        UsageError: no such file, or a line that is no row; names file and line.
    """
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if skip_blank and not line.strip():
                    continue
                try:
                    row = jsonlines.Reader([line]).read(type=dict)
                except (jsonlines.InvalidLineError, RecursionError) as error:
                    raise UsageError(f"{path}: line {number} is damaged: {remedy}") from error
                yield number, row
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error


def jsonl_line(row: Mapping[str, Any]) -> str:
    """A row as a line of a JSON Lines file, without its line feed. nan and infinity are refused: JSON has none."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False)


def make_folder(folder: Path) -> None:
    """Make a folder to write into, where there is none; a `UsageError` where that is not possible."""
    with write_errors_as_usage(folder):
        folder.mkdir(parents=True, exist_ok=True)


def is_writable_text(text: str) -> bool:
    """Whether a text can be written in UTF-8. One with a lone surrogate cannot: half a character, or a byte of argv."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_writable(folder: Path, option: str) -> None:
    """Check, before the work, that a folder takes a file. It may be made later: then the folder that it will be in.

    The file has no name, so nothing is left.

    Raises:
        UsageError: no space for `PROBE` bytes, a read-only disk, no permission, or a file where a folder is meant.
    """
    try:
        nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        with tempfile.TemporaryFile(dir=nearest) as probe:
            probe.write(bytes(PROBE))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        if isinstance(error, FileExistsError | NotADirectoryError):
            raise UsageError(f"{option} {folder}: it, or a part of its path, is a file: give a folder") from error
        remedy = "free some space" if error.errno in DISK_FULL else "make it writable"
        raise UsageError(
            f"{option} {folder}: cannot write there: {error.strerror or error}; {remedy}, or give another folder"
        ) from error


def write_atomic(path: Path, content: bytes | str | Iterable[str]) -> None:
    """Write a file that is complete or absent, also after a power cut.

    `content` is bytes or text as they are, or lines without their line feeds.

    Raises:
        UsageError: no space left, or no permission. The old file is still there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with write_errors_as_usage(path.parent, temporary):
        with temporary.open("wb") as file:
            if isinstance(content, bytes):
                file.write(content)
            elif isinstance(content, str):
                file.write(content.encode())
            else:
                file.writelines(line.encode() + b"\n" for line in content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)


def write_json_object(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object with `write_atomic`, one key a line."""
    write_atomic(path, [json.dumps(content, indent=1)])


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """A new folder to write into, which takes the place of `folder` when the block ends without an error.

    What was there before is removed only after that. If two processes finish at the same time, one result stays.
    """
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    workspace = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    old = workspace.with_name(workspace.name + ".old")
    try:
        new = workspace / "new"  # made under this process's umask: mkdtemp's own folder is closed to others
        new.mkdir()
        yield new
        if folder.exists() and any(folder.iterdir()):
            os.replace(folder, old)
        try:
            os.replace(new, folder)
        except OSError:
            if not folder.exists():  # not a rival's: ours could not be moved
                raise
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def write_errors_as_usage(folder: Path, temporary: Path | None = None) -> Iterator[None]:
    """Turn errors of writing to `folder` into a one-line `UsageError`, and remove `temporary`, half written."""
    try:
        yield
    except BaseException as error:
        with suppress(OSError):
            if temporary:
                temporary.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        if error.errno in DISK_FULL:
            raise UsageError(
                f"{folder}: no space left. Written files are complete: free some space and run the same command again"
            ) from error
        if isinstance(error, FileExistsError | NotADirectoryError):
            raise UsageError(f"{folder}: it, or a part of its path, is a file: give a folder") from error
        raise UsageError(
            f"{folder}: cannot write: {error.strerror or error}; give a folder that can be written to"
        ) from error
