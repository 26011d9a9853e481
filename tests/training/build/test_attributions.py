"""Reading what `faithful-se attribute` wrote: texts with every separator, damaged rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from faithful_se.errors import UsageError
from tests.training.build.rule_model import attributions, respond
from training.build.attributions import Attributions, read_attributions
from training.build.run import build

# Characters at which `str.splitlines` cuts and which JSON does not escape.
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
    texts = read_attributions(write_attributions(tmp_path, ROW, ROW)).texts["sentiment140"]
    assert [text.document.fields["text"] for text in texts] == [TEXT, TEXT]


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


def test_words_of_a_version_that_found_others_are_refused(tmp_path: Path) -> None:
    """Before 1.1 `does n't` was two words. Scores of its parts say nothing about the whole."""
    row = {**ROW, "fields": {"text": "it does n't work"}, "types": {"does": 1.0}, "top": {"key": "does"}}
    now = [{"key": key} for key in ("it", "doesn't", "work")]
    read_attributions(write_attributions(tmp_path, {**row, "types": {"doesn't": 1.0}, "top": None, "words": now}))
    older = [{"key": key} for key in ("it", "does", "n't", "work")]
    with pytest.raises(UsageError, match=r"line 2: another version .* \(does, doesn't, n't\): attribute"):
        read_attributions(write_attributions(tmp_path, ROW, {**row, "words": older}))


def test_the_texts_of_the_evaluation_may_be_elsewhere(tmp_path: Path) -> None:
    source = attributions(tmp_path / "data")
    from_hub = Attributions({**source.manifest, "data": "hub"}, source.texts, str(tmp_path / "data"))
    build(from_hub, respond, tmp_path / "out")
    for name in ("settings.json", "manifest.json"):
        assert json.loads((tmp_path / "out" / name).read_text())["data"] == str(tmp_path / "data")
    assert json.loads((tmp_path / "out" / "report.json").read_text())["evaluation"] == str(tmp_path / "data")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| texts | hub, train |" in card
    assert f"| kept apart from | the texts of the evaluation ({tmp_path / 'data'}) |" in card


def test_the_evaluation_of_the_attributions_needs_no_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_attributions(tmp_path, ROW)
    (tmp_path / "manifest.json").write_text(json.dumps({"rows": {"sentiment140": 1}, "data": str(tmp_path / "data")}))
    monkeypatch.chdir(tmp_path)
    assert read_attributions(tmp_path, data="data").evaluation == ""
    other = read_attributions(tmp_path, data="other")
    assert other.data == other.evaluation == str(tmp_path / "other")
    assert read_attributions(tmp_path).data == str(tmp_path / "data")
