"""The seam to lm-eval: caches, settings, limits, and every switch of the command line, on models of several kinds."""

from __future__ import annotations

import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from lm_eval.utils import warning_once

from lm_eval_tasks import LOGGER, host
from lm_eval_tasks.calls import Answer, TaskSpec
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.errors import UsageError
from lm_eval_tasks.fingerprint import model_fingerprint
from lm_eval_tasks.models import RuleLM
from tests.lm_eval_tasks.recording import GREEDY, RecordingLM, total
from tests.tiny_data import texts_of, write_data
from tests.tiny_model import write_tiny_chat_model

NINE = ",".join(f"faithful_se_{name}_*_oneword" for name in ("sentiment140", "snli", "agnews"))
TWEETS = "faithful_se_sentiment140_*_oneword"
ONE = "faithful_se_sentiment140_attribution_oneword"
SHORT = {"gen_kwargs": {"max_gen_toks": 8}}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), 6)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    return write_tiny_chat_model(tmp_path_factory.mktemp("tiny"), texts_of(data))


def load(folder: Path, **kwargs: Any) -> Any:
    from lm_eval.models.huggingface import HFLM

    return HFLM(pretrained=str(folder), device="cpu", batch_size=8, **kwargs)


def scores(results: dict[str, Any]) -> dict[str, Any]:
    """The metric values of a run, per task and per document, and the transcripts."""
    samples = {
        task: [[row["resps"], *(row[key] for key in row["metrics"])] for row in rows]
        for task, rows in results["samples"].items()
    }
    return json.loads(json.dumps({"results": results["results"], "samples": samples}))


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
from lm_eval_tasks.models import RuleLM
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


class TestGenerationSettings:
    def test_they_never_reach_a_classification(self, evaluate, data):
        plain, told = RecordingLM(), RecordingLM()
        evaluate(plain, data, NINE, 3)
        settings = {"max_gen_toks": 99, "do_sample": True, "temperature": 0.7, "top_p": 0.9, "until": ["!"]}
        evaluate(told, data, NINE, 3, {"gen_kwargs": settings})
        assert told.classifications == plain.classifications
        assert all(given == GREEDY for _, given in told.classifications)
        assert all(given == settings for _, given in told.explanations)

    @pytest.mark.parametrize("gen_kwargs", [{"do_sample": True, "temperature": 0.7}, {"temperature": 0.7}])
    def test_sampled_explanations_are_neither_merged_nor_cached(self, evaluate, tmp_path, gen_kwargs):
        folder = write_data(tmp_path / "data", 2)
        tweets = folder / "sentiment140" / "test.jsonl"
        tweets.write_text(tweets.read_text().splitlines()[0] + "\n")
        tweets.write_text(tweets.read_text() * 4)  # one tweet, four times
        settings = {"use_cache": str(tmp_path / "cache"), "gen_kwargs": gen_kwargs}
        greedy, first, second = RecordingLM(), RecordingLM(), RecordingLM()
        evaluate(greedy, folder, ONE)
        assert len(greedy.explanations) == 1
        evaluate(first, folder, ONE, None, settings)
        assert len(first.explanations) == 4
        assert first.classifications == greedy.classifications
        assert all(given["do_sample"] is True for _, given in first.explanations)
        evaluate(second, folder, ONE, None, settings)
        assert len(second.explanations) == 4
        assert second.classifications == []

    @pytest.mark.parametrize("alias", ["max_new_tokens", "max_tokens", "max_completion_tokens"])
    def test_a_token_limit_under_another_name_wins_over_the_default(self, evaluate, data, alias):
        lm = RecordingLM()
        evaluate(lm, data, ONE, 1, {"gen_kwargs": {alias: 7}})
        assert all(given["max_gen_toks"] == 7 and alias not in given for _, given in lm.explanations)

    def test_the_default_is_greedy(self, evaluate, data):
        lm = RecordingLM()
        evaluate(lm, data, ONE, 2)
        assert all((given["until"], given["do_sample"]) == ([], False) for _, given in lm.explanations)


class TestCalls:
    def test_equal_questions_are_asked_once(self, evaluate, data):
        lm = RecordingLM()
        evaluate(lm, data, NINE)
        prompts = [prompt for prompt, _ in lm.asked]
        assert len(prompts) == len(set(prompts))
        # 18 documents, three styles each
        assert len(lm.explanations) == 18 * 3
        # Per document: as it is, without the word (attribution and redaction name the same), two random words taken
        # out; for the counterfactual its edit, and that edit at two random places. Two draws may be the same.
        assert 18 * 5 < len(lm.classifications) <= 18 * 7
        apart = 0
        for task in [f"faithful_se_{d}_{s}_oneword" for d in ("sentiment140", "snli", "agnews") for s in STYLES]:
            alone = RecordingLM()
            evaluate(alone, data, task)
            apart += total(alone)
        assert total(lm) <= 0.7 * apart

    def test_a_system_instruction_opens_every_conversation(self, evaluate, data):
        lm = RecordingLM()
        evaluate(lm, data, NINE, 2, {"system_instruction": "Be brief."})
        assert lm.asked
        assert all(json.loads(prompt)[0] == {"role": "system", "content": "Be brief."} for prompt, _ in lm.asked)
        assert {len(json.loads(prompt)) for prompt, _ in lm.asked} == {2, 4}

    def test_a_fresh_context_has_one_turn(self, evaluate, data):
        lm = RecordingLM()
        evaluate(lm, data, NINE, 2, context="fresh")
        assert {len(json.loads(prompt)) for prompt, _ in lm.asked} == {1}

    @pytest.mark.parametrize("template", [True, False])
    def test_the_chat_template_reaches_every_prompt(self, evaluate, data, tiny, monkeypatch, template):
        lm = load(tiny)
        prompts: list[str] = []
        encode = lm.tok_batch_encode
        monkeypatch.setattr(lm, "tok_batch_encode", lambda texts, **kw: prompts.extend(texts) or encode(texts, **kw))
        settings = {"apply_chat_template": template, "system_instruction": "Be brief.", **SHORT}
        evaluate(lm, data, TWEETS, 2, settings, classifier="loglikelihood")
        assert len(prompts) == 6  # explanations: labels are ranked on tokens
        start, end = ("<|system|>\nBe brief.<|end|>\n<|user|>\nIs", "<|end|>\n<|assistant|>\n")
        if not template:
            start, end = "Be brief.\n\nIs", "\nAnswer:"
        assert all(prompt.startswith(start) and prompt.endswith(end) for prompt in prompts)


STYLES = ("attribution", "redaction", "counterfactual")


class TestLongTexts:
    def test_they_are_named_and_the_others_are_unaffected(self, evaluate, data, tiny, tmp_path, caplog):
        rows = [json.loads(line) for line in (data / "sentiment140" / "test.jsonl").read_text().splitlines()][:4]
        rows[2]["text"] = " ".join(f"{row['text']}" for row in rows * 40)
        folder = tmp_path / "sentiment140"
        folder.mkdir()
        (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        with caplog.at_level(logging.WARNING, logger=LOGGER):
            with_long = evaluate(load(tiny), tmp_path, ONE, None, SHORT, classifier="loglikelihood")
        assert (
            f"{ONE}: 1 documents count as unfaithful: the text is longer than the model's context (document 2)"
            in caplog.messages
        )
        plain = evaluate(load(tiny), data, ONE, 4, SHORT, classifier="loglikelihood")
        long, short = with_long["samples"][ONE], plain["samples"][ONE]
        assert (long[2]["faithful"], long[2]["valid"], long[2]["acc"]) == (0.0, 0.0, 0.0)
        assert "longer than" in json.loads(long[2]["resps"][0][0])["problem"]
        for index in (0, 1, 3):
            assert long[index]["acc"] == short[index]["acc"]
            assert json.loads(long[index]["resps"][0][0])["problem"] == ""
        assert with_long["n-samples"][ONE]["effective"] == 4

    def test_documents_are_named_by_their_place_in_the_dataset(self, evaluate, tmp_path, caplog):
        folder = write_data(tmp_path, 6)
        tweets = folder / "sentiment140" / "test.jsonl"
        rows = [json.loads(line) for line in tweets.read_text().splitlines()]
        rows[4]["text"] = "?!"
        tweets.write_text("".join(json.dumps(row) + "\n" for row in rows))
        with caplog.at_level(logging.WARNING, logger=LOGGER):
            evaluate(RuleLM(), folder, ONE, None, {"samples": {ONE: [1, 4]}})
        assert f"{ONE}: 1 documents count as unfaithful: no words in the text (document 4)" in caplog.messages


class TestSwitches:
    def test_limit(self, evaluate, data):
        results = evaluate(RuleLM(), data, NINE, 2)
        assert {len(rows) for rows in results["samples"].values()} == {2}

    def test_samples(self, evaluate, data):
        results = evaluate(RuleLM(), data, ONE, None, {"samples": {ONE: [1, 4]}})
        assert [row["doc_id"] for row in results["samples"][ONE]] == [1, 4]
        everything = evaluate(RuleLM(), data, ONE)["samples"][ONE]
        assert [row["doc_hash"] for row in results["samples"][ONE]] == [everything[i]["doc_hash"] for i in (1, 4)]

    @pytest.mark.parametrize("tasks", [NINE, "faithful_se"])
    def test_predict_only(self, evaluate, data, tasks):
        lm = RuleLM()
        results = evaluate(lm, data, tasks, 2, {"predict_only": True})
        assert total(lm) > 0
        for row in results["samples"][ONE]:
            assert row["metrics"] == ["bypass"]
            assert json.loads(row["resps"][0][0])["explanation"]["valid"]

    def test_without_samples(self, evaluate, data):
        results = evaluate(RuleLM(), data, ONE, 2, {"log_samples": False})
        assert "samples" not in results
        assert results["results"][ONE]["valid,none"] == 1.0

    def test_seed_changes_nothing_that_is_greedy(self, evaluate, data, tiny):
        runs = [
            evaluate(
                load(tiny),
                data,
                ONE,
                2,
                {"random_seed": s, "torch_random_seed": s, **SHORT},
                classifier="loglikelihood",
            )
            for s in (1, 2)
        ]
        assert scores(runs[0]) == scores(runs[1])

    def test_cache_requests_is_refused_in_one_line(self, evaluate, data, caplog):
        warning_once.cache_clear()
        with caplog.at_level(logging.WARNING, logger=LOGGER):
            evaluate(RuleLM(), data, TWEETS, 1, {"cache_requests": True})
        said = [message for message in caplog.messages if "--cache_requests" in message]
        assert len(said) == 1
        assert "is not used" in said[0]


class TestChatApi:
    """No server is needed: each of these must be said before anything is sent."""

    @pytest.fixture
    def api(self) -> Any:
        pytest.importorskip("tenacity")
        from lm_eval.models.openai_completions import LocalChatCompletion

        return LocalChatCompletion(base_url="http://127.0.0.1:9/v1/chat/completions", model="nobody", max_retries=1)

    def test_no_chat_template(self, evaluate, data, api):
        with pytest.raises(UsageError, match="add --apply_chat_template") as error:
            evaluate(api, data, ONE, 1, {"apply_chat_template": False})
        assert "\n" not in str(error.value)

    def test_no_loglikelihood(self, evaluate, data, api):
        with pytest.raises(UsageError, match=r"offers no loglikelihood: use --metadata classifier=generate") as error:
            evaluate(api, data, ONE, 1, classifier="loglikelihood")
        assert "\n" not in str(error.value)

    def test_the_server_is_part_of_a_cache(self, api):
        assert model_fingerprint(api) == "LocalChatCompletion http://127.0.0.1:9/v1/chat/completions nobody"

    def test_no_stop_list_is_empty(self, api, data):
        backend = host.Backend(api, api.apply_chat_template)
        asked: list[Any] = []
        backend._ask = lambda kind, instances: [asked.append(row.args) or "" for row in instances]  # type: ignore
        spec = dataset_task()
        backend.respond([spec.classify({"text": "A."}), spec.explain({"text": "A."}, Answer("negative", "negative"))])
        assert len(asked) == 2
        assert all(settings["until"] for _, settings in asked)


def dataset_task() -> TaskSpec:
    return TaskSpec(dataset_spec("sentiment140").question, "attribution", "oneword")


def test_an_engine_that_hides_its_weights_is_told_by_its_folder(tmp_path):
    """As vLLM does: `model` is an engine, `model_args` says what was loaded."""

    class Engine:
        def __init__(self, folder: Path, revision: str | None = None) -> None:
            self.model, self.model_args = object(), {"model": str(folder), "revision": revision}

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(b"0" * 10)
    first = model_fingerprint(Engine(tmp_path / "a"))
    assert first == model_fingerprint(Engine(tmp_path / "a"))
    assert first != model_fingerprint(Engine(tmp_path / "b"))
    (tmp_path / "a" / "model.safetensors").write_bytes(b"0" * 11)
    assert first != model_fingerprint(Engine(tmp_path / "a"))
    hub, pinned = Path("org/model"), model_fingerprint(Engine(Path("org/model"), "v2"))
    assert model_fingerprint(Engine(hub)) != pinned


def test_no_template_at_all(evaluate, data, tiny, tmp_path):
    folder = write_tiny_chat_model(tmp_path / "base", texts_of(data))
    for path in folder.glob("*chat_template*"):
        path.unlink()
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config.pop("chat_template", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match="the chat template cannot be applied") as error:
        evaluate(load(folder), data, ONE, 1)
    assert "\n" not in str(error.value)


def test_encoder_decoder_models_have_room_for_the_answer():
    """Their context holds the prompt alone."""

    class Seq2Seq:
        backend, max_length, world_size = "seq2seq", 512, 1

        def tok_encode(self, text: str) -> list[int]:
            return [0] * len(text)

    backend = host.Backend(Seq2Seq(), None)
    assert backend._too_long("x" * 500, 256) == ""
    assert backend._too_long("x" * 513, 256) != ""


class TestCommandLine:
    """The real command, its three runs side by side: each needs ten seconds to find lm-eval's own tasks."""

    @pytest.fixture(scope="class")
    def runs(
        self, data: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> dict[str, tuple[int, str, Path]]:
        out = tmp_path_factory.mktemp("out")
        common = ["--tasks", ONE, "--include_path", str(host.__file__).replace("host.py", "datasets")]
        local = ["--model", "hf", "--model_args", f"pretrained={tiny}", "--device", "cpu", "--apply_chat_template"]
        options = ["--metadata", f"data={data}", "classifier=loglikelihood"]
        commands = {
            "everything": [
                *local, *common, *options, "--limit", "3", "--gen_kwargs", "max_gen_toks=8", "--write_out",
                "--log_samples", "--num_fewshot", "3", "--cache_requests", "true", "--seed", "7",
                "--batch_size", "auto", "--use_cache", str(out / "cache"), "--system_instruction", "Be brief.",
            ],
            "predictions": [
                *local, *common, *options, "--gen_kwargs", "max_gen_toks=8", "--predict_only",
                "--samples", json.dumps({ONE: [0, 5]}),
            ],
            "chat api": [
                "--model", "local-chat-completions", "--limit", "1", *common, "--metadata", f"data={data}",
                "--model_args", "model=nobody,base_url=http://127.0.0.1:9/v1/chat/completions,max_retries=1",
            ],
        }  # fmt: skip
        started = {}
        for name, command in commands.items():
            log = (out / f"{name}.log").open("w")
            where = ["--output_path", str(out / name)]
            line = [sys.executable, "-m", "lm_eval", "run", *command, *where]
            started[name] = subprocess.Popen(line, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 240
        try:
            codes = {name: child.wait(max(1, deadline - time.monotonic())) for name, child in started.items()}
        finally:
            for child in started.values():
                child.kill()
        return {name: (code, (out / f"{name}.log").read_text(), out / name) for name, code in codes.items()}

    def test_everything_at_once(self, runs):
        code, log, out = runs["everything"]
        assert code == 0, log[-3000:]
        assert f"num_fewshot has been set to 0 for {ONE} in its config" in log
        assert log.count("--cache_requests is not used") == 1
        assert "context prompt (starting on next line)" in log
        assert "faithful-se: 3 explanations took" in log
        (path,) = out.rglob("results_*.json")
        results = json.loads(path.read_text())
        assert results["n-samples"][ONE]["effective"] == 3
        assert results["n-shot"][ONE] == 0
        assert set(results["results"][ONE]) >= {"faithful,none", "valid,none", "acc,none", "lift,none"}
        told = results["configs"][ONE]["metadata"]["faithful_se"]
        assert (told["classifier"], told["controls"]) == ("loglikelihood", ["random"])
        (samples,) = out.rglob("samples_*.jsonl")
        rows = [json.loads(line) for line in samples.read_text().splitlines()]
        assert [row["doc_id"] for row in rows] == [0, 1, 2]
        for row in rows:
            transcript = json.loads(row["resps"][0][0])
            assert transcript["prediction"]["messages"][0] == {"role": "system", "content": "Be brief."}
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
        assert code == 1
        assert "Traceback" not in log
        said = "faithful-se: this model is a chat API and takes messages only: add --apply_chat_template"
        assert log.splitlines().count(said) == 1
