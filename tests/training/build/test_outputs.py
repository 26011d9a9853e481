"""A finished build of which a part is gone or damaged: made again, the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.build.world import TEXTS, attributions, dying, respond
from training.build.run import build

FILES = ("train.jsonl", "rejected.jsonl", "report.json", "README.md", "manifest.json")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("train.jsonl", None),
        ("train.jsonl", ""),
        ("rejected.jsonl", None),
        ("report.json", None),
        ("report.json", '{"rows": 3}'),
        ("manifest.json", None),
    ],
)
def test_what_is_gone_is_made_again(name: str, left: str | None, tmp_path: Path) -> None:
    there, out = attributions(tmp_path / "data", TEXTS), tmp_path / "out"
    build(there, respond, out)
    before = contents(out)
    assert set(before) == {*FILES, "settings.json", ".lock"}
    (out / name).unlink()
    if left is not None:
        (out / name).write_text(left)
    said: list[str] = []
    build(there, respond, out, say=said.append)
    assert contents(out) == before
    told = f"{out}: {name} of the finished build is gone or damaged: built again"
    assert (told in said) == (name != "manifest.json")


@pytest.mark.parametrize("name", ["README.md", "manifest.json"])
def test_a_card_and_a_damaged_manifest_need_no_model(name: str, tmp_path: Path) -> None:
    there, out = attributions(tmp_path / "data", TEXTS), tmp_path / "out"
    build(there, respond, out)
    before = contents(out)
    (out / name).unlink() if name == "README.md" else (out / name).write_text("{")
    build(there, dying(0), out)
    assert contents(out) == before
