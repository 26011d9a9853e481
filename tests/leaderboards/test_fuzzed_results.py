"""Whatever is wrong with files that lm-eval wrote: a board is made of the rest, and one line says what was left out.

A thousand each: pytest --hypothesis-profile=explore tests/leaderboards/test_fuzzed_results.py
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lm_eval.loggers import EvaluationTracker

import lm_eval_tasks.rule_models  # noqa: F401  registers faithful-se-rules
from leaderboards import cli, compare_cli
from tests.lm_eval_tasks.fuzz import examples, refused_in_one_line, without_hanging
from tests.spoiled_files import spoiled, spoiled_json
from tests.tiny_data import write_data

TASKS = "faithful_se_sentiment140_attribution_oneword,faithful_se_snli_counterfactual_oneword"


@pytest.fixture(scope="module")
def real(evaluate, tmp_path_factory) -> Path:
    """What lm-eval wrote for two models: `good` and `bad`."""
    data, out = write_data(tmp_path_factory.mktemp("data"), 3), tmp_path_factory.mktemp("real")
    for name, h in (("good", 1.0), ("bad", 0.5)):
        tracker = EvaluationTracker(output_path=str(out / name))
        options = {"evaluation_tracker": tracker, "model_args": {"h": h}}
        results = evaluate("faithful-se-rules", data, TASKS, 3, options, controls="random+oracle")
        samples = results.pop("samples")
        tracker.save_results_aggregated(results=results, samples=samples)
        for task, rows in samples.items():
            tracker.save_results_samples(task_name=task, samples=rows)
    return out


@pytest.fixture(autouse=True)
def quick_pictures(monkeypatch):
    monkeypatch.setattr("leaderboards.tables.table_png.table_png", lambda board: b"png")
    monkeypatch.setattr("leaderboards.page.render.dot_plots", lambda board: [])


def damage(data: st.DataObject, path: Path) -> None:
    """Damage a file of results or samples: its bytes, a value at any depth, or a transcript in it."""
    content = path.read_bytes()
    kind = data.draw(st.sampled_from(["bytes", "json", "transcript"]))
    if kind == "bytes":
        path.write_bytes(data.draw(spoiled(content)))
    elif path.suffix == ".json":
        path.write_text(json.dumps(data.draw(spoiled_json(json.loads(content)))))
    else:
        rows = [json.loads(line) for line in content.splitlines()]
        number = data.draw(st.integers(0, len(rows) - 1))
        if kind == "json":
            rows[number] = data.draw(spoiled_json(rows[number]))
        else:
            transcript = json.dumps(data.draw(spoiled_json(json.loads(rows[number]["filtered_resps"][0]))))
            rows[number] |= {"filtered_resps": [transcript], "resps": [[transcript]]}
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@examples(4)
@given(st.data())
def test_a_board_is_made_of_the_rest(real, tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("spoiled")
    shutil.copytree(real, folder / "results")
    files = sorted((folder / "results" / "bad").rglob("*.json*"))
    for path in data.draw(st.lists(st.sampled_from(files), min_size=1, max_size=2, unique=True)):
        damage(data, path)
    with without_hanging():
        assert cli.main([str(folder / "results"), "--out", str(folder / "board"), "--draws", "100"]) == 0
    board = json.loads((folder / "board" / "board.json").read_text())
    assert any("h=1.0" in checkpoint["arguments"] for checkpoint in board["checkpoints"])
    assert all("\n" not in skipped["reason"] for skipped in board["skipped"])


@examples(10)
@given(st.data())
def test_it_is_checked_and_compared(real, tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("spoiled")
    shutil.copytree(real, folder, dirs_exist_ok=True)
    damage(data, data.draw(st.sampled_from(sorted((folder / "bad").rglob("*.json*")))))
    for command, words in (
        (cli.main, ["--check", folder / "bad"]),
        (compare_cli.main, [folder / "good", folder / "bad"]),
    ):
        with refused_in_one_line():
            command(list(map(str, words)))
