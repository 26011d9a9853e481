"""The summary of a file of rows, counted by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from training.attribution.rows import summarize


def written(folder: Path, *rows: tuple[str, bool | None]) -> Path:
    path = folder / "texts.jsonl"
    contents: list[dict[str, Any]] = [{"problem": problem, "flips": flips} for problem, flips in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in contents))
    return path


@pytest.mark.parametrize(
    ("rows", "summary"),
    [
        # Wilson's interval of 3 of 4: 30.06 % to 95.44 %.
        (
            [("", True)] * 3 + [("", False)],
            "4 texts; without its top word the answer changes for 3 (75.0%, 30.1% to 95.4%)",
        ),
        # A text without attribution has no word that its answer depends on. It counts in the denominator: 2 of 4.
        (
            [("", True)] * 2 + [("", False), ("no words", None)],
            "4 texts; 1 without attribution; without its top word the answer changes for 2 (50.0%, 15.0% to 85.0%)",
        ),
        ([("", None)] * 3, "3 texts"),
        ([("", None), ("", True)], "2 texts"),
        ([("no words", None)], "1 text; 1 without attribution"),
    ],
)
def test_counted_by_hand(rows: list[tuple[str, bool | None]], summary: str, tmp_path: Path) -> None:
    path = written(tmp_path, *rows)
    assert summarize(path) == f"{path}: {summary}"
