"""Missing and damaged files of a finished build are written again, with the same bytes."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

import pytest

from tests.training.build.rule_model import TEXTS, attributions, interrupted, respond
from training.build.run import build

FILES = ("train.jsonl", "rejected.jsonl", "report.json", "README.md", "manifest.json")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("train.jsonl", None),
        ("train.jsonl", ""),
        ("rejected.jsonl", None),
        ("report.json", None),
        ("report.json", '{"rows": 3}'),
        ("manifest.json", None),
    ],
)
def test_a_missing_file_is_written_again(name: str, content: str | None, tmp_path: Path) -> None:
    source, out = attributions(tmp_path / "data", TEXTS), tmp_path / "out"
    build(source, respond, out)
    finished = contents(out)
    assert set(finished) == {*FILES, "settings.json", ".lock"}
    (out / name).unlink()
    if content is not None:
        (out / name).write_text(content)
    log: list[str] = []
    build(source, respond, out, log=log.append)
    assert contents(out) == finished
    message = f"{out}: {name} of the finished build is missing or damaged: building again"
    assert (message in log) == (name != "manifest.json")


@pytest.mark.parametrize("name", ["README.md", "manifest.json"])
def test_a_card_and_a_damaged_manifest_need_no_model(name: str, tmp_path: Path) -> None:
    source, out = attributions(tmp_path / "data", TEXTS), tmp_path / "out"
    build(source, respond, out)
    finished = contents(out)
    (out / name).unlink() if name == "README.md" else (out / name).write_text("{")
    build(source, interrupted(0), out)
    assert contents(out) == finished


def test_a_build_resumes_with_a_clock_that_was_set_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of the first call are of a later day, and the clock runs backwards."""
    source = attributions(tmp_path / "data", TEXTS)
    build(source, respond, tmp_path / "undisturbed", shard_size=2)
    out, day = tmp_path / "out", 24 * 3600
    with pytest.raises(KeyboardInterrupt):
        build(source, interrupted(5), out, shard_size=2)
    shards = list(out.glob("shards/*"))
    for path in (*shards, out / "settings.json"):
        os.utime(path, (time.time() + day, time.time() + day))
    clock = itertools.count(time.time(), -60)
    monkeypatch.setattr(time, "time", lambda: next(clock))
    build(source, respond, out, shard_size=2)
    assert shards and contents(out) == contents(tmp_path / "undisturbed")
