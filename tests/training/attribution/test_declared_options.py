"""A declaration may hold defaults of the options: attributions ask as the tasks do, or say that they do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from faithful_se.cli import main
from faithful_se.errors import UsageError
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.options import Options
from tests.lm_eval_tasks.new_tasks.conftest import run_new
from training.attribution.declared_options import check_declared_options
from training.grpo.arguments import GrpoArguments
from training.grpo.texts import read_texts

DECLARED = "    unit: sentence\n    mask: '___'\n    unknown: true\n"
REST = "give the option as declared, or take it out of the declaration"


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "".join(f"A text. Number {n}.,{'ab'[n % 2]}x\n" for n in range(20)))
    folder = tmp_path / "tasks"
    assert run_new(path, "--text", "text", "--label", "label", "--out", folder).status == 0
    declaration = folder / "rows" / "_dataset_yaml"
    declaration.write_text(declaration.read_text().rstrip("\n") + "\n" + DECLARED)
    return folder


def test_attribute_names_the_option_before_the_model_is_loaded(tasks: Path, tmp_path: Path, capsys: Any) -> None:
    words = ["attribute", "--model", "no-such-model", "--tasks", "rows", "--include_path", str(tasks)]
    assert main([*words, "--out", str(tmp_path / "out"), "--mask", "___"]) == 2
    line = f"rows: its tasks declare unit=sentence, and this asks with unit=word: {REST}"
    assert capsys.readouterr().err == f"faithful-se: {line}\n"


def test_reinforcement_names_it_too(tasks: Path) -> None:
    with pytest.raises(UsageError, match=f"rows: its tasks declare mask=___, and this asks with mask=.*: {REST}"):
        read_texts(GrpoArguments(tasks=["rows"], include_path=str(tasks), metadata={"unit": "sentence"}))


def test_options_as_declared(tasks: Path) -> None:
    dataset = dataset_spec("rows", tasks)
    check_declared_options(dataset, Options(unit="sentence", mask="___", unknown=True))
    with pytest.raises(UsageError, match="declare unknown=True, and this asks with unknown=False"):
        check_declared_options(dataset, Options(unit="sentence", mask="___"))
    check_declared_options(dataset_spec("trec"), Options(unit="sentence"))
