"""Every internal of lm-eval that this package stands on. A failure says what changed and which file of ours to mend."""

from __future__ import annotations

import functools
import inspect
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lm_eval
import pytest
from lm_eval import evaluator, simple_evaluate
from lm_eval.api import metrics, model, task
from lm_eval.api.instance import Instance
from lm_eval.config.task import TaskConfig
from lm_eval.evaluator_utils import _compute_task_aggregations
from lm_eval.tasks import TaskManager
from lm_eval.utils import make_table, warning_once

from lm_eval_tasks import DATASETS, LOGGER, lm_eval_backend
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.task import SelfExplainTask
from tests.tiny_data import write_data

ONE = "faithful_se_sentiment140_attribution_oneword"


def says(change: str, ours: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Whatever goes wrong in the test, say what it means."""

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def told(*args: Any, **kwargs: Any) -> None:
            try:
                test(*args, **kwargs)
            except Exception as error:
                pytest.fail(f"lm_eval {lm_eval.__version__}: {change}. {ours} depends on it. ({error!r})", pytrace=True)

        return told

    return decorate


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), 3)


@pytest.fixture
def made(data: Path) -> SelfExplainTask:
    manager = TaskManager(include_defaults=False, include_path=str(DATASETS), metadata={"data": str(data)})
    return manager.load([ONE])["tasks"][ONE]


@says("evaluate() no longer runs getattr(lm, request_type) once for all tasks", "lm_eval_tasks/lm_eval_backend.py")
def test_requests_are_dispatched_by_name(data, monkeypatch):
    seen = []
    answer = model.LM.self_explain
    monkeypatch.setattr(
        model.LM, "self_explain", lambda lm, requests: seen.append(len(requests)) or answer(lm, requests)
    )
    manager = TaskManager(include_defaults=False, include_path=str(DATASETS), metadata={"data": str(data)})
    tasks = manager.match_tasks(["faithful_se_snli_*", "faithful_se_agnews_*"])
    simple_evaluate(RuleLM(), tasks=tasks, task_manager=manager, apply_chat_template=True, limit=1, bootstrap_iters=0)
    assert seen == [len(tasks)]


@says("CachingLM is a subclass of LM, or passes unknown methods on differently", "host.install()")
def test_the_caching_model_is_not_a_model():
    assert not issubclass(model.CachingLM, model.LM)
    assert model.CachingLM.self_explain is lm_eval_backend._answer_cached
    assert model.LM.self_explain is lm_eval_backend.answer_requests
    wrapper = inspect.getsource(model.CachingLM.__getattr__)
    assert '["loglikelihood", "loglikelihood_rolling", "generate_until"]' in wrapper
    assert 'req.args[1].get("do_sample", False)' in wrapper


@says("the cache or its keys are made differently", "lm_eval_tasks/fingerprint.py, the resuming of killed runs")
def test_cache_keys_hold_prompt_and_settings_only(tmp_path):
    arguments = ("prompt", {"until": [], "do_sample": False})
    key = model.hash_args("generate_until", arguments)
    assert key == model.hash_args("generate_until", list(arguments))
    assert key != model.hash_args("generate_until", ("prompt", {"until": [], "do_sample": True}))
    lm = RuleLM()
    caching = model.CachingLM(lm, str(tmp_path / "cache.db"))
    assert caching.lm is lm and caching.cache_db.endswith("cache.db")
    # An answer is kept while its batch is still running: a killed run loses nothing that was answered.
    lm.cache_hook.add_partial("generate_until", arguments, "said")
    assert caching.generate_until([Instance("generate_until", {}, arguments, 0)]) == ["said"]
    assert lm.calls["generate_until"] == 0
    assert caching.dbdict.get("faithful_se_model") is None
    assert caching.dbdict.autocommit


@says("local models search for a batch size in another way", "lm_eval_tasks/data_parallel.py")
def test_a_batch_size_is_agreed_on_inside_of_a_call():
    huggingface = pytest.importorskip("lm_eval.models.huggingface")
    told = inspect.getsource(huggingface.HFLM._detect_batch_size)
    assert "self.all_gather(" in told
    for method in (huggingface.HFLM.generate_until, huggingface.HFLM._batch_scheduler):
        assert "self._detect_batch_size(" in inspect.getsource(method)
    assert "len(n_reordered_requests) / self.batch_schedule" in inspect.getsource(huggingface.HFLM._batch_scheduler)
    # Whoever has all answers makes no call.
    assert "if remaining_reqs else []" in inspect.getsource(model.CachingLM.__getattr__)


@says("Task.build_all_requests has another signature", "lm_eval_tasks/task.py: build_all_requests")
def test_build_all_requests_is_told_of_system_and_template():
    told = inspect.signature(task.Task.build_all_requests).parameters
    wanted = {"limit", "samples", "rank", "world_size", "cache_requests", "system_instruction", "apply_chat_template"}
    assert {*wanted, "chat_template"} <= set(told)
    assert all(parameter.kind is parameter.KEYWORD_ONLY for name, parameter in told.items() if name != "self")
    call = inspect.getsource(evaluator.evaluate)
    assert 'chat_template=getattr(lm, "apply_chat_template", None)' in call
    assert "apply_chat_template=bool(apply_chat_template)" in call


@says("construct_requests is given other metadata, or Instance other fields", "host.SelfExplainRequest")
def test_an_instance_unpacks_its_metadata(made):
    made.build_all_requests(limit=2, rank=0, world_size=1)
    first, second = made.instances
    assert (first.task_name, first.doc_id, first.repeats) == (ONE, 0, 1)
    assert (second.doc_id, second.number, second.request_type) == (1, 1, "self_explain")
    assert isinstance(first.args[0], str)  # evaluate() hashes it


@says('--predict_only no longer sets the metric "bypass"', "task.py: process_results")
def test_bypass(made):
    made.override_metric("bypass")
    assert list(made._metric_fn_list) == ["bypass"]
    assert metrics.bypass_agg([None]) == 999
    assert made.process_results({}, ["{}"]) == {"bypass": None}


@says("ConfigurableTask.__init__ does things in another order", "task.py: __init__ and download()")
def test_order_of_construction(data):
    source = inspect.getsource(task.ConfigurableTask.__init__)
    steps = [
        "TaskConfig(**config)",
        "self._aggregation_list = {}",
        "self.download(",
        "self._filters",
        "self.fewshot_docs()",
    ]
    places = [source.index(step) for step in [*steps, "self.task_docs = self.eval_docs", "self.doc_to_text(test_doc)"]]
    assert places == sorted(places)
    assert "_metric_fn_list" not in source[places[2] :]  # what _report() sets afterwards stays


@says("TaskManager merges --metadata into a task's configuration differently", "lm_eval_tasks/options.py")
def test_metadata_is_merged_flat(data):
    metadata = {"data": str(data), "classifier": "loglikelihood", "pretrained": "a model argument"}
    manager = TaskManager(include_defaults=False, include_path=str(DATASETS), metadata=metadata)
    loaded = manager.load([ONE])["tasks"][ONE]
    assert {**loaded.config.metadata, **metadata} == loaded.config.metadata
    assert loaded.config.metadata["faithful_se"]["classifier"] == "loglikelihood"
    assert loaded.spec.options.classifier == "loglikelihood"
    assert loaded.config.metadata["version"] == loaded.VERSION


@says("a companion key <metric>_stderr no longer fills the column of standard errors", "task.py: _report, metrics.py")
def test_companion_standard_errors():
    class Reported:
        task_name = "t"

        def aggregation(self) -> dict[str, Callable[..., float]]:
            return {"own": lambda values: 0.25, "own_stderr": lambda values: 0.125, "plain": metrics.mean}

    values = {("own", "none"): [1, 2], ("own_stderr", "none"): [1, 2], ("plain", "none"): [0.0, 1.0]}
    found, count = _compute_task_aggregations(Reported(), values)
    assert count == 2
    assert (found["own,none"], found["own_stderr,none"]) == (0.25, 0.125)
    assert found["plain_stderr,none"] == pytest.approx(0.5)
    table = make_table({"results": {"t": {"alias": "t", **found}}, "versions": {"t": 1}, "n-shot": {"t": 0}})
    (row,) = [line for line in table.splitlines() if "|own" in line]
    assert "0.25|±" in row and "0.125|" in row
    assert "own_stderr" not in table.replace(row, "")
    # Values that cannot be measured.
    found = {"own,none": "why", "own_stderr,none": "N/A", "bare,none": math.nan, "bare_stderr,none": math.nan}
    table = make_table({"results": {"t": {"alias": "t", **found}}, "versions": {"t": 1}, "n-shot": {"t": 0}})
    assert "why" in table and "N/A" in table


@says("--gen_kwargs are applied to other output types than the configuration's generate_until", "datasets/*.yaml")
def test_gen_kwargs_go_by_the_configured_output_type(data, made):
    assert (made.get_config("output_type"), made.OUTPUT_TYPE) == ("generate_until", "self_explain")
    assert 'get_config("output_type") == "generate_until"' in inspect.getsource(evaluator.simple_evaluate)
    assert "task.OUTPUT_TYPE" in inspect.getsource(evaluator.evaluate)  # padding of a data-parallel run
    before = dict(made.config.generation_kwargs)
    made.set_config(key="generation_kwargs", value={"temperature": 0.5}, update=True)
    assert made.config.generation_kwargs == {**before, "temperature": 0.5}


@says("an empty `until` in a task's YAML is replaced", "lm_eval_tasks/write_tasks.py")
def test_an_explicit_empty_until_stays():
    kwargs = {"until": [], "do_sample": False}
    assert (
        TaskConfig(task="t", output_type="generate_until", generation_kwargs=dict(kwargs)).generation_kwargs == kwargs
    )


@says("TaskConfig does not take our YAML's keys, or `class` is read differently", "datasets/*.yaml, task.py: __init__")
def test_the_class_of_the_yaml_is_used(made):
    assert type(made) is SelfExplainTask


@says("chat APIs word their assertion differently", "host.py: Backend._ask")
def test_the_assertion_of_chat_apis():
    pytest.importorskip("tenacity")
    from lm_eval.models.openai_completions import LocalChatCompletion

    lm = LocalChatCompletion(base_url="http://127.0.0.1:9", model="nobody")
    with pytest.raises(AssertionError, match="apply_chat_template"):
        lm._create_payload("a text", generate=True)
    with pytest.raises(NotImplementedError):
        lm.loglikelihood([])
    rendered = lm.apply_chat_template([{"role": "user", "content": "é"}])
    assert not isinstance(rendered, str)
    assert json.loads(rendered.prompt) == [{"role": "user", "content": "é"}]


@says("lm-eval's logger is set up differently", "lm_eval_tasks/__init__.py: LOGGER")
def test_the_logger():
    from lm_eval.utils import setup_logging

    source = inspect.getsource(setup_logging)
    assert 'logging.getLogger("lm_eval")' in source
    assert LOGGER.startswith("lm_eval.")  # the command line shows what is below its own logger, and nothing else
    assert callable(warning_once.cache_clear)
