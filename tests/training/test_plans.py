"""`--plan` of `attribute` and `build`: what is asked, and that nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.training.attribution import tiny_models as tiny
from tests.training.build.rule_model import TEXTS, Recorder, attributions
from training.attribution.cli import main
from training.build.backend import Responder
from training.build.options import BuildOptions
from training.build.plan import plan_build
from training.build.run import build


def test_an_attribution(tmp_path: Path, capsys: Any) -> None:
    fast = tiny.tokenizer()
    model = tiny.save(tmp_path / "model", tiny.random_model("llama", len(fast)), fast)
    (tmp_path / "rows.jsonl").write_text('{"text": "a lovely lovely day"}\n{"text": "coffee"}\n')
    words = ["--model", str(model), "--file", str(tmp_path / "rows.jsonl"), "--labels", "good", "bad"]
    assert main([*words, "--out", str(tmp_path / "out"), "--plan"]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| rows ")]
    assert row.startswith("| rows | 2 | 6 | ")  # each text, and each without one of its different words
    assert not (tmp_path / "out").exists()


def test_a_build_of_few_texts_is_planned_exactly(tmp_path: Path) -> None:
    recorder, source = Recorder(), attributions(tmp_path, TEXTS)
    build(source, recorder, tmp_path / "out", BuildOptions())
    asked = len(recorder.calls)

    def count(calls: Any, answers: Any) -> tuple[int, int]:
        return 7 * len(calls), len(answers)

    responder = Responder(Recorder(), {}, count)
    _, _, row, note, *_ = plan_build(source, responder, BuildOptions())
    assert row.startswith(f"| sentiment140 | 6 | {asked} | {7 * asked} | {asked} | ")
    assert "up to 48 texts" in note
