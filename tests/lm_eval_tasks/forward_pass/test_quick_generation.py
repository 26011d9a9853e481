"""Greedy texts by our own decoding: those of lm-eval's `hf`, one by one."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from lm_eval.models.huggingface import HFLM

from lm_eval_tasks import LOGGER
from lm_eval_tasks.data_parallel import make_request
from lm_eval_tasks.forward_pass import greedy_decoding, hf_model
from lm_eval_tasks.forward_pass.greedy_decoding import GreedyDecoder
from lm_eval_tasks.forward_pass.kv_slots import KVSlots
from lm_eval_tasks.forward_pass.quick_generation import QuickGeneration
from lm_eval_tasks.lm_eval_backend import Backend
from tests.lm_eval_tasks.forward_pass.test_quick_ranking import SPECIAL
from tests.training.attribution import tiny_models as tiny
from tests.training.attribution.test_architectures import gpt_neo

REQUESTS = ("name a word", "now without the rain , please", "name the day")
SETTINGS = {"until": [], "do_sample": False, "max_gen_toks": 12}


@pytest.fixture(scope="module")
def fast() -> Any:
    return tiny.tokenizer()


def requests_of(fast: Any, question: Any, **settings: Any) -> list[Any]:
    """Of each text the classification, and requests for explanations that open with it."""
    requests = []
    for document in tiny.documents(question):
        text = "\n".join([question.question, *document.fields.values()])
        first = [{"role": "user", "content": text}]
        chats = [first] + [
            [*first, {"role": "assistant", "content": "good"}, {"role": "user", "content": request}]
            for request in REQUESTS
        ]
        prompts = [fast.apply_chat_template(chat, tokenize=False, add_generation_prompt=True) for chat in chats]
        requests += [make_request("generate_until", (prompt, {**SETTINGS, **settings})) for prompt in prompts]
    return requests


def both(lm: HFLM, requests: list[Any], monkeypatch: Any, cut: int = 0) -> tuple[list[str], list[str]]:
    """The texts of lm-eval's own loop and of ours, in which lm-eval's gets no more than `cut` requests."""
    expected = [text for request in requests for text in lm.generate_until([request], disable_tqdm=True)]
    generation = QuickGeneration(lm)
    own = HFLM.generate_until
    with monkeypatch.context() as patch:

        def counted(self: Any, some: Any, **options: Any) -> Any:
            assert len(some) <= cut
            return own(self, some, **options)

        patch.setattr(HFLM, "generate_until", counted)
        with generation.active():
            return expected, lm.generate_until(requests, disable_tqdm=True)


@pytest.mark.parametrize(("kind", "settings"), SPECIAL, ids=[kind for kind, _ in SPECIAL])
def test_every_text_is_that_of_lm_eval(kind, settings, fast, monkeypatch):
    settings = {"tie_word_embeddings": False, **settings}  # with tied ones, random models repeat the last token
    lm = HFLM(pretrained=tiny.random_model(kind, len(fast), **settings), tokenizer=fast, batch_size=4)
    requests = requests_of(fast, tiny.TWEET) + requests_of(fast, tiny.PAIR, max_gen_toks=20)
    cut = len(requests) // 2 if {"sliding_window", "rope_parameters"} & set(settings) else 0
    expected, quick = both(lm, requests, monkeypatch, cut)
    assert quick == expected
    assert len(set(expected)) > len(expected) // 2


def test_local_attention(fast, monkeypatch):
    lm = HFLM(pretrained=gpt_neo(len(fast), 256), tokenizer=fast, batch_size=4)
    expected, quick = both(lm, requests_of(fast, tiny.PAIR), monkeypatch)
    assert quick == expected


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_rows_take_turns_where_few_fit(rows, fast, monkeypatch):
    lm = HFLM(pretrained=tiny.random_model("llama", len(fast)), tokenizer=fast, batch_size=4)
    monkeypatch.setattr(greedy_decoding, "MOST_ROWS", rows)
    expected, quick = both(lm, requests_of(fast, tiny.TWEET), monkeypatch)
    assert quick == expected


def test_memory_that_runs_out_halves_the_rows(fast, monkeypatch, caplog):
    lm = HFLM(pretrained=tiny.random_model("llama", len(fast)), tokenizer=fast, batch_size=4)
    requests = requests_of(fast, tiny.TWEET)
    extend, most = KVSlots.extend, []

    def small(self: Any, first: int, tokens: Any) -> Any:
        if len(self.lengths) > 6:
            raise torch.OutOfMemoryError("out of memory")
        most.append(len(self.lengths))
        return extend(self, first, tokens)

    monkeypatch.setattr(KVSlots, "extend", small)
    monkeypatch.setattr(greedy_decoding, "MOST_ROWS", 16)
    expected, quick = both(lm, requests, monkeypatch)
    assert quick == expected
    assert max(most) <= 6
    assert "out of memory: continuing with" in caplog.text


def test_stop_texts_and_ends(fast, monkeypatch):
    model = tiny.random_model("llama", len(fast))
    lm = HFLM(pretrained=model, tokenizer=fast, batch_size=4)
    requests = requests_of(fast, tiny.TWEET, max_gen_toks=24)
    texts, _ = both(lm, requests, monkeypatch)
    stops = [text[4:7] for text in texts[:4]]
    for until in (stops[:1], stops, [*stops, "<|end|>"]):
        expected, quick = both(lm, requests_of(fast, tiny.TWEET, max_gen_toks=24, until=until), monkeypatch)
        assert quick == expected
        assert expected != texts
    # A token that the model writes often ends its texts, beside that of the tokenizer.
    often = fast(texts[0][:6]).input_ids[-1]
    model.generation_config.eos_token_id = [fast.eos_token_id, often]
    expected, quick = both(lm, requests, monkeypatch)
    assert quick == expected
    assert expected != texts


def test_a_repetition_penalty_of_the_model(fast, monkeypatch):
    model = tiny.random_model("llama", len(fast))
    lm = HFLM(pretrained=model, tokenizer=fast, batch_size=4)
    requests = requests_of(fast, tiny.TWEET)
    plain, _ = both(lm, requests, monkeypatch)
    model.generation_config.repetition_penalty = 1.3
    expected, quick = both(lm, requests, monkeypatch)
    assert quick == expected
    assert expected != plain


def test_an_adapter(fast, monkeypatch):
    from peft import LoraConfig, get_peft_model

    model = tiny.random_model("llama", len(fast))
    requests = requests_of(fast, tiny.PAIR)
    plain, _ = both(HFLM(pretrained=model, tokenizer=fast, batch_size=4), requests, monkeypatch)
    config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
    expected, quick = both(
        HFLM(pretrained=get_peft_model(model, config), tokenizer=fast, batch_size=4), requests, monkeypatch
    )
    assert quick == expected
    assert expected != plain


def test_what_is_not_greedy_or_is_cut_is_left_to_lm_eval(fast, monkeypatch):
    lm = HFLM(pretrained=tiny.random_model("llama", len(fast)), tokenizer=fast, batch_size=4, max_length=200)
    requests = requests_of(fast, tiny.TWEET)
    others = requests_of(fast, tiny.TWEET, num_beams=2)[:2] + requests_of(fast, tiny.TWEET, max_gen_toks=150)[:2]
    expected, quick = both(lm, [*requests[:3], *others, *requests[3:], *requests[:2]], monkeypatch, cut=4)
    assert quick == expected


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"num_beams": 2}, "its generation configuration asks for beam_search"),
        ({"no_repeat_ngram_size": 2}, "its generation configuration changes logits (NoRepeatNGramLogitsProcessor)"),
        ({"eos_token_id": 7}, "the end token of its tokenizer does not end its texts"),
        ({"max_time": 5.0}, "its generation configuration has other ends than a token"),
    ],
)
def test_a_generation_configuration_that_is_not_known_here(change, reason, fast, caplog):
    model = tiny.random_model("llama", len(fast))
    model.generation_config.update(**change)
    assert_left_to_lm_eval(HFLM(pretrained=model, tokenizer=fast, batch_size=4), fast, reason, caplog)


@pytest.mark.parametrize(
    ("kind", "settings", "reason"),
    [
        ("bloom", {"n_head": 4}, "ValueError: "),
        ("gemma3_text", {"sliding_window": 8}, "the texts are longer than its attention window"),
    ],
)
def test_a_model_that_cannot_be_called_in_parts(kind, settings, reason, fast, caplog):
    lm = HFLM(pretrained=tiny.random_model(kind, len(fast), **settings), tokenizer=fast, batch_size=4)
    assert_left_to_lm_eval(lm, fast, reason, caplog)


def assert_left_to_lm_eval(lm: HFLM, fast: Any, reason: str, caplog: Any) -> None:
    requests = requests_of(fast, tiny.PAIR)[:6]
    expected = lm.generate_until(requests, disable_tqdm=True)
    with caplog.at_level(logging.INFO, LOGGER), QuickGeneration(lm).active():
        assert [lm.generate_until(requests, disable_tqdm=True) for _ in range(2)] == [expected] * 2
    (message,) = [record.getMessage() for record in caplog.records if record.name == LOGGER]
    assert f"texts are generated by lm-eval's own loop, which takes longer: {reason}" in message
    assert "generate_until" not in vars(lm)


def test_other_logits_than_the_models_own_are_noticed(fast, monkeypatch, caplog):
    lm = HFLM(pretrained=tiny.random_model("llama", len(fast)), tokenizer=fast, batch_size=4)
    copy = KVSlots.copy
    monkeypatch.setattr(KVSlots, "copy", lambda self, slot, source, of, tokens: copy(self, slot, source, 0, tokens))
    assert_left_to_lm_eval(lm, fast, "its answers change when its keys and values are reused", caplog)


def test_all_processes_do_the_same(fast, monkeypatch):
    lm = HFLM(pretrained=tiny.random_model("llama", len(fast)), tokenizer=fast, batch_size=4)
    monkeypatch.setattr(hf_model, "gather_ints", lambda lm, number: [number, 0])
    generation = QuickGeneration(lm)
    with generation.active():
        lm.generate_until(requests_of(fast, tiny.PAIR)[:4], disable_tqdm=True)
    assert generation.checked and generation.decoder is None


def test_only_lm_evals_own_class_generates_so(fast):
    class Other(HFLM):
        pass

    model = tiny.random_model("llama", len(fast))
    assert Backend(HFLM(pretrained=model, tokenizer=fast), None)._generation is not None
    assert Backend(HFLM(pretrained=model, tokenizer=fast), None, quick=False)._generation is None
    assert Backend(Other(pretrained=model, tokenizer=fast), None)._generation is None


def test_a_decoder_needs_room_for_one_row(fast, monkeypatch):
    lm = HFLM(pretrained=tiny.random_model("llama", len(fast)), tokenizer=fast, batch_size=4)
    generation = QuickGeneration(lm)
    with generation.active():
        lm.generate_until(requests_of(fast, tiny.PAIR)[:4], disable_tqdm=True)
    monkeypatch.setattr(KVSlots, "extend", lambda *arguments: (_ for _ in ()).throw(MemoryError()))
    assert isinstance(generation.decoder, GreedyDecoder)
    with generation.active(), pytest.raises(MemoryError, match=r"a single text of \d+ tokens does not fit"):
        lm.generate_until(requests_of(fast, tiny.PAIR)[:1], disable_tqdm=True)
