"""Every switch of lm-eval's command line works, or one line says why it does not."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lm_eval.utils import warning_once

from lm_eval_tasks import DATASETS, LOGGER
from lm_eval_tasks.rule_models import RuleLM
from tests.lm_eval_tasks.evaluations import NINE_TASKS, SHORT_ANSWERS, TASK, TWEET_TASKS, load_model, scores
from tests.lm_eval_tasks.recording_lm import total


class TestSwitches:
    def test_limit(self, evaluate, data):
        results = evaluate(RuleLM(), data, NINE_TASKS, 2)
        assert {len(rows) for rows in results["samples"].values()} == {2}

    def test_samples(self, evaluate, data):
        results = evaluate(RuleLM(), data, TASK, None, {"samples": {TASK: [1, 4]}})
        assert [row["doc_id"] for row in results["samples"][TASK]] == [1, 4]
        everything = evaluate(RuleLM(), data, TASK)["samples"][TASK]
        assert [row["doc_hash"] for row in results["samples"][TASK]] == [everything[i]["doc_hash"] for i in (1, 4)]

    @pytest.mark.parametrize("tasks", [NINE_TASKS, "faithful_se"])
    def test_predict_only(self, evaluate, data, tasks):
        lm = RuleLM()
        results = evaluate(lm, data, tasks, 2, {"predict_only": True})
        assert total(lm) > 0
        for row in results["samples"][TASK]:
            assert row["metrics"] == ["bypass"]
            assert json.loads(row["resps"][0][0])["explanation"]["valid"]

    def test_without_samples(self, evaluate, data):
        results = evaluate(RuleLM(), data, TASK, 2, {"log_samples": False})
        assert "samples" not in results
        assert results["results"][TASK]["valid,none"] == 1.0

    def test_seed_does_not_change_greedy_answers(self, evaluate, data, tiny):
        runs = [
            evaluate(
                load_model(tiny),
                data,
                TASK,
                2,
                {"random_seed": s, "torch_random_seed": s, **SHORT_ANSWERS},
                classifier="loglikelihood",
            )
            for s in (1, 2)
        ]
        assert scores(runs[0]) == scores(runs[1])

    def test_cache_requests_is_ignored_with_one_line(self, evaluate, data, caplog):
        warning_once.cache_clear()
        with caplog.at_level(logging.WARNING, logger=LOGGER):
            evaluate(RuleLM(), data, TWEET_TASKS, 1, {"cache_requests": True})
        (message,) = [message for message in caplog.messages if "--cache_requests" in message]
        assert "is not used" in message


class TestCommandLine:
    """The real command, in three processes at the same time: each needs ten seconds to find lm-eval's own tasks."""

    @pytest.fixture(scope="class")
    def runs(
        self, data: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> dict[str, tuple[int, str, Path]]:
        out = tmp_path_factory.mktemp("out")
        common = ["--tasks", TASK, "--include_path", str(DATASETS)]
        local = ["--model", "hf", "--model_args", f"pretrained={tiny}", "--device", "cpu", "--apply_chat_template"]
        options = ["--metadata", f"data={data}", "classifier=loglikelihood"]
        commands = {
            "everything": [
                *local, *common, *options[:-1], "classifier=calibrated",
                "--limit", "3", "--gen_kwargs", "max_gen_toks=8", "--write_out",
                "--log_samples", "--num_fewshot", "3", "--cache_requests", "true", "--seed", "7",
                "--batch_size", "auto", "--use_cache", str(out / "cache"), "--system_instruction", "Be brief.",
            ],
            "predictions": [
                *local, *common, *options, "--gen_kwargs", "max_gen_toks=8", "--predict_only",
                "--samples", json.dumps({TASK: [0, 5]}),
            ],
            "chat api": [
                "--model", "local-chat-completions", "--limit", "1", *common, "--metadata", f"data={data}",
                "--model_args", "model=nobody,base_url=http://127.0.0.1:9/v1/chat/completions,max_retries=1",
            ],
        }  # fmt: skip
        children = {}
        for name, command in commands.items():
            log = (out / f"{name}.log").open("w")
            line = [sys.executable, "-m", "lm_eval", "run", *command, "--output_path", str(out / name)]
            children[name] = subprocess.Popen(line, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 240
        try:
            codes = {name: child.wait(max(1, deadline - time.monotonic())) for name, child in children.items()}
        finally:
            for child in children.values():
                child.kill()
        return {name: (code, (out / f"{name}.log").read_text(), out / name) for name, code in codes.items()}

    def test_everything_at_once(self, runs):
        code, log, out = runs["everything"]
        assert code == 0, log[-3000:]
        assert log.count("--cache_requests is not used") == 1
        assert "context prompt (starting on next line)" in log
        assert "faithful-se: 3 explanations took" in log
        (path,) = out.rglob("results_*.json")
        results = json.loads(path.read_text())
        assert results["n-samples"][TASK]["effective"] == 3
        assert results["n-shot"][TASK] == 3
        assert set(results["results"][TASK]) >= {"faithful,none", "valid,none", "acc,none", "lift,none"}
        declared = results["configs"][TASK]["metadata"]["faithful_se"]
        assert (declared["classifier"], declared["controls"]) == ("calibrated", ["random"])
        assert (declared["num_fewshot"], declared["fewshot_seed"]) == (3, 7)
        assert set(results["configs"][TASK]["metadata"]["label_prior"]) == {"negative", "positive"}
        (samples,) = out.rglob("samples_*.jsonl")
        rows = [json.loads(line) for line in samples.read_text().splitlines()]
        assert [row["doc_id"] for row in rows] == [0, 1, 2]
        for row in rows:
            transcript = json.loads(row["resps"][0][0])
            assert transcript["prediction"]["messages"][0] == {"role": "system", "content": "Be brief."}
            roles = [message["role"] for message in transcript["prediction"]["messages"]]
            assert roles == ["system", *["user", "assistant"] * 3, "user"]
            assert transcript["prediction"]["label"] in ("negative", "positive")

    def test_predictions_of_some_documents(self, runs):
        code, log, out = runs["predictions"]
        assert code == 0, log[-3000:]
        (samples,) = out.rglob("samples_*.jsonl")
        rows = [json.loads(line) for line in samples.read_text().splitlines()]
        assert [row["doc_id"] for row in rows] == [0, 5]
        assert all(row["metrics"] == ["bypass"] for row in rows)

    def test_an_error_is_one_line(self, runs):
        code, log, _ = runs["chat api"]
        assert code == 2
        assert "Traceback" not in log
        line = "faithful-se: this model is a chat API and takes messages only: add --apply_chat_template"
        assert log.splitlines().count(line) == 1
