"""Rows for a tiny chat model, and the command line of a training on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROWS = [
    {
        "prompt": [
            {"role": "user", "content": f"Is this good or bad? a {word} day"},
            {"role": "assistant", "content": label},
            {"role": "user", "content": "Which one word?"},
        ],
        "completion": [{"role": "assistant", "content": word}],
    }
    for word, label in (("lovely", "good"), ("awful", "bad"), ("sunny", "good"), ("rainy", "bad")) * 4
]
COMPLETIONS = [row["completion"][0]["content"] for row in ROWS]  # type: ignore[index]


def write_rows(path: Path, rows: list[Any] | None = None) -> Path:
    """Write rows into a JSONL file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in (ROWS if rows is None else rows)))
    return path


def arguments(model: Path, data: Path, out: Path, *more: str) -> list[str]:
    """The command line of a training of four steps."""
    options = "--max_steps 4 --save_steps 2 --per_device_train_batch_size 4 --learning_rate 1e-2 --report_to none"
    options += " --disable_tqdm true --logging_steps 1 --lora_dropout 0"
    return ["--model_name_or_path", str(model), "--data", str(data), "--output_dir", str(out), *options.split(), *more]
