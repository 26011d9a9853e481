"""Whole evaluations with `quick=true` and `quick=false`: the same numbers, and one cache for both."""

from __future__ import annotations

import json
from typing import Any

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks.forward_pass.quick_ranking import QuickRanking
from tests.lm_eval_tasks.evaluations import SHORT_ANSWERS, TWEET_TASKS, load_model
from tests.tiny_data import texts_of, write_data
from tests.tiny_model import write_tiny_chat_model


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"), 6, splits=("test", "train"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, data):
    return write_tiny_chat_model(tmp_path_factory.mktemp("tiny"), texts_of(data))


def logprobs(results: dict[str, Any]) -> list[float]:
    """Every label's log-probability in the transcripts of a run, in order."""
    values = []

    def visit(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("logprobs"), dict):
                values.extend(part["logprobs"].values())
            for value in part.values():
                visit(value)
        elif isinstance(part, list):
            for value in part:
                visit(value)

    for rows in results["samples"].values():
        visit([json.loads(row["resps"][0][0]) for row in rows])
    return values


def forbid(monkeypatch: Any, target: Any, name: str) -> None:
    def forbidden(*args: Any, **kwargs: Any) -> None:
        raise AssertionError(f"{name} was called")

    monkeypatch.setattr(target, name, forbidden)


@pytest.mark.parametrize(
    ("classifier", "controls", "extra"),
    [("loglikelihood", "all", {"system_instruction": "Be brief."}), ("calibrated", "random", {"num_fewshot": 2})],
)
def test_the_numbers_are_those_of_lm_evals_own_passes(evaluate, data, tiny, classifier, controls, extra):
    runs = [
        evaluate(load_model(tiny), data, TWEET_TASKS, 3, {**SHORT_ANSWERS, **extra}, classifier=classifier,
                 controls=controls, quick=quick)
        for quick in ("true", "false")
    ]  # fmt: skip
    quick, own = map(logprobs, runs)
    assert len(quick) > 30
    assert quick == pytest.approx(own, abs=1e-4)
    recorded = [run["configs"]["faithful_se_sentiment140_attribution_oneword"]["metadata"] for run in runs]
    assert all("quick" not in metadata["faithful_se"] for metadata in recorded)  # the same column of a board
    assert [metadata["quick"] for metadata in recorded] == ["true", "false"]


def test_one_cache_for_both(evaluate, data, tiny, tmp_path, monkeypatch):
    """What lm-eval's passes wrote, ours read, and the other way round."""
    options = {"classifier": "loglikelihood"}
    for first, second in (("true", "false"), ("false", "true")):
        settings = {**SHORT_ANSWERS, "use_cache": str(tmp_path / first)}
        few = logprobs(evaluate(load_model(tiny), data, TWEET_TASKS, 2, settings, quick=first, **options))
        with monkeypatch.context() as patch:
            again = load_model(tiny)
            for name in ("_model_generate", "_loglikelihood_tokens"):
                forbid(patch, type(again), name)
            forbid(patch, QuickRanking, "_loglikelihood_tokens")
            assert logprobs(evaluate(again, data, TWEET_TASKS, 2, settings, quick=second, **options)) == few
        more = logprobs(evaluate(load_model(tiny), data, TWEET_TASKS, 3, settings, quick=second, **options))
        assert len(more) > len(few)
        assert set(few) <= set(more)


def test_the_switch(evaluate, data, tiny, monkeypatch):
    forbid(monkeypatch, QuickRanking, "_loglikelihood_tokens")
    evaluate(load_model(tiny), data, TWEET_TASKS, 2, SHORT_ANSWERS, classifier="loglikelihood", quick="false")
    with pytest.raises(AssertionError, match="was called"):
        evaluate(load_model(tiny), data, TWEET_TASKS, 2, SHORT_ANSWERS, classifier="loglikelihood")
    with pytest.raises(UsageError, match="quick='yes': give true or false"):
        evaluate(load_model(tiny), data, TWEET_TASKS, 2, SHORT_ANSWERS, quick="yes")
