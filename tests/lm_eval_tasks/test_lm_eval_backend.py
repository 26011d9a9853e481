"""The connection to lm-eval: generation settings, calls, long texts, chat APIs, models of several kinds."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks import LOGGER, lm_eval_backend
from lm_eval_tasks.calls import Answer
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.spec import TaskSpec
from tests.lm_eval_tasks.evaluations import NINE_TASKS, SHORT_ANSWERS, TASK, TWEET_TASKS, load_model
from tests.lm_eval_tasks.recording_lm import GREEDY, RecordingLM, total
from tests.tiny_data import texts_of, write_data
from tests.tiny_model import write_tiny_chat_model


class TestGenerationSettings:
    def test_they_never_reach_a_classification(self, evaluate, data):
        plain, sampling = RecordingLM(), RecordingLM()
        evaluate(plain, data, NINE_TASKS, 3)
        settings = {"max_gen_toks": 99, "do_sample": True, "temperature": 0.7, "top_p": 0.9, "until": ["!"]}
        evaluate(sampling, data, NINE_TASKS, 3, {"gen_kwargs": settings})
        assert sampling.classifications == plain.classifications
        assert all(arguments == GREEDY for _, arguments in sampling.classifications)
        assert all(arguments == settings for _, arguments in sampling.explanations)

    @pytest.mark.parametrize("gen_kwargs", [{"do_sample": True, "temperature": 0.7}, {"temperature": 0.7}])
    def test_sampled_explanations_are_neither_merged_nor_cached(self, evaluate, tmp_path, gen_kwargs):
        folder = write_data(tmp_path / "data", 2)
        tweets = folder / "sentiment140" / "test.jsonl"
        tweets.write_text(tweets.read_text().splitlines()[0] + "\n")
        tweets.write_text(tweets.read_text() * 4)  # one tweet, four times
        settings = {"use_cache": str(tmp_path / "cache"), "gen_kwargs": gen_kwargs}
        greedy, first, second = RecordingLM(), RecordingLM(), RecordingLM()
        evaluate(greedy, folder, TASK)
        assert len(greedy.explanations) == 1
        evaluate(first, folder, TASK, None, settings)
        assert len(first.explanations) == 4
        assert first.classifications == greedy.classifications
        assert all(settings["do_sample"] is True for _, settings in first.explanations)
        evaluate(second, folder, TASK, None, settings)
        assert len(second.explanations) == 4
        assert second.classifications == []

    @pytest.mark.parametrize("alias", ["max_new_tokens", "max_tokens", "max_completion_tokens"])
    def test_a_token_limit_under_another_name_wins_over_the_default(self, evaluate, data, alias):
        lm = RecordingLM()
        evaluate(lm, data, TASK, 1, {"gen_kwargs": {alias: 7}})
        assert all(settings["max_gen_toks"] == 7 and alias not in settings for _, settings in lm.explanations)

    def test_a_token_limit_of_the_model_itself_is_ignored(self, evaluate, data, tmp_path):
        """transformers prefers `max_new_tokens` of the model's configuration to the length that lm-eval asks for."""
        model = load_model(write_tiny_chat_model(tmp_path, texts_of(data)))
        plain = evaluate(model, data, TASK, 3, SHORT_ANSWERS)
        config = model.model.generation_config
        for limit in (1, 40):
            config.max_new_tokens = limit
            assert evaluate(model, data, TASK, 3, SHORT_ANSWERS)["samples"] == plain["samples"]
            assert config.max_new_tokens == limit

    def test_the_default_is_greedy(self, evaluate, data):
        lm = RecordingLM()
        evaluate(lm, data, TASK, 2)
        assert all((settings["until"], settings["do_sample"]) == ([], False) for _, settings in lm.explanations)


class TestCalls:
    def test_equal_calls_are_made_once(self, evaluate, data):
        lm = RecordingLM()
        evaluate(lm, data, NINE_TASKS)
        prompts = [prompt for prompt, _ in lm.arguments]
        assert len(prompts) == len(set(prompts))
        # 18 documents, three styles each
        assert len(lm.explanations) == 18 * 3
        # Per document: its own text, without the word (attribution and redaction name the same), without each of two
        # random words, with the counterfactual's edit, with that edit at two random positions. Two draws may be equal.
        assert 18 * 5 < len(lm.classifications) <= 18 * 7
        separate_calls = 0
        for task in [f"faithful_se_{d}_{s}_oneword" for d in ("sentiment140", "snli", "agnews") for s in STYLES]:
            single = RecordingLM()
            evaluate(single, data, task)
            separate_calls += total(single)
        assert total(lm) <= 0.7 * separate_calls

    def test_a_system_instruction_opens_every_conversation(self, evaluate, data):
        lm = RecordingLM()
        evaluate(lm, data, NINE_TASKS, 2, {"system_instruction": "Be brief."})
        assert lm.arguments
        assert all(json.loads(prompt)[0] == {"role": "system", "content": "Be brief."} for prompt, _ in lm.arguments)
        assert {len(json.loads(prompt)) for prompt, _ in lm.arguments} == {2, 4}

    def test_a_fresh_context_has_one_turn(self, evaluate, data):
        lm = RecordingLM()
        evaluate(lm, data, NINE_TASKS, 2, context="fresh")
        assert {len(json.loads(prompt)) for prompt, _ in lm.arguments} == {1}

    @pytest.mark.parametrize("template", [True, False])
    def test_the_chat_template_reaches_every_prompt(self, evaluate, data, tiny, monkeypatch, template):
        lm = load_model(tiny)
        prompts: list[str] = []
        encode = lm.tok_batch_encode
        monkeypatch.setattr(lm, "tok_batch_encode", lambda texts, **kw: prompts.extend(texts) or encode(texts, **kw))
        settings = {"apply_chat_template": template, "system_instruction": "Be brief.", **SHORT_ANSWERS}
        evaluate(lm, data, TWEET_TASKS, 2, settings, classifier="loglikelihood")
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
            with_long = evaluate(load_model(tiny), tmp_path, TASK, None, SHORT_ANSWERS, classifier="loglikelihood")
        assert (
            f"{TASK}: 1 documents count as unfaithful: the text is longer than the model's context (document 2)"
            in caplog.messages
        )
        plain = evaluate(load_model(tiny), data, TASK, 4, SHORT_ANSWERS, classifier="loglikelihood")
        long, short = with_long["samples"][TASK], plain["samples"][TASK]
        assert (long[2]["faithful"], long[2]["valid"], long[2]["acc"]) == (0.0, 0.0, 0.0)
        assert "longer than" in json.loads(long[2]["resps"][0][0])["problem"]
        for index in (0, 1, 3):
            assert long[index]["acc"] == short[index]["acc"]
            assert json.loads(long[index]["resps"][0][0])["problem"] == ""
        assert with_long["n-samples"][TASK]["effective"] == 4

    def test_documents_are_named_by_their_index_in_the_dataset(self, evaluate, tmp_path, caplog):
        folder = write_data(tmp_path, 6)
        tweets = folder / "sentiment140" / "test.jsonl"
        rows = [json.loads(line) for line in tweets.read_text().splitlines()]
        rows[4]["text"] = "?!"
        tweets.write_text("".join(json.dumps(row) + "\n" for row in rows))
        with caplog.at_level(logging.WARNING, logger=LOGGER):
            evaluate(RuleLM(), folder, TASK, None, {"samples": {TASK: [1, 4]}})
        assert f"{TASK}: 1 documents count as unfaithful: no words in the text (document 4)" in caplog.messages


@pytest.mark.parametrize("count", [1, 3])
def test_a_search_for_the_batch_size_with_few_texts(evaluate, data, tiny, count):
    """lm-eval divides by zero in a round with fewer requests than searches."""
    from lm_eval.models.huggingface import HFLM

    lm = HFLM(pretrained=str(tiny), device="cpu", batch_size="auto:4", max_batch_size=8)
    results = evaluate(lm, data, TASK, count, SHORT_ANSWERS, classifier="loglikelihood")
    assert lm.batch_schedule == 4
    assert (
        results["results"]
        == evaluate(load_model(tiny), data, TASK, count, SHORT_ANSWERS, classifier="loglikelihood")["results"]
    )


def test_one_search_for_the_batch_size_of_generations(evaluate, data, tiny, monkeypatch):
    """It tries the longest text that the model takes, so every round would find the same."""
    from lm_eval.models.huggingface import HFLM

    searches: list[int] = []
    search = HFLM._detect_batch_size
    monkeypatch.setattr(
        HFLM, "_detect_batch_size", lambda lm, *arguments: searches.append(len(arguments)) or search(lm, *arguments)
    )
    lm = HFLM(pretrained=str(tiny), device="cpu", batch_size="auto", max_batch_size=4)
    results = evaluate(lm, data, NINE_TASKS, 3, SHORT_ANSWERS, quick="false")
    assert searches == [0]
    assert results["results"] == evaluate(load_model(tiny), data, NINE_TASKS, 3, SHORT_ANSWERS)["results"]
    assert lm._detect_batch_size() == 4 and searches == [0, 0]  # afterwards lm-eval has its own search again


class TestChatApi:
    """No server is needed: each error must come before the first request."""

    @pytest.fixture
    def api(self) -> Any:
        pytest.importorskip("tenacity")
        from lm_eval.models.openai_completions import LocalChatCompletion

        return LocalChatCompletion(base_url="http://127.0.0.1:9/v1/chat/completions", model="nobody", max_retries=1)

    def test_no_chat_template(self, evaluate, data, api):
        with pytest.raises(UsageError, match="add --apply_chat_template") as error:
            evaluate(api, data, TASK, 1, {"apply_chat_template": False})
        assert "\n" not in str(error.value)

    def test_no_loglikelihood(self, evaluate, data, api):
        with pytest.raises(UsageError, match=r"offers no loglikelihood: use --metadata classifier=generate") as error:
            evaluate(api, data, TASK, 1, classifier="loglikelihood")
        assert "\n" not in str(error.value)

    def test_no_stop_list_is_empty(self, api, data):
        backend = lm_eval_backend.Backend(api, api.apply_chat_template)
        sent: list[Any] = []
        backend._call_model = lambda kind, requests: [sent.append(request.args) or "" for request in requests]  # type: ignore
        spec = dataset_task()
        document = Document({"text": "A."})
        backend.respond([spec.classify(document), spec.explain(document, Answer("negative", "negative"))])
        assert len(sent) == 2
        assert all(settings["until"] for _, settings in sent)


def dataset_task() -> TaskSpec:
    return TaskSpec(dataset_spec("sentiment140").question, "attribution", "oneword")


def test_no_template_at_all(evaluate, data, tiny, tmp_path):
    folder = write_tiny_chat_model(tmp_path / "base", texts_of(data))
    for path in folder.glob("*chat_template*"):
        path.unlink()
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config.pop("chat_template", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match="the chat template cannot be applied") as error:
        evaluate(load_model(folder), data, TASK, 1)
    assert "\n" not in str(error.value)


def test_encoder_decoder_models_have_room_for_the_answer():
    """Their context holds the prompt only."""

    class Seq2Seq:
        backend, max_length, world_size = "seq2seq", 512, 1

        def tok_encode(self, text: str) -> list[int]:
            return [0] * len(text)

    backend = lm_eval_backend.Backend(Seq2Seq(), None)
    assert backend._length_problem("x" * 500, 256) == ""
    assert backend._length_problem("x" * 513, 256) != ""
