"""Rows on disk: found by their text, numbered by the present file; damage is noticed and never passed on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks.data import load
from tests.training.attribution.command import attribute
from training.attribution import run
from training.attribution.cli import main


def write(path: Path, texts: list[str]) -> None:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Number of texts of each shard that is written."""
    write_atomic, sizes = run.write_atomic, list[int]()

    def counting(path: Path, rows: Any) -> None:
        lines = list(rows)
        sizes.append(len(lines))
        write_atomic(path, lines)

    monkeypatch.setattr(run, "write_atomic", counting)
    return sizes


@pytest.fixture
def stopped(model: Path, texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose run was interrupted after five shards."""
    write_atomic, shards, out = run.write_atomic, list[Path](), tmp_path / "out"

    def failing(path: Path, rows: Any) -> None:
        if len(shards) == 5:
            raise RuntimeError("stopped")
        shards.append(path)
        write_atomic(path, rows)

    with monkeypatch.context() as patched:
        patched.setattr(run, "write_atomic", failing)
        with pytest.raises(RuntimeError, match="stopped"):
            attribute(model, texts, out, "--shard-size", "8")
    assert len(list(out.glob("shards/*.jsonl"))) == 5
    return out


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("\n".join(lines(path)[:3]) + "\n"),
        lambda path: path.write_bytes(path.read_bytes()[:-30]),
        lambda path: path.write_bytes(b"\x00\xff" * 50),
        lambda path: path.write_text("[1]\n"),
        lambda path: path.unlink(),
    ],
    ids=["emptied", "cut between lines", "half a line", "zeros", "no object", "gone"],
)
def test_a_damaged_shard_is_computed_again(
    damage: Callable[[Path], Any], model: Path, texts: Path, undisturbed: Any, stopped: Path, computed: list[int]
) -> None:
    damage(sorted(stopped.glob("shards/*.jsonl"))[2])
    assert attribute(model, texts, stopped, "--shard-size", "8") == undisturbed
    assert sum(computed) == 90 - 4 * 8
    assert json.loads((stopped / "manifest.json").read_text())["rows"] == {"rows": 90}


def test_shards_that_go_during_the_run_leave_no_manifest(
    model: Path, texts: Path, undisturbed: Any, stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_atomic = run.write_atomic

    def emptying(path: Path, rows: Any) -> None:
        write_atomic(path, rows)
        path.write_bytes(b"")

    with monkeypatch.context() as patched:
        patched.setattr(run, "write_atomic", emptying)
        with pytest.raises(
            UsageError, match=r"the rows of 50 texts of rows were written, but they are no longer there.*same command"
        ) as error:
            attribute(model, texts, stopped, "--shard-size", "8")
    assert "\n" not in str(error.value) and not (stopped / "manifest.json").exists()
    assert attribute(model, texts, stopped, "--shard-size", "8") == undisturbed


def test_other_shard_sizes_keep_finished_rows(
    model: Path, texts: Path, undisturbed: Any, stopped: Path, computed: list[int]
) -> None:
    rows = attribute(model, texts, stopped, "--shard-size", "20", "--limit", "89")
    assert sum(computed) == len(rows) - 40 and not (stopped / "shards").exists()
    assert [row["hash"] for row in attribute(model, texts, stopped)] == [row["hash"] for row in undisturbed]
    assert sum(computed) == 50


@pytest.mark.parametrize("line", ["", '{"hash": "12', "[]", '{"hash": "x", "index": 1, "dataset": "other"}'])
def test_a_damaged_finished_file_is_named_with_its_line(line: str, model: Path, texts: Path, tmp_path: Path) -> None:
    attribute(model, texts, tmp_path, "--limit", "5")
    path = tmp_path / "rows.jsonl"
    intact = lines(path)
    path.write_text("\n".join([*intact[:3], line, *intact[4:]]) + "\n")
    with pytest.raises(UsageError, match=r"rows.jsonl: line 4 is damaged, .*delete that line") as error:
        attribute(model, texts, tmp_path, "--limit", "5")
    assert "\n" not in str(error.value)
    path.write_text("\n".join([*intact[:3], *intact[4:]]) + "\n")
    rows = attribute(model, texts, tmp_path, "--limit", "5")
    assert [row["index"] for row in rows] == list(range(5))


def test_a_truncated_finished_file_contradicts_the_manifest(
    model: Path, texts: Path, tmp_path: Path, caplog: Any
) -> None:
    attribute(model, texts, tmp_path, "--limit", "9")
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(lines(path)[:6]) + "\n")
    attribute(model, texts, tmp_path, "--limit", "5")
    assert "manifest.json does not give its number of rows (6): it is written again" in caplog.text
    assert json.loads((tmp_path / "manifest.json").read_text())["rows"] == {"rows": 6}
    assert len(attribute(model, texts, tmp_path, "--limit", "9")) == 9


@pytest.mark.parametrize("written", ["", "{", "[1]", '{"rows": 3}'])
def test_a_damaged_manifest_is_written_again(written: str, model: Path, texts: Path, tmp_path: Path) -> None:
    attribute(model, texts, tmp_path, "--limit", "5")
    manifest = (tmp_path / "manifest.json").read_text()
    (tmp_path / "manifest.json").write_text(written)
    attribute(model, texts, tmp_path, "--limit", "5")
    assert (tmp_path / "manifest.json").read_text() == manifest


@pytest.mark.parametrize("written", ["", "{", "[1]", '{"date": "soon"}', '{"date": 3}'])
def test_damaged_settings_are_one_line(written: str, model: Path, texts: Path, tmp_path: Path) -> None:
    first_rows = attribute(model, texts, tmp_path, "--limit", "5")
    (tmp_path / "settings.json").write_text(written)
    with pytest.raises(UsageError, match=r"settings.json.*; put it back.* or give another --out") as error:
        attribute(model, texts, tmp_path, "--limit", "9")
    assert "\n" not in str(error.value) and len(lines(tmp_path / "rows.jsonl")) == len(first_rows)


def numbered_texts(rows: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return [(row["index"], row["fields"]["text"]) for row in rows]


def test_an_input_file_that_changed_counts_its_own_texts(
    model: Path, tmp_path: Path, caplog: Any, computed: list[int]
) -> None:
    path, out = tmp_path / "rows.jsonl", tmp_path / "out"
    write(path, ["one sea", "two seas", "three seas", "four seas"])
    attribute(model, path, out)
    write(path, ["new sea", "four seas", "two seas"])
    rows = attribute(model, path, out)
    assert numbered_texts(rows) == [(0, "new sea"), (1, "four seas"), (2, "two seas")]
    assert computed == [4, 1] and "2 rows left out" in caplog.text
    assert json.loads((out / "manifest.json").read_text())["rows"] == {"rows": 3}


def test_a_limit_deletes_no_row_and_no_number_repeats(model: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "rows.jsonl", tmp_path / "out"
    write(path, ["one sea", "two seas", "three seas", "four seas"])
    attribute(model, path, out)
    written = (out / "rows.jsonl").read_bytes()
    attribute(model, path, out, "--limit", "2")
    assert (out / "rows.jsonl").read_bytes() == written
    write(path, ["new sea", "one sea", "two seas", "three seas", "four seas"])
    numbered = [(0, "new sea"), (1, "one sea"), (2, "two seas"), (3, "three seas"), (4, "four seas")]
    assert numbered_texts(attribute(model, path, out, "--limit", "2")) == numbered
    assert numbered_texts(attribute(model, path, out)) == numbered


def test_other_texts_of_the_same_name_delete_nothing(model: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "rows.jsonl", tmp_path / "out"
    write(path, ["one sea", "two seas"])
    attribute(model, path, out)
    written = (out / "rows.jsonl").read_bytes()
    write(path, ["rain", "snow"])
    with pytest.raises(UsageError, match="none of the 2 finished texts of rows is in the data now"):
        attribute(model, path, out)
    assert (out / "rows.jsonl").read_bytes() == written and (out / "manifest.json").exists()


def test_gold_labels_are_those_of_the_present_file(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "data" / "sentiment140" / "train.jsonl"
    path.parent.mkdir(parents=True)
    common = ["--model", str(model), "--tasks", "sentiment140", "--data", str(tmp_path / "data")]
    for label, gold in ((0, "negative"), (4, "positive")):
        path.write_text(json.dumps({"text": "one sea", "sentiment": label}) + "\n")
        load.cache_clear()  # what another process would read
        assert main([*common, "--out", str(tmp_path / "out")]) == 0
        assert json.loads((tmp_path / "out" / "sentiment140.jsonl").read_text())["gold"] == gold


def test_rows_of_a_version_with_other_words_are_not_resumed(model: Path, tmp_path: Path) -> None:
    texts = tmp_path / "rows.jsonl"
    write(texts, ["it does n't work", "we like it"])
    (row, other) = attribute(model, texts, tmp_path / "out")
    assert [word["key"] for word in row["words"]] == ["it", "doesn't", "work"]
    row["words"][1:2] = [{**row["words"][1], "key": key} for key in ("does", "n't")]
    (tmp_path / "out" / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in (row, other)))
    with pytest.raises(UsageError, match=r"another version attributed it, .*does, doesn't, n't") as error:
        attribute(model, texts, tmp_path / "out")
    assert "\n" not in str(error.value)
