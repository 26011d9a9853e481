"""TRL's preference trainer on a tiny model: the loss by hand, resuming after a kill, card, errors."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from faithful_se.errors import UsageError
from faithful_se.train_info import read_card_block
from leaderboards.checkpoints.train_info import read
from tests.training.dpo.tiny_pairs import PAIR_ROWS, write_tiny_pairs
from tests.training.sft.tiny_rows import arguments, write_rows
from training.build.options import BuildOptions
from training.dpo.cli import main
from training.sft.cli import main as sft
from training.trainer.card import make_train_info
from training.trainer.rows import PAIRS, read_training_rows
from training.trainer.supervision import check_supervision

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

# Of the training below, as `check_supervision` saw them.
LABELS: list[list[int]] = []


def write_build(folder: Path, arm: str) -> Path:
    """A finished folder of `faithful-se build --pairs`."""
    folder.mkdir()
    write_rows(folder / "train.jsonl", PAIR_ROWS)
    attributions = {"model": "m", "method": "occlusion", "dtype": "float32"}
    options = BuildOptions(pairs=True, arm=arm).resolved("generate").as_dict()
    build = {"attributions": attributions, "datasets": ["snli"], "options": options, "rows": len(PAIR_ROWS)}
    (folder / "manifest.json").write_text(json.dumps(build))
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, pairs and a training on them."""
    folder = tmp_path_factory.mktemp("dpo")
    write_tiny_pairs(folder)
    write_build(folder / "pairs", "word")

    def record(labels: Any, *others: Any) -> int:
        LABELS.extend(labels)
        return check_supervision(labels, *others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.dpo.run.check_supervision", record)
        assert main(again(folder, folder / "out")) == 0
    return folder


def again(folder: Path, out: Path, *more: str) -> list[str]:
    return arguments(folder / "model", folder / "pairs", out, *more)


def log_of(out: Path) -> list[dict[str, Any]]:
    state = json.loads((out / "checkpoint-4" / "trainer_state.json").read_text())
    return [entry for entry in state["log_history"] if "loss" in entry]


def test_the_first_loss_is_that_of_a_coin_and_the_preference_is_learnt(trained: Path) -> None:
    """Before the first step policy and reference are equal, so the loss is -log sigmoid(0)."""
    first, *_, last = log_of(trained / "out")
    assert first["loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert first["rewards/margins"] == pytest.approx(0, abs=1e-6)
    assert last["loss"] < first["loss"] and last["rewards/margins"] > 0


def test_card_and_train_info_say_what_was_preferred(trained: Path, tmp_path: Path) -> None:
    info = json.loads((trained / "out" / "train_info.json").read_text())
    assert (info["arm"], info["trainer"]) == (["dpo"], "dpo")
    assert info["trainer_options"] == {"beta": 0.1, "loss_type": ["sigmoid"]}
    assert (info["rows"], info["steps"], info["replay"], info["own_rows"]) == (16, 4, [0.0], False)
    card = (trained / "out" / "README.md").read_text()
    assert "trained with TRL's `DPOTrainer`" in card and "| beta | 0.1 |\n| loss_type | sigmoid |" in card
    assert read_card_block(trained / "out" / "README.md") == info
    training = read(trained / "out" / "train_info.json")
    assert (training.arm, training.trainer, training.control) == ("dpo", "dpo", False)
    _, sources = read_training_rows(str(write_build(tmp_path / "pairs", "random")), PAIRS)
    settings = json.loads((trained / "out" / "dpo.json").read_text())
    step = {"train_batch_size": 1, "gradient_accumulation_steps": 1, "world_size": 1}
    trainer: Any = SimpleNamespace(state=SimpleNamespace(global_step=4, epoch=1), args=SimpleNamespace(**step))
    unknown: Any = {"base_fingerprint": None, "rows_fingerprint": [], "own_rows": None}
    control = make_train_info(trainer, settings, sources, unknown, 8, None, method="dpo", method_options={})
    (tmp_path / "train_info.json").write_text(json.dumps(control))
    training = read(tmp_path / "train_info.json")
    assert (training.arm, training.trainer, training.control) == ("random", "dpo", True)


def test_exactly_both_explanations_and_the_ends_of_their_turns_have_a_loss(trained: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(trained / "model")
    supervised = [tokenizer.decode([token for token in labels if token != -100]) for labels in LABELS]
    chosen = [row["chosen"][0]["content"] for row in PAIR_ROWS]
    assert supervised == [f"{word}<|end|>\n" for word in [*chosen, *["day"] * 16]]


def test_killed_after_a_checkpoint_it_ends_with_the_same_files(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(trained / "out" / "checkpoint-2", out / "checkpoint-2")
    shutil.copy(trained / "out" / "dpo.json", out)
    assert main(again(trained, out)) == 0
    for path in (trained / "out").iterdir():
        if path.is_file() and path.name not in ("training_args.bin", ".lock"):
            expected = path.read_bytes().replace(str(trained / "out").encode(), str(out).encode())
            assert (out / path.name).read_bytes() == expected, path.name


def test_rows_and_folders_of_the_other_command_are_one_line(trained: Path, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl")
    with pytest.raises(UsageError, match=r"rows.jsonl: line 1 is a row for faithful-se sft: give it to that command"):
        main(arguments(trained / "model", rows, tmp_path / "out"))
    with pytest.raises(UsageError, match=r"train.jsonl: line 1 is a row for faithful-se dpo: give it to that command"):
        sft(again(trained, tmp_path / "out"))
    with pytest.raises(UsageError, match=r"out holds adapter_config.json and no sft.json: give another --output_dir"):
        sft(arguments(trained / "model", rows, trained / "out"))
    with pytest.raises(UsageError, match="give --data"):
        main(["--output_dir", str(tmp_path / "out")])
    half = write_rows(tmp_path / "half.jsonl", [{**PAIR_ROWS[0], "rejected": []}])
    with pytest.raises(UsageError, match="line 1 is no row of messages under prompt, chosen and rejected: give what"):
        read_training_rows(str(half), PAIRS)
    with pytest.raises(UsageError, match="no token with a loss"):
        main(again(trained, tmp_path / "out", "--max_length", "8"))
    with pytest.raises(UsageError, match=r"begun with beta = 0\.1, now 0\.5"):
        main(again(trained, trained / "out", "--beta", "0.5"))
