"""The folder of a training: whose it is, where it goes on, and whether what was finished is still there."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError
from faithful_se.files import parse_json_object, read_json_object, write_atomic
from training.runs.folder import MANIFEST
from training.sft.save_weights import written_weights

SETTINGS = "sft.json"

# A folder that holds one of these and none of our settings is somebody else's.
MODEL_FILES = ("config.json", "adapter_config.json", "tokenizer_config.json", "README.md", MANIFEST)


def refuse_another(out: Path, settings: dict[str, Any]) -> None:
    """Refuse the folder of another training.

    Raises:
        UsageError: it is one, or somebody else's, or nothing says what it is.
    """
    path = out / SETTINGS
    if out.exists() and not out.is_dir():
        raise UsageError(f"--output_dir {out} is a file: give a folder")
    if not path.is_file():
        # The base itself, say: adapter, tokenizer and card would be written over and beside it.
        if taken := next((name for name in MODEL_FILES if (out / name).exists()), ""):
            raise UsageError(f"--output_dir {out} holds {taken} and no {SETTINGS}: give a folder of its own")
        return
    written = read_json_object(
        path, "nothing else says what was trained there; put it back, or give another --output_dir"
    )
    for part, values in settings.items():
        if written.get(part) == values:
            continue
        was, now, name = written.get(part), values, part
        if isinstance(was, dict) and isinstance(now, dict):
            name = next(key for key in {**was, **now} if was.get(key) != now.get(key))
            was, now = was.get(name), now.get(name)
        if part == "data":  # digests, which nobody compares by eye
            raise UsageError(f"{out} was begun with other rows: give the same --data or another --output_dir")
        raise UsageError(
            f"{out} was begun with {name} = {was!r}, now {now!r}: give the same settings or another --output_dir"
        )


def claim(out: Path, settings: dict[str, Any]) -> None:
    """Write what this training is. Only now, when nothing is wrong with it: what fails before may be mended and typed
    again.

    Raises:
        UsageError: another training has begun in the meantime.
    """
    refuse_another(out, settings)
    write_atomic(out / SETTINGS, [json.dumps(settings, indent=1)])


def read_finished(out: Path, adapter: bool) -> tuple[dict[str, Any], str]:
    """What a finished training left.

    Args:
        out: the folder.
        adapter: whether that was an adapter; else a whole model.

    Returns:
        what its manifest says, nothing where it is not finished or the manifest is damaged; and the file that is gone
        or damaged and is to be made again, empty where there is none.
    """
    if not (out / MANIFEST).is_file():
        return {}, ""
    with suppress(OSError):
        info = parse_json_object((out / MANIFEST).read_bytes()) or {}
        files = ("adapter_config.json" if adapter else "config.json", "tokenizer_config.json")
        gone = next((name for name in files if not (out / name).is_file()), "") or written_weights(out, adapter)
        return info, gone or ("" if info else MANIFEST)
    return {}, MANIFEST


def last_checkpoint(out: Path) -> Path | None:
    """The last whole checkpoint; broken ones are removed. The trainer's state is what is written last.

    Folders of other names (`checkpoint-best`, a copy that somebody made) are no business of ours.
    """
    found = [path for path in out.glob("checkpoint-*") if re.fullmatch(r"checkpoint-\d+", path.name, re.ASCII)]
    for path in sorted(found, key=step_of, reverse=True):
        with suppress(OSError):
            if parse_json_object((path / "trainer_state.json").read_bytes()) is not None:
                return path
        shutil.rmtree(path, ignore_errors=True)
    return None


def step_of(checkpoint: Path) -> int:
    """The step of a checkpoint."""
    return int(checkpoint.name.rpartition("-")[2])


def is_last(checkpoint: Path) -> bool:
    """Whether a whole checkpoint is that of the last step: nothing is left to train."""
    told = parse_json_object((checkpoint / "trainer_state.json").read_bytes()) or {}
    return 0 < int(told.get("max_steps") or 0) <= step_of(checkpoint)
