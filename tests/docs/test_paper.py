"""docs/paper.md: every place that it names is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lm_eval_tasks.read_options import read_options

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "paper.md").read_text("utf-8")


def places() -> Iterator[tuple[str, list[str]]]:
    """The last cell of each row of the tables of choices, and what it quotes."""
    for line in PAGE.partition("## Choices")[2].splitlines():
        cell = line.strip("|").rpartition("|")[2].strip()
        if line.startswith("| ") and cell != "change it":
            yield cell, re.findall(r"`([^`]+)`", cell)


def test_each_choice_has_a_place() -> None:
    assert len(list(places())) > 35 and all(quoted for _, quoted in places())


def test_names_stand_in_the_files() -> None:
    for cell, quoted in places():
        files = [ROOT / text for text in quoted if "/" in text]
        names = [text for text in quoted if text.isidentifier() and not text.startswith("faithful_se_")]
        assert all(file.is_file() for file in files) and bool(files) <= bool(names), cell
        for name in names:
            assert all(re.search(rf"\b{name}\b", file.read_text("utf-8")) for file in files), f"{cell}: {name}"


def test_options_are_options() -> None:
    commands = (ROOT / "docs" / "command_line.md").read_text("utf-8")
    for cell, quoted in places():
        for text in quoted:
            if text.startswith("--"):
                assert f"`{text.split()[0]}" in commands or "of lm_eval" in cell or text == "--full true", text
            elif match := re.fullmatch(r"(\w+)=(.+)", text):
                read_options("paper", {}, {match[1]: {"draws": "3"}.get(match[1], match[2])})
            elif text.startswith("faithful_se_"):
                assert list((ROOT / "lm_eval_tasks" / "datasets").glob(f"*/{text}.yaml")), text
