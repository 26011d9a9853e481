"""The complaints of the examples as tasks, and a way to run `faithful-se new`."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from faithful_se.cli import main
from tests.test_house import ROOT

COMPLAINTS = ROOT / "examples" / "complaints.csv"


class Run(NamedTuple):
    status: int
    out: str
    error: str


def run_new(*words: object) -> Run:
    out, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        status = main(["new", *map(str, words)])
    return Run(status, out.getvalue(), error.getvalue())


@pytest.fixture(scope="session")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of tasks of docs/own_data.md."""
    folder = tmp_path_factory.mktemp("new") / "my_tasks"
    words = ["--text", "complaint", "--label", "category", "--noun", "complaint", "--out", folder]
    run = run_new(COMPLAINTS, *words, "--question", "Which department is the complaint about?")
    assert run.status == 0, run.error
    return folder


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """`write(name, *lines)`: a file of lines."""

    def write_lines(name: str, *lines: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding=encoding)
        return path

    return write_lines
