"""--use_cache: a second run asks nothing, a killed run goes on, another model's answers are refused."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks.rule_models import RuleLM
from tests.lm_eval_tasks.recording import total
from tests.lm_eval_tasks.running import NINE, ONE, SHORT, TWEETS, load, scores
from tests.tiny_data import texts_of
from tests.tiny_model import write_tiny_chat_model


class TestCache:
    @pytest.mark.parametrize("classifier", ["generate", "loglikelihood"])
    def test_a_second_run_asks_nothing(self, evaluate, data, tmp_path, classifier):
        settings = {"use_cache": str(tmp_path / "cache")}
        first, second = RuleLM("honest"), RuleLM("honest")
        before = evaluate(first, data, NINE, 4, settings, classifier=classifier)
        after = evaluate(second, data, NINE, 4, settings, classifier=classifier)
        assert total(first) > 0
        assert total(second) == 0
        assert scores(after) == scores(before)
        plain = evaluate(RuleLM("honest"), data, NINE, 4, classifier=classifier)
        assert scores(plain) == scores(before)

    def test_a_second_run_of_a_local_model_asks_nothing(self, evaluate, data, tiny, tmp_path, monkeypatch):
        settings = {"use_cache": str(tmp_path / "cache"), **SHORT}
        before = evaluate(load(tiny), data, TWEETS, 3, settings, classifier="loglikelihood")
        second = load(tiny)

        def forbidden(*args: Any, **kwargs: Any) -> None:
            raise AssertionError("the model was called")

        monkeypatch.setattr(second, "_model_generate", forbidden)
        monkeypatch.setattr(second, "_model_call", forbidden)
        after = evaluate(second, data, TWEETS, 3, settings, classifier="loglikelihood")
        assert scores(after) == scores(before)
        with pytest.raises(AssertionError, match="the model was called"):
            evaluate(second, data, TWEETS, 4, settings, classifier="loglikelihood")

    def test_another_rule_is_refused(self, evaluate, data, tmp_path):
        settings = {"use_cache": str(tmp_path / "cache")}
        evaluate(RuleLM("honest"), data, ONE, 2, settings)
        with pytest.raises(UsageError, match="written by another model") as refusal:
            evaluate(RuleLM("honest", h=0.5), data, ONE, 2, settings)
        assert "\n" not in str(refusal.value)
        assert "give another path" in str(refusal.value)

    def test_other_weights_in_the_same_folder_are_refused(self, evaluate, data, tiny, tmp_path):
        from transformers import AutoModelForCausalLM

        folder = write_tiny_chat_model(tmp_path / "model", texts_of(data))
        settings = {"use_cache": str(tmp_path / "cache"), **SHORT}
        evaluate(load(folder), data, ONE, 2, settings)
        model = AutoModelForCausalLM.from_pretrained(folder)
        last = list(model.parameters())[-1]
        last.data += 0.01  # one training step away
        model.save_pretrained(folder)
        with pytest.raises(UsageError, match="written by another model"):
            evaluate(load(folder), data, ONE, 2, settings)
        # The same weights elsewhere are the same model.
        evaluate(load(tiny), data, ONE, 2, settings)

    def test_a_killed_run_goes_on(self, evaluate, data, tmp_path):
        undisturbed = RuleLM("honest")
        expected = evaluate(undisturbed, data, NINE, 6)
        child = subprocess.Popen(
            [sys.executable, "-c", SLOW_RUN, str(data), str(tmp_path / "cache"), NINE],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        try:
            for _ in range(total(undisturbed) // 2):
                assert child.stdout.readline() == "answered\n"
        finally:
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
        kept = cached(tmp_path / "cache_rank0.db")
        assert 0 < kept < total(undisturbed)
        second = RuleLM("honest")
        resumed = evaluate(second, data, NINE, 6, {"use_cache": str(tmp_path / "cache")})
        assert total(second) + kept == total(undisturbed)
        assert scores(resumed) == scores(expected)


# One answer at a time, slowly, said aloud: a run that can be killed midway.
SLOW_RUN = """
import sys, time
from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager
from lm_eval_tasks import DATASETS
from lm_eval_tasks.rule_models import RuleLM
answer = RuleLM.generate_until
def slowly(self, requests, disable_tqdm=False):
    answers = []
    for request in requests:
        answers += answer(self, [request])
        print("answered", flush=True)
        time.sleep(0.01)
    return answers
RuleLM.generate_until = slowly
manager = TaskManager(include_defaults=False, include_path=str(DATASETS), metadata={"data": sys.argv[1]})
simple_evaluate(RuleLM("honest"), tasks=manager.match_tasks(sys.argv[3].split(",")), task_manager=manager,
                apply_chat_template=True, use_cache=sys.argv[2], limit=6)
"""


def cached(path: Path) -> int:
    """Answers in a cache, the model's stamp apart."""
    with sqlite3.connect(path) as database:
        return int(database.execute("select count(*) from unnamed where key != 'faithful_se_model'").fetchone()[0])
