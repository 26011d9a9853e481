"""The seam to lm-eval: generation settings, calls, long texts, chat APIs, models of several kinds."""

from __future__ import annotations

import copy
import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks import LOGGER, lm_eval_backend
from lm_eval_tasks.calls import Answer
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.fingerprint import model_fingerprint
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.spec import TaskSpec
from tests.lm_eval_tasks.recording import GREEDY, RecordingLM, total
from tests.lm_eval_tasks.running import NINE, ONE, SHORT, TWEETS, load
from tests.tiny_data import texts_of, write_data
from tests.tiny_model import write_tiny_chat_model


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

    def test_a_limit_that_the_model_carries_counts_for_nothing(self, evaluate, data, tmp_path):
        """transformers prefers `max_new_tokens` of the model's own configuration to the length that was asked for."""
        model = load(write_tiny_chat_model(tmp_path, texts_of(data)))
        plain = evaluate(model, data, ONE, 3, SHORT)
        carried = model.model.generation_config
        for own in (1, 40):
            carried.max_new_tokens = own
            assert evaluate(model, data, ONE, 3, SHORT)["samples"] == plain["samples"]
            assert carried.max_new_tokens == own

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


@pytest.mark.parametrize("count", [1, 3])
def test_a_batch_size_to_be_searched_for_in_few_texts(evaluate, data, tiny, count):
    """lm-eval divides by N in a round with fewer than N questions."""
    from lm_eval.models.huggingface import HFLM

    lm = HFLM(pretrained=str(tiny), device="cpu", batch_size="auto:4", max_batch_size=8)
    found = evaluate(lm, data, ONE, count, SHORT, classifier="loglikelihood")
    assert lm.batch_schedule == 4
    assert found["results"] == evaluate(load(tiny), data, ONE, count, SHORT, classifier="loglikelihood")["results"]


def test_a_batch_size_for_generations_is_searched_for_once(evaluate, data, tiny, monkeypatch):
    """It is that of the longest text that the model takes: every round would find the same."""
    from lm_eval.models.huggingface import HFLM

    searched: list[int] = []
    search = HFLM._detect_batch_size
    monkeypatch.setattr(
        HFLM, "_detect_batch_size", lambda lm, *given: searched.append(len(given)) or search(lm, *given)
    )
    lm = HFLM(pretrained=str(tiny), device="cpu", batch_size="auto", max_batch_size=4)
    found = evaluate(lm, data, NINE, 3, SHORT)
    assert searched == [0]
    assert found["results"] == evaluate(load(tiny), data, NINE, 3, SHORT)["results"]
    assert lm._detect_batch_size() == 4 and searched == [0, 0]  # afterwards lm-eval's own search is there again


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
        backend = lm_eval_backend.Backend(api, api.apply_chat_template)
        asked: list[Any] = []
        backend._ask = lambda kind, instances: [asked.append(row.args) or "" for row in instances]  # type: ignore
        spec = dataset_task()
        document = Document({"text": "A."})
        backend.respond([spec.classify(document), spec.explain(document, Answer("negative", "negative"))])
        assert len(asked) == 2
        assert all(settings["until"] for _, settings in asked)


def dataset_task() -> TaskSpec:
    return TaskSpec(dataset_spec("sentiment140").question, "attribution", "oneword")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("width", [64, 3, 1])
def test_one_changed_value_is_another_model(dtype: str, width: int) -> None:
    """No sample of 64 values a parameter would see it."""
    torch = pytest.importorskip("torch")
    module = torch.nn.Embedding(1001, width).to(getattr(torch, dtype))
    lm = SimpleNamespace(_model=module)
    first = model_fingerprint(lm)
    assert model_fingerprint(SimpleNamespace(_model=copy.deepcopy(module))) == first
    swapped = copy.deepcopy(module)
    swapped.weight.data[[501, 502]] = module.weight.data[[502, 501]]
    assert model_fingerprint(SimpleNamespace(_model=swapped)) != first
    for value in (1.5, float("nan")):
        module.weight.data[502, 0] = value
        assert model_fingerprint(lm) != first


def test_other_settings_of_the_same_weights_are_another_model() -> None:
    """The base of the positions, the scale of an adapter, weights that are kept as buffers; not how it was loaded."""
    pytest.importorskip("peft")
    from peft import LoraConfig, get_peft_model

    from tests.training.attribution import architectures as world

    def told(alpha: int | None = None, buffer: float | None = None, **settings: Any) -> str:
        model = world.random_model("llama", 50, **settings)
        if buffer is not None:
            model.register_buffer("packed", model.lm_head.weight.new_tensor([buffer]))
        if alpha:
            lora = LoraConfig(r=2, lora_alpha=alpha, target_modules=["q_proj", "v_proj"])
            model = get_peft_model(model, lora)
        return model_fingerprint(SimpleNamespace(_model=model))

    assert told() == told(use_cache=False, architectures=["X"])
    assert len({told(), told(rope_theta=50.0), told(rms_norm_eps=1e-3), told(8), told(64)}) == 5
    assert told(8) == told(8) and told(buffer=1.0) != told(buffer=2.0)


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

    backend = lm_eval_backend.Backend(Seq2Seq(), None)
    assert backend._too_long("x" * 500, 256) == ""
    assert backend._too_long("x" * 513, 256) != ""
