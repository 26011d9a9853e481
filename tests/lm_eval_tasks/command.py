"""`faithful-se eval` in this process, without the ten seconds in which lm-eval reads its own tasks."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pytest

from faithful_se import cli, last_lines
from lm_eval_tasks import DATASETS

TASK = "faithful_se_sentiment140_attribution_oneword"


class EvalCommand:
    """Runs the command with the rule-based model on one task."""

    def __init__(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import lm_eval.__main__
        import lm_eval.tasks
        import torch.utils.collect_env

        self.data = data
        # Its handler would outlive the test's stderr.
        monkeypatch.setattr(lm_eval.__main__, "setup_logging", lambda: None)
        monkeypatch.setattr(torch.utils.collect_env, "get_pretty_env_info", str)  # it starts pip
        monkeypatch.setattr(lm_eval, "simple_evaluate", partial(lm_eval.simple_evaluate, bootstrap_iters=0))
        manager = lm_eval.tasks.TaskManager
        monkeypatch.setattr(
            lm_eval.tasks,
            "TaskManager",
            lambda metadata=None, **options: manager(
                include_defaults=False, include_path=str(DATASETS), metadata=metadata
            ),
        )
        monkeypatch.setattr(sys, "argv", ["faithful-se"])  # the command sets it
        monkeypatch.setattr(last_lines, "is_lm_eval", lambda: False)  # nothing is printed when pytest ends

    def __call__(self, *arguments: object) -> int:
        """The exit status."""
        common = ["--model", "faithful-se-rules", "--model_args", "strategy=honest", "--tasks", TASK]
        options = ["--apply_chat_template", "--metadata", f"data={self.data}", "--limit", "4"]
        return cli.main(["eval", "run", *common, *options, *map(str, arguments)])
