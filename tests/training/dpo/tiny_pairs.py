"""Preference pairs for a tiny chat model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.tiny_model import write_tiny_chat_model
from tests.training.sft.tiny_rows import ROWS, write_rows

PAIR_ROWS: list[dict[str, Any]] = [
    {"prompt": row["prompt"], "chosen": row["completion"], "rejected": [{"role": "assistant", "content": "day"}]}
    for row in ROWS
]


def write_tiny_pairs(folder: Path) -> tuple[Path, Path]:
    """Write a tiny model that knows the words of the pairs, and the pairs; the paths of both."""
    texts = [turn["content"] for row in PAIR_ROWS for part in row.values() for turn in part]
    return write_tiny_chat_model(folder / "model", texts, hidden=16, layers=1), write_rows(
        folder / "pairs.jsonl", PAIR_ROWS
    )
