"""Reading rows to train on: every separator, a byte order mark, files that hold no rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from faithful_se.errors import UsageError
from tests.training.sft.tiny_rows import ROWS, write_rows
from training.trainer.rows import read_training_rows


def test_separators_inside_a_text_end_no_row(tmp_path: Path) -> None:
    prompt = [{"role": "user", "content": "one\u2028two\u2029three\u0085four"}]
    path, row = tmp_path / "rows.jsonl", {**ROWS[0], "prompt": prompt}
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert [row["prompt"] for row in read_training_rows(str(path))[0]] == [prompt]


def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_training_rows(str(path))[0]) == len(ROWS)


def test_blank_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl")
    path.write_text("\n  \n" + path.read_text() + "[]\n")
    with pytest.raises(UsageError, match=rf"rows.jsonl: line {len(ROWS) + 3} is damaged"):
        read_training_rows(str(path))
    path.write_text(path.read_text().removesuffix("[]\n"))
    assert len(read_training_rows(str(path))[0]) == len(ROWS)


def test_files_that_are_no_rows_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(json.dumps(ROWS[0]).encode() + b'\n{"prompt": "caf\xe9"}\n')
    with pytest.raises(UsageError, match=r"rows.jsonl: line 2 is damaged: give one JSON object a line, .* in UTF-8"):
        read_training_rows(str(path))
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(UsageError, match=r"manifest.json is damaged, .*: the same `faithful-se build` writes it again"):
        read_training_rows(str(tmp_path))
