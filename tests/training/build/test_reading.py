"""Reading what `faithful-se attribute` wrote: texts with every separator, rows that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lm_eval_tasks.errors import UsageError
from training.build.attributions import read_attributions

# All that `str.splitlines` cuts at and JSON does not escape.
TEXT = "one\u2028two\u2029three\u0085four\rfive"
ROW = {
    "fields": {"text": TEXT},
    "gold": None,
    "index": 0,
    "prediction": "positive",
    "types": {"one": 1.0},
    "top": {"key": "one"},
    "problem": "",
}


def write_attributions(folder: Path, *rows: object) -> Path:
    """A finished folder of rows on sentiment140."""
    (folder / "manifest.json").write_text(json.dumps({"rows": {"sentiment140": len(rows)}}))
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "sentiment140.jsonl").write_text("".join(lines), encoding="utf-8", newline="\n")
    return folder


def test_separators_inside_a_text_end_no_row(tmp_path: Path) -> None:
    found = read_attributions(write_attributions(tmp_path, ROW, ROW))
    assert [text.document.fields["text"] for text in found.texts["sentiment140"]] == [TEXT, TEXT]


def test_a_line_that_is_no_row_is_named_with_the_remedy(tmp_path: Path) -> None:
    bare = {key: value for key, value in ROW.items() if key != "types"}
    remedy = "delete that line, and the same `faithful-se attribute` computes its text again"
    with pytest.raises(UsageError, match=rf"line 2 is not a row of attributions \(it has no 'types'\): {remedy}"):
        read_attributions(write_attributions(tmp_path, ROW, bare))
    (tmp_path / "sentiment140.jsonl").write_bytes(b'{"fields": {"te')
    with pytest.raises(UsageError, match=f"sentiment140.jsonl: line 1 is damaged: {remedy}"):
        read_attributions(tmp_path)
    (tmp_path / "sentiment140.jsonl").unlink()
    with pytest.raises(UsageError, match=r"sentiment140.jsonl: No such file or directory"):
        read_attributions(tmp_path)
