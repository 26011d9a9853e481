"""Chat templates that know thoughts: an answer is not trained inside one, and an empty one is not learnt unnoticed."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from tests.tiny_model import QWEN3_TEMPLATE, QWEN35_TEMPLATE, R1_TEMPLATE, TEMPLATE
from tests.training.sft.tiny_rows import COMPLETIONS, ROWS, arguments, write_rows
from training.sft.cli import main
from training.trainer.rows import TEMPLATE_ARGS, read_training_rows, with_template_args
from training.trainer.supervision import check_supervision
from training.trainer.thoughts import learns_empty_thought

pytest.importorskip("trl")

OFF: dict[str, Any] = {"enable_thinking": False}


@pytest.fixture
def with_template(model: Path) -> Any:
    from transformers import AutoTokenizer

    def load(template: str) -> Any:
        tokenizer = AutoTokenizer.from_pretrained(model)
        tokenizer.chat_template = template
        return tokenizer

    return load


@pytest.mark.parametrize(
    ("template", "template_args", "learnt"),
    [
        (TEMPLATE, {}, False),
        (TEMPLATE, OFF, False),
        (QWEN3_TEMPLATE, {}, True),
        (QWEN3_TEMPLATE, OFF, False),
        (QWEN35_TEMPLATE, OFF, False),
    ],
)
def test_whether_an_empty_thought_is_learnt(
    with_template: Any, caplog: pytest.LogCaptureFixture, template: str, template_args: dict[str, Any], learnt: bool
) -> None:
    with caplog.at_level(logging.WARNING):
        assert learns_empty_thought(with_template(template), ROWS[0], template_args) == learnt
        assert learns_empty_thought(with_template(TEMPLATE), ROWS[0], template_args, template) == learnt
    line = "which is learnt with it: --chat_template_args '{\"enable_thinking\": false}' leaves it out of the loss"
    assert caplog.text.count(line) == 2 * learnt


def test_answers_inside_a_thought_are_refused(with_template: Any) -> None:
    for template, remedy in (
        (QWEN35_TEMPLATE, r"add --chat_template_args '\{\"enable_thinking\": false\}'$"),
        (R1_TEMPLATE, r"give --chat_template_path without one$"),
    ):
        with pytest.raises(UsageError, match=rf"opens a thought \(<think>\), .* inside it: {remedy}"):
            learns_empty_thought(with_template(template), ROWS[0], {})


def test_trained_with_the_arguments_of_the_rows(
    model: Path, with_template: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TRL reads the column: the thought stands in the prompt, and only answer and end of turn have a loss."""
    import shutil

    folder = Path(shutil.copytree(model, tmp_path / "model"))
    with_template(QWEN3_TEMPLATE).save_pretrained(folder)
    all_labels: list[list[int]] = []

    def record(labels: Any, *others: Any) -> int:
        all_labels.extend(labels)
        return check_supervision(labels, *others)

    monkeypatch.setattr("training.sft.run.check_supervision", record)
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps({**row, TEMPLATE_ARGS: OFF}) + "\n" for row in ROWS))
    assert main(arguments(folder, data, tmp_path / "out", "--max_steps", "1")) == 0
    tokenizer = with_template(QWEN3_TEMPLATE)
    supervised = [tokenizer.decode([token for token in labels if token != -100]) for labels in all_labels]
    assert supervised == [f"{completion}<|end|>\n" for completion in COMPLETIONS]
    info = json.loads((tmp_path / "out" / "train_info.json").read_text())
    assert (info["chat_template_args"], info["empty_thoughts"]) == (OFF, False)
    card = (tmp_path / "out" / "README.md").read_text()
    assert '| chat template | `{"enable_thinking": false}` |\n| training |' in card
    assert ",enable_thinking=False --tasks" in card


def test_rows_share_the_arguments_of_the_template(tmp_path: Path) -> None:
    built = [{**row, TEMPLATE_ARGS: OFF} for row in ROWS]
    assert with_template_args(built, {}) == (built, OFF)
    assert with_template_args(built, OFF) == (built, OFF)
    assert with_template_args(ROWS, {}) == (ROWS, {})
    assert with_template_args(ROWS, OFF) == (built, OFF)
    assert with_template_args([*ROWS, *built], OFF)[0] == [*built, *built]
    with pytest.raises(UsageError, match="rows of different chat template arguments"):
        with_template_args([*built, *ROWS], {})
    with pytest.raises(UsageError, match=r"the rows were built with \{\"enable_thinking\": false\}"):
        with_template_args(built, {"enable_thinking": True})
    path = write_rows(tmp_path / "rows.jsonl")
    assert all(TEMPLATE_ARGS not in row for row in read_training_rows(str(path))[0])
