"""The folder of a demo: it belongs to one size and one seed, and holds the recipe that its commands name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from faithful_se.files import write_atomic
from training.demo.stages import Demo
from training.runs.folder import RunFolder


class DemoFolder(RunFolder[dict[str, Any]]):
    """The folder of a demo, whose size is named `mode`. Every file in it is a result: it must be empty at the start."""

    settings_file = "demo.json"
    results = ("*",)

    def __init__(self, demo: Demo, mode: str) -> None:
        super().__init__(demo.out, {"mode": mode, "seed": demo.seed, "size": asdict(demo.size)})

    def describe_change(self, recorded: Mapping[str, Any], requested: Mapping[str, Any]) -> str:
        """Which demo the folder holds."""
        mode, seed = recorded.get("mode"), recorded.get("seed")
        if (mode, seed) == (requested["mode"], requested["seed"]):
            return "holds the same demo of another version: install that version"
        size = f"with --{mode}" if mode in ("quick", "full") else "without --quick and --full"
        return f"holds the demo {size} and with --seed {seed}: give the same"

    def claim(self) -> None:
        """Write the settings and the recipe."""
        super().claim()
        write_atomic(self.path / "sft.yaml", recipe().read_text("utf-8"))


def recipe() -> Path:
    """The training recipe of the mini model."""
    return Path(str(files("training") / "demo" / "sft.yaml"))
