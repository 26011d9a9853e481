"""Two processes measure what one measures, and neither waits for the other for ever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lm_eval_tasks.models import RuleLM
from tests.tiny_data import write_data

pytest.importorskip("torch")
TASKS = "faithful_se_sentiment140_*,faithful_se_snli_attribution_multiword"


def launch(data: Path, out: Path, classifier: str, limit: int) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    script = [str(Path(__file__).with_name("two_processes.py")), str(data), str(out), classifier, str(limit)]
    return subprocess.run([*torchrun, *script], env=environment, capture_output=True, text=True, timeout=150)


@pytest.mark.parametrize("classifier", ["generate", "loglikelihood"])
def test_two_processes_agree_with_one(evaluate, tmp_path, classifier):
    """Five documents: three for one process, two for the other, one of which is over after the first question."""
    data = write_data(tmp_path / "data", 5)
    tweets = data / "sentiment140" / "test.jsonl"
    rows = [json.loads(line) for line in tweets.read_text().splitlines()]
    rows[3]["text"] = "?!"
    tweets.write_text("".join(json.dumps(row) + "\n" for row in rows))

    done = launch(data, tmp_path, classifier, 0)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in (0, 1))
    assert first["batches"] == second["batches"]
    assert "results" not in second
    if classifier == "loglikelihood":  # the oracle of several words asks on and on
        assert len(first["batches"]) > 3

    alone = evaluate(RuleLM("honest", h=0.5), data, TASKS, classifier=classifier, controls="all")
    assert set(alone["results"]) == set(first["results"])
    for task, values in alone["results"].items():
        for key, value in values.items():
            assert same(first["results"][task][key], value), (task, key)
        transcripts = {row["doc_id"]: row["resps"][0][0] for row in alone["samples"][task]}
        assert sorted(number for number, _ in first["samples"][task]) == [0, 1, 2, 3, 4]
        # lm-eval pads the shorter process with copies of its last request, so a document may have answers to spare.
        assert {number: answers[0][0] for number, answers in first["samples"][task]} == transcripts


def same(one: Any, other: Any) -> bool:
    """Equal; floats as sums in another order are."""
    return one == pytest.approx(other, nan_ok=True) if isinstance(one, float) else bool(one == other)


def test_fewer_documents_than_processes(tmp_path):
    done = launch(write_data(tmp_path / "data", 3), tmp_path, "generate", 1)
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if "fewer documents (1) than processes (2)" in line]
    assert said, done.stderr[-3000:]
