"""Trained bases, kept by recipe and seed, so that a base is trained once on a machine.

A folder in the cache is complete or absent: it is written under another name and moved into place when finished.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from filelock import FileLock

from faithful_se.files import atomic_folder
from training.mini import conversations, prompts, write_data
from training.mini.lexicon import LEXICONS

MANIFEST = "mini.json"
RECIPE_FILES = (
    "lexicon",
    "grammar",
    "explainer",
    "conversations",
    "tokenizer",
    "encoder",
    "base",
    "train",
    "quality_gate",
    "shortcut_check",
)


def cache_folder() -> Path:
    """Where bases are kept: $FAITHFUL_SE_CACHE, else ~/.cache/faithful-se."""
    root = os.environ.get("FAITHFUL_SE_CACHE") or Path.home() / ".cache" / "faithful-se"
    return Path(root) / "mini"


@lru_cache(maxsize=1)
def version() -> str:
    """12 hex digits of everything that makes a base what it is: source, prompts, held-out texts, sample conversations.

    The samples stand for what the recipe calls elsewhere (words, styles): a change there that leaves every conversation
    as it was leaves the cache valid.
    """
    told = hashlib.sha256()
    for name in RECIPE_FILES:
        source = (Path(__file__).parent / f"{name}.py").read_text("utf-8")
        told.update(ast.dump(ast.parse(source)).encode())  # a comment makes no other model
    told.update("\n".join(prompts.sentences()).encode())
    told.update((write_data.FOLDER / "SHA256SUMS").read_bytes())
    rng = random.Random(0)
    for step in range(60):
        for task in LEXICONS:
            for turn in conversations.cycle(step, task, rng, ()):
                told.update(repr((turn.role, turn.prompt, turn.answer, turn.weight, sorted(turn.copied))).encode())
    return told.hexdigest()[:12]


def manifest_of(folder: Path) -> dict[str, Any] | None:
    """The manifest of a mini model; None for anything else."""
    try:
        told = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None


def base(seed: int, make: Callable[[int, Path], None]) -> tuple[Path, bool]:
    """The folder of the base of a seed, and whether it had to be made.

    Args:
        seed: of the base.
        make: called with (seed, folder) where there is none yet; writes the model and its manifest.
    """
    folder = cache_folder() / f"{version()}-{seed}"
    if manifest_of(folder) is not None:
        return folder, False
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f".{folder.name}.lock")):  # a second process waits for the first one's base
        if manifest_of(folder) is not None:
            return folder, False
        for left in folder.parent.glob(f".{folder.name}.*"):  # of a run that was killed: nobody else holds the lock
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
        with atomic_folder(folder) as new:
            make(seed, new)
    return folder, True
