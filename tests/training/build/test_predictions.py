"""What a build says of a model with one answer, or with none that can be read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks.calls import Answer, Classify
from tests.training.build.rule_model import attributed, attributions, respond
from training.build.attributions import Attributions
from training.build.options import BuildOptions
from training.build.run import build

TEXTS = [f"we hate the {noun} and love tea" for noun in ("sea", "rain", "shop", "walk", "city", "hill", "bus", "car")]


def constant_attributions(folder: Path) -> Attributions:
    """Eight texts, half of each gold label, all answered with "negative"."""
    source = attributions(folder, TEXTS)
    texts = [attributed(text, number, "negative") for number, text in enumerate(TEXTS)]
    golds = ["negative", "positive"] * 4
    texts = [replace(t, document=replace(t.document, gold=gold)) for t, gold in zip(texts, golds, strict=True)]
    return replace(source, texts={"sentiment140": texts})


def always(text: str, label: str | None) -> Any:
    return lambda calls: [Answer(text, label) if isinstance(call, Classify) else Answer("?") for call in calls]


REASON = (
    'sentiment140: the model answers "negative" for 8 of 8 texts (accuracy .50, majority .50): '
    "no explanation of such answers can be learnt or measured; "
    "use --classifier calibrated, --num-fewshot 4, or another model"
)


def test_no_row_of_a_constant_model_has_its_reason(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no row at all: the answer does not change") as error:
        build(constant_attributions(tmp_path / "data"), always("negative", "negative"), tmp_path / "out")
    assert str(error.value).endswith(f". {REASON}") and "more texts" not in str(error.value)


def test_no_row_of_unread_answers_has_its_reason(tmp_path: Path) -> None:
    varied = attributions(tmp_path / "data")
    with pytest.raises(
        UsageError, match=r"no row at all: no label in the answer \(18\)\. Use --classifier loglikelihood"
    ):
        build(varied, always("I cannot say", None), tmp_path / "out")


def test_rows_of_a_constant_model_come_with_a_warning(tmp_path: Path) -> None:
    lines: list[str] = []
    options = BuildOptions(filtered=False, styles=("attribution",))
    source = constant_attributions(tmp_path / "data")
    build(source, always("negative", "negative"), tmp_path / "out", options, log=lines.append)
    assert f"warning: {REASON}" in lines
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["predictions"] == {"sentiment140": {"negative": 8}} and report["rows"] > 8
    lines.clear()
    build(attributions(tmp_path / "other"), respond, tmp_path / "good", log=lines.append)
    assert not [line for line in lines if line.startswith("warning")]
