"""Every internal of lm-eval that this package uses. A failure says what changed and which file depends on it."""

from __future__ import annotations

import functools
import inspect
import json
import logging
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lm_eval
import pytest
from lm_eval import simple_evaluate, utils
from lm_eval.api import metrics, model
from lm_eval.api.instance import Instance
from lm_eval.config.task import TaskConfig
from lm_eval.evaluator_utils import _compute_task_aggregations
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml
from lm_eval.utils import make_table, warning_once

from lm_eval_tasks import DATASETS, LOGGER, request_type
from lm_eval_tasks.aggregation import Aggregation
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.task import SelfExplainTask
from tests.tiny_data import write_data

TASK = "faithful_se_sentiment140_attribution_oneword"
GREEDY = {"until": [], "do_sample": False}


def says(change: str, ours: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Whatever goes wrong in the test, say what it means."""

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def explained(*args: Any, **kwargs: Any) -> None:
            try:
                test(*args, **kwargs)
            except Exception as error:
                pytest.fail(f"lm_eval {lm_eval.__version__}: {change}. {ours} depends on it. ({error!r})", pytrace=True)

        return explained

    return decorate


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), 3)


@pytest.fixture
def manager(data: Path) -> TaskManager:
    return TaskManager(include_defaults=False, include_path=str(DATASETS), metadata={"data": str(data)})


@pytest.fixture
def task(manager: TaskManager) -> SelfExplainTask:
    return manager.load([TASK])["tasks"][TASK]


@says("evaluate() no longer runs getattr(lm, request_type) once for all tasks", "lm_eval_tasks/request_type.py")
def test_requests_are_dispatched_by_name(manager, monkeypatch):
    counts = []
    answer = model.LM.self_explain
    monkeypatch.setattr(
        model.LM, "self_explain", lambda lm, requests: counts.append(len(requests)) or answer(lm, requests)
    )
    tasks = manager.match_tasks(["faithful_se_snli_*", "faithful_se_agnews_*"])
    simple_evaluate(RuleLM(), tasks=tasks, task_manager=manager, apply_chat_template=True, limit=1, bootstrap_iters=0)
    assert counts == [len(tasks)]


class EchoLM(RuleLM):
    """Answers every prompt with itself."""

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        self.calls["generate_until"] += len(requests)
        return [request.args[0] for request in requests]


@says("CachingLM is a subclass of LM, or passes methods on differently", "request_type.install()")
def test_the_caching_model_is_not_a_model(tmp_path):
    assert not issubclass(model.CachingLM, model.LM)
    assert model.CachingLM.self_explain is request_type._answer_cached
    assert model.LM.self_explain is request_type.answer_requests
    lm = EchoLM()
    caching = model.CachingLM(lm, str(tmp_path / "cache.db"))
    assert (caching.apply_chat_template, caching.world_size) == (lm.apply_chat_template, 1)
    # Greedy answers are cached, sampled ones are not.
    for settings, calls in ((GREEDY, 1), (GREEDY, 1), ({"do_sample": True}, 2), ({"do_sample": True}, 3)):
        assert caching.generate_until([Instance("generate_until", {}, ("text", settings), 0)]) == ["text"]
        assert lm.calls["generate_until"] == calls


@says("the cache or its keys are made differently", "lm_eval_tasks/fingerprint.py, the resuming of killed runs")
def test_cache_keys_hold_prompt_and_settings_only(tmp_path):
    arguments = ("prompt", GREEDY)
    key = model.hash_args("generate_until", arguments)
    assert key == model.hash_args("generate_until", list(arguments))
    assert key != model.hash_args("generate_until", ("prompt", {"until": [], "do_sample": True}))
    lm = RuleLM()
    caching = model.CachingLM(lm, str(tmp_path / "cache.db"))
    assert caching.lm is lm and caching.cache_db.endswith("cache.db")
    # An answer is stored while its batch is still running: a killed run loses no answer.
    lm.cache_hook.add_partial("generate_until", arguments, "stored")
    assert caching.generate_until([Instance("generate_until", {}, arguments, 0)]) == ["stored"]
    assert lm.calls["generate_until"] == 0
    assert caching.dbdict.get("faithful_se_model") is None
    assert caching.dbdict.autocommit


@says("local models search for a batch size in another way", "lm_eval_tasks/data_parallel.py")
def test_a_batch_size_is_agreed_on_inside_of_a_call(tiny, monkeypatch):
    huggingface = pytest.importorskip("lm_eval.models.huggingface")
    torch = pytest.importorskip("torch")
    lm = huggingface.HFLM(pretrained=str(tiny), device="cpu", batch_size="auto:4", max_batch_size=4)
    assert lm.batch_schedule == 4
    with monkeypatch.context() as patch:
        patch.setattr(lm, "_world_size", 2)
        patch.setattr(lm, "all_gather", lambda tensor: torch.cat([tensor, torch.tensor([3])]), raising=False)
        assert lm._detect_batch_size() == 3
    searches: list[tuple[Any, ...]] = []
    monkeypatch.setattr(lm, "_detect_batch_size", lambda *requests: searches.append(requests) or 1)
    lm.generate_until([Instance("generate_until", {}, ("text", {**GREEDY, "max_gen_toks": 1}), 0)])
    assert searches == [()]
    pairs = [Instance("loglikelihood", {}, (f"text {number}", " a"), 0) for number in range(4)]
    lm.loglikelihood(pairs)
    assert len(searches) > 1 and all(len(arguments) == 2 for arguments in searches[1:])
    same_text = [Instance("loglikelihood", {}, ("text", f" {number}"), 0) for number in range(4)]
    for few in (pairs[:1], same_text):  # groups of requests with the same text count as one
        with pytest.raises(ZeroDivisionError):
            lm.loglikelihood(few)


@says("Task.build_all_requests has another signature", "lm_eval_tasks/task.py: build_all_requests")
@pytest.mark.parametrize("template", [True, False])
def test_build_all_requests_gets_system_and_template(manager, monkeypatch, template):
    calls: list[dict[str, Any]] = []
    build = SelfExplainTask.build_all_requests
    monkeypatch.setattr(
        SelfExplainTask, "build_all_requests", lambda task, **kwargs: calls.append(kwargs) or build(task, **kwargs)
    )
    lm = EchoLM()
    settings = {"apply_chat_template": template, "system_instruction": "Be brief.", "bootstrap_iters": 0}
    simple_evaluate(lm, tasks=[TASK], task_manager=manager, samples={TASK: [1]}, **settings)
    (call,) = calls
    expected = {"samples": [1], "limit": None, "rank": 0, "world_size": 1, "cache_requests": False}
    expected |= {"system_instruction": "Be brief.", "apply_chat_template": template}
    assert {name: call[name] for name in expected} == expected
    assert call["chat_template"] == (lm.apply_chat_template if template else None)


@says("construct_requests gets other metadata, or Instance has other fields", "SelfExplainRequest")
def test_an_instance_unpacks_its_metadata(task):
    task.build_all_requests(limit=2, rank=0, world_size=1)
    first, second = task.instances
    assert (first.task_name, first.doc_id, first.repeats) == (TASK, 0, 1)
    assert (second.doc_id, second.number, second.request_type) == (1, 1, "self_explain")
    assert isinstance(first.args[0], str)  # evaluate() hashes it


@says('--predict_only no longer sets the metric "bypass"', "task.py: process_results")
def test_bypass(task):
    task.override_metric("bypass")
    assert list(task._metric_fn_list) == ["bypass"]
    assert metrics.bypass_agg([None]) == 999
    assert task.process_results({}, ["{}"]) == {"bypass": None}


class RecordingTask(SelfExplainTask):
    """Records the methods that lm-eval calls while it constructs a task, and what exists by then."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.steps: list[tuple[str, bool, bool]] = []
        super().__init__(config)

    def record(self, step: str) -> None:
        self.steps.append((step, hasattr(self, "_aggregation_list"), hasattr(self, "_filters")))

    def download(self, dataset_kwargs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        self.record("download")
        assert self.config.test_split == "test"
        super().download(dataset_kwargs, **kwargs)

    def fewshot_docs(self) -> None:
        self.record("fewshot_docs")

    def doc_to_text(self, doc: Any, doc_to_text: Any = None) -> str:
        self.record("doc_to_text")
        return super().doc_to_text(doc, doc_to_text)


@says("ConfigurableTask.__init__ does things in another order", "task.py: __init__ and download()")
def test_order_of_construction(data):
    config = load_yaml(DATASETS / "sentiment140" / f"{TASK}.yaml", resolve_func=False)
    config["metadata"] = {**config["metadata"], "data": str(data)}
    task = RecordingTask({key: value for key, value in config.items() if key != "tag"})
    assert task.steps == [
        ("download", True, False),
        ("fewshot_docs", True, True),
        ("doc_to_text", True, True),
    ]
    # The metrics that we register afterwards stay.
    assert list(task.aggregation()) == [entry["metric"] for entry in task.config.metric_list]


@says("TaskManager merges --metadata into a task's configuration differently", "lm_eval_tasks/read_options.py")
def test_metadata_is_merged_flat(data):
    metadata = {"data": str(data), "classifier": "loglikelihood", "pretrained": "a model argument"}
    manager = TaskManager(include_defaults=False, include_path=str(DATASETS), metadata=metadata)
    task = manager.load([TASK])["tasks"][TASK]
    assert {**task.config.metadata, **metadata} == task.config.metadata
    assert task.config.metadata["faithful_se"]["classifier"] == "loglikelihood"
    assert task.spec.options.classifier == "loglikelihood"
    assert task.config.metadata["version"] == task.VERSION


@says("standard errors are looked up in another way", "lm_eval_tasks/aggregation.py, metrics.py")
def test_standard_errors_of_our_own():
    class Reported:
        task_name = "t"

        def aggregation(self) -> dict[str, Callable[..., float]]:
            return {"own": Aggregation(lambda values: 0.25, lambda values: 0.125), "plain": metrics.mean}

    values = {("own", "none"): [1, 2], ("plain", "none"): [0.0, 1.0]}
    row, count = _compute_task_aggregations(Reported(), values)
    assert count == 2
    assert row == {
        "own,none": 0.25,
        "own_stderr,none": 0.125,
        "plain,none": 0.5,
        "plain_stderr,none": pytest.approx(0.5),
    }
    lines = [line for line in table_of(row).splitlines() if "own" in line]
    assert len(lines) == 1 and "0.25|±" in lines[0] and "0.125|" in lines[0]
    without, _ = _compute_task_aggregations(Reported(), values, bootstrap_iters=0)
    assert without["own_stderr,none"] == "N/A"


@says("the table prints other values than numbers differently", "document_statistics.py: ccf, ccf_stderr")
def test_a_metric_without_a_value_in_the_table():
    table = table_of({"own,none": "why", "own_stderr,none": "N/A", "bare,none": math.nan, "bare_stderr,none": math.nan})
    assert "why" in table and "N/A" in table


def table_of(row: dict[str, Any]) -> str:
    return str(make_table({"results": {"t": {"alias": "t", **row}}, "versions": {"t": 1}, "n-shot": {"t": 0}}))


@says("--gen_kwargs go to other output types than the configuration's generate_until", "datasets/_*_yaml")
def test_gen_kwargs_go_by_the_configured_output_type(manager, task):
    assert (task.get_config("output_type"), task.OUTPUT_TYPE) == ("generate_until", "self_explain")
    settings = {"gen_kwargs": {"temperature": 0.5}, "apply_chat_template": True, "bootstrap_iters": 0}
    results = simple_evaluate(RuleLM(), tasks=[TASK], task_manager=manager, limit=1, **settings)
    assert results["configs"][TASK]["generation_kwargs"] == {**task.config.generation_kwargs, "temperature": 0.5}


class SecondProcessHasFiveLM(RuleLM):
    """One of two processes; the other one has five documents."""

    device = "cpu"
    requests = 0

    def __init__(self) -> None:
        super().__init__()
        self._world_size = 2

    def all_gather(self, tensor: Any) -> Any:
        import torch

        return torch.stack([tensor, torch.full_like(tensor, 5)])

    def self_explain(self, requests: list[Instance]) -> list[str]:
        self.requests = len(requests)
        raise KeyboardInterrupt


@says("evaluate() pads data-parallel runs by another name than task.OUTPUT_TYPE", "task.py: __init__")
def test_a_data_parallel_run_is_padded_by_the_output_type(manager):
    pytest.importorskip("torch")
    lm = SecondProcessHasFiveLM()
    with pytest.raises(KeyboardInterrupt):
        simple_evaluate(lm, tasks=[TASK], task_manager=manager, apply_chat_template=True, bootstrap_iters=0)
    assert lm.requests == 5


@says("an empty `until` in a task's YAML is replaced", "lm_eval_tasks/write_tasks.py")
def test_an_explicit_empty_until_stays():
    config = TaskConfig(task="t", output_type="generate_until", generation_kwargs=dict(GREEDY))
    assert config.generation_kwargs == GREEDY


@says("TaskConfig does not take our YAML's keys, or `class` is read differently", "datasets/_*_yaml, task.py: __init__")
def test_the_class_of_the_yaml_is_used(task):
    assert type(task) is SelfExplainTask


@says("chat APIs word their assertion differently", "lm_eval_backend.py: Backend._call_model")
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


@says("API models read replies, store answers or open sessions in another way", "lm_eval_tasks/server_replies.py")
def test_where_replies_are_read():
    pytest.importorskip("tenacity")
    from lm_eval.models import api_models, openai_completions

    for kind in (openai_completions.LocalCompletionsAPI, openai_completions.LocalChatCompletion):
        assert kind.parse_generations.__module__ == "lm_eval.models.openai_completions"
        assert kind.amodel_call is api_models.TemplateAPI.amodel_call
        assert kind.generate_until is api_models.TemplateAPI.generate_until
    # In turn, with the contexts; and at once, with as many messages as the request has prompts.
    turn, at_once = (inspect.getsource(method) for method in (kind.generate_until, kind.amodel_call))
    assert "self.parse_generations(" in turn and "contexts=contexts," in turn
    assert "self.parse_generations(" in at_once and "await response.json()" in at_once
    batches = inspect.getsource(kind.get_batched_requests)
    assert "ClientSession(" in batches and "(self.amodel_call)" in batches and "messages=message," in batches
    # What stores answers looks its cache up by these names.
    assert "self.dbdict[hsh] = res" in inspect.getsource(model.CacheHook.add_partial)
    assert "self.dbdict[hsh] = r\n" in inspect.getsource(model.CachingLM.__getattr__)


@pytest.fixture
def fresh_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """lm-eval's logging as at the start of its command line."""
    logger = logging.getLogger("lm_eval")
    state = logger.level, list(logger.handlers), logger.propagate
    logger.handlers.clear()
    monkeypatch.setattr(utils, "_LOGGING_CONFIGURED", False)
    yield
    logger.level, logger.handlers, logger.propagate = state


@says("lm-eval's logger is set up differently", "lm_eval_tasks/__init__.py: LOGGER")
def test_the_command_line_shows_our_messages(fresh_logging, capsys):
    utils.setup_logging()
    logging.getLogger(LOGGER).info("of ours")
    logging.getLogger("faithful_se").info("of another logger")
    output = capsys.readouterr().err
    assert "of ours" in output and "of another logger" not in output
    assert callable(warning_once.cache_clear)


def test_the_writers_that_are_wrapped():
    """`saved_results` finds files by the date of the run, which the results set, and calls both by these names."""
    from lm_eval.loggers import EvaluationTracker

    from lm_eval_tasks import saved_results

    writers = (saved_results._write_results, saved_results._write_samples)
    assert [list(inspect.signature(writer).parameters) for writer in writers] == [
        ["self", "results", "samples"],
        ["self", "task_name", "samples"],
    ]
    assert all("self.date_id" in inspect.getsource(writer) for writer in writers)
    assert EvaluationTracker.save_results_samples is saved_results.save_samples


def test_commit_of_the_working_folder(tmp_path, monkeypatch, capfd):
    """lm-eval takes it from a function of this name, which lets git write "fatal: not a git repository"."""
    from lm_eval import evaluator

    from lm_eval_tasks import saved_results

    assert saved_results._commit_hash.__module__ == "lm_eval.loggers.utils"
    assert evaluator.get_git_commit_hash is saved_results.commit_hash
    assert "get_git_commit_hash()" in inspect.getsource(evaluator.simple_evaluate)
    monkeypatch.chdir(tmp_path)
    assert evaluator.get_git_commit_hash() is None
    assert capfd.readouterr() == ("", "")
