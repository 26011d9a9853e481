"""A working folder with packages that have the names of ours and cannot be imported."""

from __future__ import annotations

from pathlib import Path

PACKAGES = ("faithfulness_metrics", "leaderboards", "lm_eval_tasks", "training")


def write_strangers(folder: Path) -> Path:
    """Write a package of each of our names that raises when it is imported."""
    for name in PACKAGES:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"raise RuntimeError('{name} of the working folder')\n")
    return folder
