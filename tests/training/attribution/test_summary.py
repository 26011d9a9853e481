"""The summary of a file of rows, counted by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_model import write_tiny_chat_model
from training.attribution.cli import main
from training.attribution.rows import summarize


def answered(
    label: str, gold: str | None, flips: bool | None = False, logprobs: tuple[float, float] = (0.5, 0.25)
) -> Any:
    """A row of a text with an answer, and the probabilities of "a" and "b"."""
    probabilities = {name: math.log(p) for name, p in zip("ab", logprobs, strict=True)}
    return {
        "problem": "", "flips": flips, "prediction": label, "gold": gold, "logprobs": probabilities, "options": {}
    }  # fmt: skip


def test_the_answers_and_why_nothing_can_be_learnt(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"

    def lines(rows: list[Any]) -> list[str]:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return [line.removeprefix(f"{path}: ") for line in summarize(path).split("\n")]

    first, second = lines([answered("a", gold) for gold in "ab" * 8])
    assert first == (
        '16 texts; answers "a" 16; accuracy .50, majority .50; the labels together hold 0.75 of the probability; '
        "without its top word the answer changes for 0 (0.0%, 0.0% to 19.4%)"
    )
    assert second == (
        'the model answers "a" for 16 of 16 texts (accuracy .50, majority .50): no explanation of such answers can be '
        "learnt or measured; use --classifier calibrated, --num-fewshot 4, or another model"
    )
    (line,) = lines([answered(gold, gold, flips=True) for gold in "aabb" * 4])
    assert line.startswith('16 texts; answers "a" 8, "b" 8; accuracy 1.00, majority .50; ')
    (line,) = lines([answered("a", "a", flips=True)] * 16)  # one gold label, but the answers change
    assert "accuracy 1.00, majority 1.00" in line
    # Nobody knows the right answers, and with other methods nobody asked for the answer without the top word.
    _, second = lines([answered("a", None, flips=None)] * 16)
    assert second.startswith('the model answers "a" for 16 of 16 texts (no gold labels): ')


def test_ties_are_counted_after_the_prior(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    rows = [answered("a", "a", True, (0.5, 0.5))] + [answered(label, label, True) for label in "ab" * 2]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    _, line = summarize(path, dtype="bfloat16").split("\n")
    assert line == (
        f"{path}: the two best labels tie in 1 of 5 answers (20.0%), and the first of them counts: bfloat16 rounds; "
        "use --dtype float32"
    )
    prior = {"a": math.log(0.5), "b": math.log(0.25)}  # now the four others tie
    assert "tie in 4 of 5 answers (80.0%)" in summarize(path, prior, "bfloat16")
    assert "does not tell them apart in float32; use other labels" in summarize(path, dtype="float32")


def test_a_constant_model_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A Llama whose last norm is 0 gives every word the same probability, so it has one answer for all texts."""
    import torch
    from transformers import LlamaForCausalLM

    texts = [f"i love the {noun}" for noun in ("sea", "rain", "shop", "walk", "city", "hill", "bus", "car")]
    folder = write_tiny_chat_model(tmp_path / "model", texts)
    model = LlamaForCausalLM.from_pretrained(folder)
    torch.nn.init.zeros_(model.model.norm.weight)
    model.save_pretrained(folder)
    data = tmp_path / "data" / "sentiment140" / "train.jsonl"
    data.parent.mkdir(parents=True)
    data.write_text("".join(json.dumps({"text": t, "sentiment": 4 * (n % 2)}) + "\n" for n, t in enumerate(texts)))
    arguments = ["--model", str(folder), "--tasks", "sentiment140", "--data", str(tmp_path / "data")]
    assert main([*arguments, "--out", str(tmp_path / "out"), "--method", "occlusion"]) == 0
    out = capsys.readouterr().out
    assert "for 8 of 8 texts (accuracy .50, majority .50): no explanation of such answers can be learnt" in out
    assert "without its top word the answer changes for 0" in out and "--num-fewshot 4" in out


def written(folder: Path, *rows: tuple[str, bool | None]) -> Path:
    path = folder / "texts.jsonl"
    contents: list[dict[str, Any]] = [{"problem": problem, "flips": flips} for problem, flips in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in contents))
    return path


@pytest.mark.parametrize(
    ("rows", "summary"),
    [
        # Wilson's interval of 3 of 4: 30.06 % to 95.44 %.
        (
            [("", True)] * 3 + [("", False)],
            "4 texts; without its top word the answer changes for 3 (75.0%, 30.1% to 95.4%)",
        ),
        # A text without attribution has no word that its answer depends on. It counts in the denominator: 2 of 4.
        (
            [("", True)] * 2 + [("", False), ("no words", None)],
            "4 texts; 1 without attribution; without its top word the answer changes for 2 (50.0%, 15.0% to 85.0%)",
        ),
        ([("", None)] * 3, "3 texts"),
        ([("", None), ("", True)], "2 texts"),
        ([("no words", None)], "1 text; 1 without attribution"),
    ],
)
def test_counted_by_hand(rows: list[tuple[str, bool | None]], summary: str, tmp_path: Path) -> None:
    path = written(tmp_path, *rows)
    assert summarize(path) == f"{path}: {summary}"
