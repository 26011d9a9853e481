"""The folder of docs/own_data.md, written as the page says, is evaluated."""

from __future__ import annotations

import re

from lm_eval import simple_evaluate
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

from lm_eval_tasks.rule_models import RuleLM
from tests.test_house import ROOT


class GoodLM(LM):
    """Answers every question with "good"."""

    tokenizer_name = "good"

    def generate_until(self, requests, disable_tqdm=False):
        return ["good" for _ in requests]

    def loglikelihood(self, requests, disable_tqdm=False):
        raise NotImplementedError

    def loglikelihood_rolling(self, requests, disable_tqdm=False):
        raise NotImplementedError

    def apply_chat_template(self, chat_history, add_generation_prompt=True):
        return "\n".join(turn["content"] for turn in chat_history)


def test_a_folder_of_tasks_outside_the_package(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "own_data.md").read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    for name, content in re.findall(r"`(my_\w+/my_reviews/\S+)`\n```\w+\n(.*?)```", page, re.DOTALL):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    exec(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0], {})

    manager = TaskManager(include_defaults=False, include_path="my_tasks", metadata={"data": "my_data"})
    tasks = ["faithful-se-my_reviews"]
    results = simple_evaluate(GoodLM(), tasks=tasks, task_manager=manager, apply_chat_template=True, bootstrap_iters=1)

    assert len(results["results"]) == 7
    scores = results["results"]["faithful_se_my_reviews_attribution_oneword"]
    assert scores["sample_len"] == 2  # three stars are left out
    assert scores["acc,none"] == 0.5

    # A rule-based model learns the question from the task.
    results = simple_evaluate(RuleLM(), tasks=tasks, task_manager=manager, apply_chat_template=True, bootstrap_iters=1)
    scores = results["results"]["faithful_se_my_reviews_attribution_multiword"]
    assert (scores["valid,none"], scores["faithful,none"]) == (1, 1)
