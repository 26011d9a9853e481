"""A server of another package: `transformers serve`, called by the real command line as a user calls it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks import DATASETS
from tests.tiny_data import texts_of, write_data
from tests.tiny_model import write_tiny_chat_model

for needed in ("fastapi", "uvicorn", "openai", "tenacity"):  # transformers[serving], lm_eval[api]
    pytest.importorskip(needed)

TASK = "faithful_se_sentiment140_attribution_oneword"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), 3)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    return write_tiny_chat_model(tmp_path_factory.mktemp("tiny"), texts_of(data))


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = model / "server.log"
    command = ["transformers", "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    environment = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    with log.open("w") as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment, start_new_session=True)
    try:
        for _ in range(90):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2)
                break
            except OSError:
                assert child.poll() is None, log.read_text()[-2000:]
                time.sleep(1)
        else:
            pytest.fail(f"no server after 90 s: {log.read_text()[-2000:]}")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(child.pid, signal.SIGTERM)
        child.wait(20)


def test_chat_completions_from_the_command_line(server, model, data, tmp_path):
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "local-chat-completions", "--model_args",
               f"model={model},base_url={server}/chat/completions,num_concurrent=2", "--apply_chat_template",
               "--tasks", TASK, "--include_path", str(DATASETS), "--metadata", f"data={data}", "--limit", "3",
               "--log_samples", "--output_path", str(tmp_path / "out")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "faithful-se: 3 explanations took" in done.stderr
    (samples,) = (tmp_path / "out").rglob("samples_*.jsonl")
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    assert [row["doc_id"] for row in rows] == [0, 1, 2]
    # The model is random, so its answers are no labels. The transcript records them as they are.
    assert [json.loads(row["resps"][0][0])["prediction"]["answer"] for row in rows] == answers_of(model, rows)
    (results,) = (tmp_path / "out").rglob("results_*.json")
    assert json.loads(results.read_text())["results"][TASK]["faithful,none"] == 0.0


def answers_of(folder: Path, rows: list[dict[str, Any]]) -> list[str]:
    """The model's answers to the recorded conversations, without any server."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    answers = []
    for row in rows:
        messages = json.loads(row["resps"][0][0])["prediction"]["messages"]
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        tokens = tokenizer(text, return_tensors="pt", add_special_tokens=False).input_ids
        out = model.generate(tokens, max_new_tokens=16, do_sample=False)
        answers.append(tokenizer.decode(out[0, tokens.shape[1] :], skip_special_tokens=True))
    return answers


def completions(server: str, model: Path) -> Any:
    from lm_eval.models.openai_completions import LocalCompletionsAPI

    return LocalCompletionsAPI(
        base_url=f"{server}/completions",
        model=str(model),
        tokenizer_backend=None,
        tokenized_requests=False,
        max_retries=1,
    )


def test_completions(server, model, data, evaluate):
    results = evaluate(completions(server, model), data, TASK, 2, {"apply_chat_template": False})
    transcripts = [json.loads(row["resps"][0][0]) for row in results["samples"][TASK]]
    assert all(isinstance(transcript["prediction"]["answer"], str) for transcript in transcripts)
    assert results["results"][TASK]["sample_len"] == 2


def test_a_server_without_log_probabilities(server, model, data, evaluate):
    from lm_eval.models.openai_completions import LocalCompletionsAPI

    lm = LocalCompletionsAPI(
        base_url=f"{server}/completions", model=str(model), tokenized_requests=False, max_retries=1
    )
    with pytest.raises(UsageError, match="returns no log-probabilities: use --metadata classifier=generate"):
        evaluate(lm, data, TASK, 1, {"apply_chat_template": False}, classifier="loglikelihood")
