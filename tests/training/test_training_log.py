"""The curves of a training in its card: what TRL logged, as a picture and a few rows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from faithful_se.train_info import CARD, TrainInfo
from training.trainer.card import write_card
from training.trainer.log import LOG, PICTURE, log_table, read_log, write_log

HISTORY = [
    {"step": 10 * i, "epoch": i / 10, "loss": 1 / i, "mean_token_accuracy": 1 - 1 / (2 * i), "step_time": 0.123 * i}
    for i in range(1, 21)
]
END = {"step": 200, "train_runtime": 12.5, "train_loss": 0.18}


def test_the_table_has_the_first_and_the_last_entry_and_few_between() -> None:
    head, *rows = log_table(HISTORY)
    assert head == ["step", "loss", "mean_token_accuracy"]
    assert (len(rows), rows[0], rows[-1]) == (8, ["10", "1.0000", "0.5000"], ["200", "0.0500", "0.9750"])
    assert log_table([]) == [] and log_table([{"step": 1.0}]) == []
    assert log_table([{"step": 1.0, "loss": 2.0}]) == [["step", "loss"], ["1", "2.0000"]]


def test_the_card_shows_the_curves(tmp_path: Path) -> None:
    write_log(tmp_path, [*HISTORY, END])
    log = json.loads((tmp_path / LOG).read_text())["log"]
    assert len(log) == 20 and log[0] == {"step": 10, "epoch": 0.1, "loss": 1.0, "mean_token_accuracy": 0.5}
    assert read_log(tmp_path) == log
    write_card(tmp_path, _info())
    card = (tmp_path / CARD).read_text()
    assert "| step | loss | mean_token_accuracy |\n|---|---|---|\n| 10 | 1.0000 | 0.5000 |\n" in card
    pytest.importorskip("vl_convert")
    assert (tmp_path / PICTURE).read_bytes().startswith(b"\x89PNG")
    assert f"![What TRL logged, over the steps]({PICTURE})" in card


def test_a_training_of_an_older_version_has_no_curves(tmp_path: Path) -> None:
    write_card(tmp_path, _info())
    assert not re.search("Curves|training_log", (tmp_path / CARD).read_text())


def _info() -> TrainInfo:
    lists = ("train_datasets", "train_styles", "arm", "method", "classifier", "num_fewshot", "specific")
    info: TrainInfo = {name: [] for name in lists}  # type: ignore[assignment]
    return info | {  # type: ignore[return-value]
        "base": "mini",
        "rows": 4,
        "supervised_tokens": 8,
        "how": "LoRA",
        "learning_rate": 0.1,
        "epochs": 1.0,
        "steps": 4,
        "batch": 1,
        "seed": 0,
        "loss": 0.5,
        "commit": "",
        "versions": {"faithful-se": "0"},
    }
