"""Two processes give the numbers of one, and neither waits for ever for the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lm_eval_tasks.rule_models import RuleLM
from tests.tiny_data import texts_of, write_data
from tests.tiny_model import write_tiny_chat_model

pytest.importorskip("torch")
TASKS = "faithful_se_sentiment140_*,faithful_se_snli_attribution_multiword"


def launch(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[2])
    paths = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths, "ACCELERATE_USE_CPU": "true"}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command = [*torchrun, str(Path(__file__).with_name(script)), *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=150)


@pytest.mark.parametrize("classifier", ["generate", "loglikelihood"])
def test_two_processes_agree_with_one(evaluate, tmp_path, classifier):
    """Five documents: three for one process, two for the other, one of which ends after the first call."""
    data = write_data(tmp_path / "data", 5)
    tweets = data / "sentiment140" / "test.jsonl"
    rows = [json.loads(line) for line in tweets.read_text().splitlines()]
    rows[3]["text"] = "?!"
    tweets.write_text("".join(json.dumps(row) + "\n" for row in rows))

    done = launch("two_processes.py", data, tmp_path, classifier, 0)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in (0, 1))
    assert first["batches"] == second["batches"]
    assert "results" not in second
    if classifier == "loglikelihood":  # the oracle of several words needs more rounds
        assert len(first["batches"]) > 3

    single = evaluate(RuleLM("honest", h=0.5), data, TASKS, classifier=classifier, controls="all")
    assert set(single["results"]) == set(first["results"])
    for task, values in single["results"].items():
        for key, value in values.items():
            assert same(first["results"][task][key], value), (task, key)
        transcripts = {row["doc_id"]: row["resps"][0][0] for row in single["samples"][task]}
        assert sorted(number for number, _ in first["samples"][task]) == [0, 1, 2, 3, 4]
        # lm-eval pads the shorter process with copies of its last request, so a document may have further answers.
        assert {number: answers[0][0] for number, answers in first["samples"][task]} == transcripts


def same(value: Any, other: Any) -> bool:
    """Whether two values are equal; floats may be sums in different orders."""
    return value == pytest.approx(other, nan_ok=True) if isinstance(value, float) else bool(value == other)


def test_fewer_documents_than_processes(tmp_path):
    """Each process ends with one line and status 2; torchrun adds a report of its own."""
    done = launch("two_processes.py", write_data(tmp_path / "data", 3), tmp_path, "generate", 1)
    assert done.returncode != 0
    line = "faithful-se: faithful_se_sentiment140_attribution_multiword: fewer documents (1) than processes (2)"
    assert line in done.stderr.splitlines(), done.stderr[-3000:]
    assert "exitcode  : 2" in done.stderr
    assert "UsageError" not in done.stderr


def test_each_process_has_its_own_cache_and_they_may_differ(tmp_path):
    """A killed run leaves one cache with more answers than the other. lm-eval's own tasks would wait for ever."""
    pytest.importorskip("accelerate")
    data = write_data(tmp_path / "data", 5)
    model = write_tiny_chat_model(tmp_path / "model", texts_of(data), context=512)
    done = launch("two_caches.py", model, data, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in (0, 1))
    assert len(first) == 7
    for state, outcome in first.items():
        assert outcome["calls"] == second[state]["calls"], state
        assert outcome["schedule"] == 4
        for task, values in first["no cache"]["results"].items():
            for key, value in values.items():
                assert same(outcome["results"][task][key], value), (state, task, key)
    requests = {state: sum(count for _, count in outcome["calls"]) for state, outcome in first.items()}
    assert requests.pop("full") == 0
    assert all(requests.values())
