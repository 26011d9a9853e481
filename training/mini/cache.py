"""The cache of trained bases, by recipe and seed: a base is trained once on a machine.

A folder in the cache is complete or absent, because it is written under another name and moved when it is finished.
"""

from __future__ import annotations

import ast
import hashlib
import os
import random
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from faithful_se.files import atomic_folder, make_folder, parse_json_object, write_errors_as_usage
from training.mini import conversations, prompts, write_data
from training.mini.lexicon import LEXICONS
from training.runs.folder import RunFolder
from training.runs.lock import file_lock

MANIFEST = "mini.json"

# All modules of this folder make a base what it is, but for these.
OTHER_FILES = ("__init__", "cache", "cli", "prompts", "results_tables", "write_data")


def cache_folder() -> Path:
    """The folder of the cache, below $FAITHFUL_SE_CACHE or ~/.cache/faithful-se."""
    root = os.environ.get("FAITHFUL_SE_CACHE") or Path.home() / ".cache" / "faithful-se"
    return Path(root) / "mini"


@lru_cache(maxsize=1)
def version() -> str:
    """12 hex digits of everything that makes a base what it is: source, prompts, held-out texts, sample conversations.

    The samples stand for code of other packages that the recipe calls (words, styles). A change there that leaves the
    conversations as they are leaves the cache valid.
    """
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem not in OTHER_FILES:
            digest.update(ast.dump(ast.parse(path.read_text("utf-8"))).encode())  # comments do not change the model
    digest.update("\n".join(prompts.sentences()).encode())
    digest.update((write_data.FOLDER / "SHA256SUMS").read_bytes())
    rng = random.Random(0)
    for step in range(60):
        for task in LEXICONS:
            for turn in conversations.cycle(step, task, rng, ()):
                digest.update(repr((turn.role, turn.prompt, turn.answer, turn.weight, sorted(turn.copied))).encode())
    return digest.hexdigest()[:12]


class MiniFolder(RunFolder[dict[str, Any]]):
    """A user's folder with a mini model. It belongs to one seed and one recipe, and is empty before."""

    settings_file = MANIFEST
    results = ("*",)

    def __init__(self, path: Path, seed: int) -> None:
        super().__init__(path, {"mini": version(), "seed": seed})

    def comparable(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Seed and recipe; the manifest also holds measurements."""
        return {name: settings.get(name) for name in self.settings}

    def describe_change(self, recorded: Mapping[str, Any], requested: Mapping[str, Any]) -> str:
        """Which mini model the folder holds."""
        if recorded["seed"] != requested["seed"]:
            return f"holds the mini model of seed {recorded['seed']}: give that --seed"
        return f"holds a mini model of another recipe ({recorded['mini']}, now {requested['mini']}): remove the folder"


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a mini model; None where there is none, or a damaged one."""
    with suppress(OSError):
        return parse_json_object((folder / MANIFEST).read_bytes())
    return None


def find_or_train(seed: int, train: Callable[[int, Path], None]) -> tuple[Path, bool]:
    """The folder of the base of a seed, and whether it was trained now.

    If the cache has no such base, `train(seed, folder)` writes the model and its manifest.

    Raises:
        UsageError: the cache cannot be written.
    """
    folder = cache_folder() / f"{version()}-{seed}"
    if read_manifest(folder) is not None:
        return folder, False
    make_folder(folder.parent)
    waiting = f"another process trains the base of seed {seed}; waiting for it"
    with file_lock(folder.with_name(f".{folder.name}.lock"), waiting):
        if read_manifest(folder) is not None:
            return folder, False
        for path in folder.parent.glob(f".{folder.name}.*"):  # of a killed process: nobody else holds the lock
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
        with write_errors_as_usage(folder.parent), atomic_folder(folder) as new:
            train(seed, new)
    return folder, True
