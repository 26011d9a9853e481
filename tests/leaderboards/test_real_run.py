"""The board reads what lm-eval and the tasks write: one real run, from the command line to the cards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from leaderboards.build import make_board

ROOT = Path(__file__).parents[2]


def test_a_real_run_becomes_a_board(real_data: Path, tmp_path: Path) -> None:
    words = ["-m", "faithful_se", "eval", "--model", "faithful-se-rules", "--tasks", "faithful_se_esnli_*_oneword"]
    words += ["--include_path", str(ROOT / "lm_eval_tasks" / "datasets"), "--apply_chat_template", "--limit", "20"]
    words += ["--metadata", f"data={real_data}", "controls=random+oracle"]
    words += ["--log_samples", "--output_path", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, *words], env=environment, check=True, timeout=300, capture_output=True)
    last_line = run.stderr.decode().splitlines()[-1]
    assert last_line == f"faithful-se: next: `faithful-se board {tmp_path} --out board` says what came out, on one page"
    board = make_board([tmp_path])[0]
    assert not board.skipped
    assert {task.id for task in board.tasks} == {
        f"esnli_{style}_oneword" for style in ("attribution", "redaction", "counterfactual", "simulation")
    }
    for cell in board.cells:
        assert cell.metrics["valid"].estimate == 1.0 and cell.metrics["plausibility_f1"].n > 0
        assert cell.metrics["ccf"].estimate == 1.0 or "counterfactual" in cell.task  # the rule names the best word
    # The rule knows itself. Its explanation is that of attribution, which alone counts in means.
    assert [task.style for task in board.tasks if task.is_variant] == ["simulation"]
    (simulated,) = (cell.metrics for cell in board.cells if "simulation" in cell.task)
    assert simulated["simulation_phi"].estimate == simulated["simulation_acc"].estimate == 1.0
    majority = simulated["simulation_majority"]
    assert majority.low < majority.estimate < majority.high < 1
    (limit,) = {task.limit for task in board.tasks}
    assert limit == 20 and len(board.documents) == 80
    for document in board.documents:
        words = [s for title in document.fields.values() for s in title if s.position is not None]
        (entry,) = document.entries
        assert [s.position for s in words] == list(range(len(words)))
        # A counterfactual's new word is tried at every position, also where it replaced a word that occurs twice.
        assert set(entry.effects) == set(range(len(words)))
        named = {word.casefold() for word in entry.words}
        assert {words[position].text.casefold() for position in entry.positions} == named
        if "attribution" in document.task and entry.faithful:
            assert any(entry.effects[position] for position in entry.positions)
    assert any(document.rationale for document in board.documents)
