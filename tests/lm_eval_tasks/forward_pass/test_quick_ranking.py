"""Labels ranked by our own forward pass: log-probabilities are those of lm-eval's `hf`, one by one."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from lm_eval.models.huggingface import HFLM

from lm_eval_tasks import LOGGER
from lm_eval_tasks.data_parallel import make_request
from lm_eval_tasks.forward_pass import hf_model
from lm_eval_tasks.forward_pass.label_rows import LabelRows
from lm_eval_tasks.forward_pass.quick_ranking import QuickRanking
from lm_eval_tasks.lm_eval_backend import Backend
from tests.training.attribution import tiny_models as tiny
from tests.training.attribution.test_architectures import GRANITE, LONGROPE, gpt_neo

SPECIAL = (
    *((kind, {}) for kind in (*tiny.ARCHITECTURES, "olmo2")),
    ("granite", GRANITE),
    ("cohere", {"initializer_range": 0.1, "logit_scale": 0.25}),
    ("gemma3_text", {"sliding_window": 100}),  # shorter than the longest texts
    ("phi3", LONGROPE),
)


@pytest.fixture(scope="module")
def fast() -> Any:
    return tiny.tokenizer()


def requests_of(fast: Any, question: Any, template: bool = True) -> list[Any]:
    """Each label of each text, as it is and with each of its words masked."""
    requests = []
    for document in tiny.documents(question):
        *others, last = question.fields
        words = document.fields[last].split()
        masked = [[*words[:i], "[REDACTED]", *words[i + 1 :]] for i in range(len(words))]
        for text in (words, *masked):
            parts = [document.fields[name] for name in others] + [" ".join(text)]
            prompt = "\n".join([question.question, *parts])
            if template:
                chat = [{"role": "user", "content": prompt}]
                prompt = fast.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
            labels = question.labels if template else [f" {label}" for label in question.labels]
            requests += [make_request("loglikelihood", (prompt, label)) for label in labels]
    return requests


def both(lm: HFLM, requests: list[Any], monkeypatch: Any, cut: int = 0) -> tuple[Any, Any]:
    """The answers of lm-eval's own passes and of ours, which must not be lm-eval's for more than `cut` requests."""
    expected = lm.loglikelihood(requests, disable_tqdm=True)
    ranking = QuickRanking(lm)
    with ranking.active():
        lm.loglikelihood(requests, disable_tqdm=True)  # with the comparison
        assert ranking.rows is not None
        own = HFLM._loglikelihood_tokens

        def counted(self: Any, some: Any, **options: Any) -> Any:
            assert len(some) <= cut
            return own(self, some, **options)

        with monkeypatch.context() as patch:
            patch.setattr(HFLM, "_loglikelihood_tokens", counted)
            return expected, lm.loglikelihood(requests, disable_tqdm=True)


def assert_equal(answers: tuple[Any, Any], within: float = 1e-4) -> None:
    expected, quick = answers
    assert len(expected) == len(quick)
    for (logprob, greedy), (ours, ours_greedy) in zip(expected, quick, strict=True):
        assert ours == pytest.approx(logprob, abs=within)
        assert ours_greedy == greedy


@pytest.mark.parametrize(("kind", "settings"), SPECIAL, ids=[kind for kind, _ in SPECIAL])
def test_every_log_probability_is_that_of_lm_eval(kind, settings, fast, monkeypatch):
    model = tiny.random_model(kind, len(fast), **settings)
    for question in (tiny.TWEET, tiny.PAIR):
        requests = requests_of(fast, question)
        cut = len(requests) if "sliding_window" in settings or settings is LONGROPE else 0
        lm = HFLM(pretrained=model, tokenizer=fast, batch_size=4 if cut == 0 else 1)
        assert_equal(both(lm, requests, monkeypatch, cut))


def test_local_attention(fast, monkeypatch):
    lm = HFLM(pretrained=gpt_neo(len(fast), 256), tokenizer=fast, batch_size=4)
    assert_equal(both(lm, requests_of(fast, tiny.PAIR), monkeypatch))


def test_prompts_without_a_template_with_blanks_and_empty(fast, monkeypatch):
    lm = HFLM(pretrained=tiny.random_model("llama", len(fast)), tokenizer=fast, batch_size=4)
    pairs = [("coffee  ", "good"), ("coffee", "good"), ("coffee", "goodbye"), ("", "good"), ("", "a b"), ("x", "x")]
    requests = requests_of(fast, tiny.TWEET, template=False)
    requests += [make_request("loglikelihood", pair) for pair in (*pairs, *pairs)]
    assert_equal(both(lm, requests, monkeypatch))


def test_the_first_token_is_added_as_lm_eval_adds_it(monkeypatch):
    from tokenizers.processors import TemplateProcessing

    fast = tiny.tokenizer()
    fast.add_special_tokens({"bos_token": "<|system|>"})
    bos = fast.bos_token_id
    fast.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|system|> $A", special_tokens=[("<|system|>", bos)]
    )
    model = tiny.random_model("llama", len(fast))
    requests = requests_of(fast, tiny.TWEET, template=False)[:24]
    requests += [
        make_request("loglikelihood", ("<|system|>" + args[0], args[1])) for args in (r.args for r in requests)
    ]
    answers = []
    for options in ({}, {"add_bos_token": False}, {"prefix_token_id": 7}):
        lm = HFLM(pretrained=model, tokenizer=fast, batch_size=4, **options)
        answers.append(both(lm, [*requests, make_request("loglikelihood", ("", "good"))], monkeypatch))
        assert_equal(answers[-1])
    assert answers[0][1] != answers[1][1]
    assert answers[0][1][-1] != answers[2][1][-1]


def test_long_texts_are_cut_as_lm_eval_cuts_them(fast, monkeypatch):
    requests = requests_of(fast, tiny.PAIR)
    lengths = sorted(len(fast(request.args[0]).input_ids) for request in requests)
    limit = lengths[len(lengths) // 2] + 6
    lm = HFLM(pretrained=tiny.random_model("llama", len(fast)), tokenizer=fast, batch_size=4, max_length=limit)
    assert_equal(both(lm, requests, monkeypatch, cut=len(requests) - 6))


def test_an_adapter(fast, monkeypatch):
    from peft import LoraConfig, get_peft_model

    model = tiny.random_model("llama", len(fast))
    requests = requests_of(fast, tiny.PAIR)
    plain = both(HFLM(pretrained=model, tokenizer=fast, batch_size=4), requests, monkeypatch)
    config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
    adapted = HFLM(pretrained=get_peft_model(model, config), tokenizer=fast, batch_size=4)
    answers = both(adapted, requests, monkeypatch)
    assert_equal(answers)
    assert max(abs(a - b) for (a, _), (b, _) in zip(answers[1], plain[1], strict=True)) > 0.1


@pytest.mark.parametrize(
    "options", [{"softmax_dtype": "float64"}, {"softmax_dtype": "bfloat16"}, {"mixed_precision_dtype": "bfloat16"}]
)
def test_number_types(options, fast, monkeypatch):
    lm = HFLM(pretrained=tiny.random_model("llama", len(fast)), tokenizer=fast, batch_size=4, **options)
    expected, quick = both(lm, requests_of(fast, tiny.PAIR), monkeypatch)
    rounded = "bfloat16" in options.values()
    for (logprob, _), (ours, _) in zip(expected, quick, strict=True):
        assert ours == pytest.approx(logprob, rel=0.02 if rounded else 0, abs=1e-4)
        assert not rounded or ours == float(torch.tensor(ours, dtype=torch.bfloat16))


@pytest.mark.parametrize(
    ("kind", "settings", "reason"),
    [
        ("bert", {}, "later tokens change its logits"),
        ("bloom", {"n_head": 4}, "ValueError: "),
        ("gemma3_text", {"sliding_window": 8}, "the texts are longer than its attention window"),
    ],
)
def test_a_model_that_cannot_be_ranked_so_is_left_to_lm_eval(kind, settings, reason, fast, caplog):
    lm = HFLM(pretrained=tiny.random_model(kind, len(fast), **settings), tokenizer=fast, batch_size=4)
    requests = requests_of(fast, tiny.PAIR)[:12]
    expected = lm.loglikelihood(requests, disable_tqdm=True)
    ranking = QuickRanking(lm)
    with caplog.at_level(logging.INFO, LOGGER), ranking.active():
        assert [lm.loglikelihood(requests, disable_tqdm=True) for _ in range(2)] == [expected] * 2
    (message,) = [record.getMessage() for record in caplog.records if record.name == LOGGER]
    assert f"labels are ranked by lm-eval's own passes, which take longer: {reason}" in message
    assert "_loglikelihood_tokens" not in vars(lm)


def test_another_answer_than_the_models_own_is_noticed(fast, monkeypatch, caplog):
    lm = HFLM(pretrained=tiny.random_model("llama", len(fast)), tokenizer=fast, batch_size=4)
    requests = requests_of(fast, tiny.PAIR)[:12]
    expected = lm.loglikelihood(requests, disable_tqdm=True)
    score = LabelRows._score

    def wrong(self: Any, *arguments: Any) -> Any:
        return [[(logprob + 0.1, greedy) for logprob, greedy in scores] for scores in score(self, *arguments)]

    monkeypatch.setattr(LabelRows, "_score", wrong)
    with caplog.at_level(logging.INFO, LOGGER), QuickRanking(lm).active():
        assert lm.loglikelihood(requests, disable_tqdm=True) == expected
    assert "its answers change when its keys and values are reused" in caplog.text


def test_all_processes_do_the_same(fast, monkeypatch):
    lm = HFLM(pretrained=tiny.random_model("llama", len(fast)), tokenizer=fast, batch_size=4)
    monkeypatch.setattr(hf_model, "gather_ints", lambda lm, number: [number, 0])
    ranking = QuickRanking(lm)
    with ranking.active():
        lm.loglikelihood(requests_of(fast, tiny.PAIR)[:6], disable_tqdm=True)
    assert ranking.checked and ranking.rows is None


def test_only_lm_evals_own_class_is_ranked_so(fast):
    class Other(HFLM):
        pass

    model = tiny.random_model("llama", len(fast))
    assert Backend(HFLM(pretrained=model, tokenizer=fast), None)._ranking is not None
    assert Backend(HFLM(pretrained=model, tokenizer=fast), None, quick=False)._ranking is None
    assert Backend(Other(pretrained=model, tokenizer=fast), None)._ranking is None
    assert Backend(HFLM(pretrained=model, tokenizer=fast, backend="seq2seq"), None)._ranking is None
