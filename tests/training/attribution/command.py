"""Runs `faithful-se attribute` in this process, or gives the words that start it in another one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from faithful_se.files import read_jsonl
from training.attribution.cli import main

ROOT = Path(__file__).resolve().parents[3]
LABELS = ["--labels", "negative", "positive"]


def attribute(model: Path, texts: Path, out: Path, *options: str) -> list[dict[str, Any]]:
    assert main(["--model", str(model), "--file", str(texts), *LABELS, "--out", str(out), *options]) == 0
    return list(read_jsonl(out / f"{texts.stem}.jsonl"))


def command_words(model: Path, texts: Path, out: Path, *options: str) -> list[str]:
    arguments = ["--model", str(model), "--file", str(texts), *LABELS, "--out", str(out), "--shard-size", "8", *options]
    return [sys.executable, "-m", "training.attribution.cli", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
