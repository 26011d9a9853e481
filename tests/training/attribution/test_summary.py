"""The line that ends a run: counted by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from training.attribution.summary import summary


def written(folder: Path, *rows: tuple[str, bool | None]) -> Path:
    path = folder / "texts.jsonl"
    told: list[dict[str, Any]] = [{"problem": problem, "flips": flips} for problem, flips in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in told))
    return path


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        # Wilson's interval of 3 of 4: 30.06 % to 95.44 %.
        (
            [("", True)] * 3 + [("", False)],
            "4 texts; without its top word the answer changes for 3 (75.0%, 30.1% to 95.4%)",
        ),
        # A text without attribution is no text whose answer hangs on a word: it counts below the line. 2 of 4.
        (
            [("", True)] * 2 + [("", False), ("no words", None)],
            "4 texts; 1 without attribution; without its top word the answer changes for 2 (50.0%, 15.0% to 85.0%)",
        ),
        ([("", None)] * 3, "3 texts"),
        ([("", None), ("", True)], "2 texts"),
        ([("no words", None)], "1 text; 1 without attribution"),
    ],
)
def test_counted_by_hand(rows: list[tuple[str, bool | None]], told: str, tmp_path: Path) -> None:
    path = written(tmp_path, *rows)
    assert summary(path) == f"{path}: {told}"
