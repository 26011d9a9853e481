"""Ctrl-C and SIGTERM in `faithful-se eval`: one line with what a rerun finds in the cache, and it is there."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from lm_eval_tasks.cache_files import count_answers
from lm_eval_tasks.rule_models import RuleLM
from tests.lm_eval_tasks.command import EvalCommand


class StoppedLM:
    """Lets the rule-based model be stopped when it is asked the second time; counts the requests."""

    def __init__(self, how: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.how, self.calls, self.requests = how, 0, 0
        answer = RuleLM.generate_until

        def generate_until(lm: RuleLM, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
            self.calls += 1
            if self.calls == 2:
                os.kill(os.getpid(), self.how)
                time.sleep(9)  # until the signal arrives
            self.requests += len(requests)
            return answer(lm, requests)

        monkeypatch.setattr(RuleLM, "generate_until", generate_until)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_evaluation_says_what_is_in_the_cache(
    how: int,
    status: int,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command, stopped = EvalCommand(data, monkeypatch), StoppedLM(how, monkeypatch)
    cache = tmp_path / "c_rank0.db"
    assert command("--use_cache", tmp_path / "c") == status
    errors = capsys.readouterr().err
    assert "Traceback" not in errors
    line = f"faithful-se eval: stopped; 4 answers are kept in {cache}: the same command asks for the rest"
    assert errors.splitlines()[-1] == line
    assert (count_answers(cache), stopped.requests) == (4, 4)
    assert command("--use_cache", tmp_path / "c") == 0
    assert stopped.requests == count_answers(cache) > 4  # none was asked for twice


@pytest.mark.usefixtures("interruptible")
def test_without_a_cache_nothing_is_kept(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command, _ = EvalCommand(data, monkeypatch), StoppedLM(signal.SIGINT, monkeypatch)
    assert command() == 130
    line = "no answer is kept: with --use_cache FILE the same command would go on where it stopped"
    assert capsys.readouterr().err.splitlines()[-1] == f"faithful-se eval: stopped; {line}"
