"""--use_cache: a repeated run makes no calls, a killed run resumes, another model's cache is refused."""

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
from tests.lm_eval_tasks.evaluations import NINE_TASKS, SHORT_ANSWERS, TASK, TWEET_TASKS, load_model, scores
from tests.lm_eval_tasks.recording_lm import total
from tests.tiny_data import texts_of
from tests.tiny_model import write_tiny_chat_model


class TestCache:
    @pytest.mark.parametrize("classifier", ["generate", "loglikelihood"])
    def test_a_repeated_run_makes_no_calls(self, evaluate, data, tmp_path, classifier):
        settings = {"use_cache": str(tmp_path / "cache")}
        first, second = RuleLM("honest"), RuleLM("honest")
        first_results = evaluate(first, data, NINE_TASKS, 4, settings, classifier=classifier)
        second_results = evaluate(second, data, NINE_TASKS, 4, settings, classifier=classifier)
        assert total(first) > 0
        assert total(second) == 0
        assert scores(second_results) == scores(first_results)
        uncached = evaluate(RuleLM("honest"), data, NINE_TASKS, 4, classifier=classifier)
        assert scores(uncached) == scores(first_results)

    def test_a_repeated_run_of_a_local_model_makes_no_calls(self, evaluate, data, tiny, tmp_path, monkeypatch):
        settings = {"use_cache": str(tmp_path / "cache"), **SHORT_ANSWERS}
        first_results = evaluate(load_model(tiny), data, TWEET_TASKS, 3, settings, classifier="loglikelihood")
        second = load_model(tiny)

        def forbidden(*args: Any, **kwargs: Any) -> None:
            raise AssertionError("the model was called")

        monkeypatch.setattr(second, "_model_generate", forbidden)
        monkeypatch.setattr(second, "_model_call", forbidden)
        second_results = evaluate(second, data, TWEET_TASKS, 3, settings, classifier="loglikelihood")
        assert scores(second_results) == scores(first_results)
        with pytest.raises(AssertionError, match="the model was called"):
            evaluate(second, data, TWEET_TASKS, 4, settings, classifier="loglikelihood")

    def test_another_rule_is_refused(self, evaluate, data, tmp_path):
        settings = {"use_cache": str(tmp_path / "cache")}
        evaluate(RuleLM("honest"), data, TASK, 2, settings)
        with pytest.raises(UsageError, match="written by another model") as refusal:
            evaluate(RuleLM("honest", h=0.5), data, TASK, 2, settings)
        assert "\n" not in str(refusal.value)
        assert "give another path" in str(refusal.value)

    def test_one_cache_serves_all_that_the_prompt_holds(self, evaluate, data, tmp_path):
        cache = {"use_cache": str(tmp_path / "cache")}
        evaluate(RuleLM("honest"), data, TASK, 2, cache)
        for options, extra in (
            ({"operator": "delete"}, {}),
            ({"operator": "substitute"}, {}),
            ({"mask": "___"}, {}),
            ({"context": "fresh"}, {}),
            ({}, {"system_instruction": "Be brief."}),
        ):
            changed = RuleLM("honest")
            cached = evaluate(changed, data, TASK, 2, {**cache, **extra}, **options)
            uncached = evaluate(RuleLM("honest"), data, TASK, 2, extra, **options)
            assert total(changed) > 0
            answers, expected = ([row["resps"] for row in run["samples"][TASK]] for run in (cached, uncached))
            assert answers == expected and scores(cached) == scores(uncached)

    def test_other_weights_in_the_same_folder_are_refused(self, evaluate, data, tiny, tmp_path):
        from transformers import AutoModelForCausalLM

        folder = write_tiny_chat_model(tmp_path / "model", texts_of(data))
        settings = {"use_cache": str(tmp_path / "cache"), **SHORT_ANSWERS}
        evaluate(load_model(folder), data, TASK, 2, settings)
        model = AutoModelForCausalLM.from_pretrained(folder)
        last = list(model.parameters())[-1]
        last.data += 0.01  # one training step away
        model.save_pretrained(folder)
        with pytest.raises(UsageError, match="written by another model"):
            evaluate(load_model(folder), data, TASK, 2, settings)
        # The same weights elsewhere are the same model.
        evaluate(load_model(tiny), data, TASK, 2, settings)

    def test_a_killed_run_resumes(self, evaluate, data, tmp_path):
        undisturbed = RuleLM("honest")
        expected = evaluate(undisturbed, data, NINE_TASKS, 6)
        child = subprocess.Popen(
            [sys.executable, "-c", SLOW_RUN, str(data), str(tmp_path / "cache"), NINE_TASKS],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        try:
            for _ in range(total(undisturbed) // 2):
                assert child.stdout.readline() == "answered\n"
        finally:
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
        stored = count_answers(tmp_path / "cache_rank0.db")
        assert 0 < stored < total(undisturbed)
        second = RuleLM("honest")
        resumed = evaluate(second, data, NINE_TASKS, 6, {"use_cache": str(tmp_path / "cache")})
        assert total(second) + stored == total(undisturbed)
        assert scores(resumed) == scores(expected)


# A run that can be killed midway: one answer at a time, slowly, with a line of output for each.
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


def count_answers(path: Path) -> int:
    """Answers in a cache, without the model's stamp."""
    with sqlite3.connect(path) as database:
        return int(database.execute("select count(*) from unnamed where key != 'faithful_se_model'").fetchone()[0])
