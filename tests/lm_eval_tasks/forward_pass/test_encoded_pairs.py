"""Prompts and labels are encoded as lm-eval does it, in fewer calls of the tokenizer."""

from __future__ import annotations

from typing import Any

import pytest
from lm_eval.models.huggingface import HFLM
from tokenizers import AddedToken

from lm_eval_tasks.forward_pass import encoded_pairs
from lm_eval_tasks.forward_pass.encoded_pairs import EncodedPairs
from tests.lm_eval_tasks.forward_pass.test_quick_ranking import requests_of
from tests.training.attribution import tiny_models as tiny


@pytest.fixture(scope="module")
def lm() -> HFLM:
    fast = tiny.tokenizer()
    return HFLM(pretrained=tiny.random_model("llama", len(fast)), tokenizer=fast)


@pytest.mark.parametrize("template", [True, False])
@pytest.mark.parametrize("question", [tiny.TWEET, tiny.PAIR])
def test_tokens_are_those_of_lm_eval(lm: HFLM, question: Any, template: bool, monkeypatch: Any) -> None:
    pairs = [request.args for request in requests_of(lm.tokenizer, question, template)]
    # White space at the end belongs to the label; a text may hold a special token.
    pairs += [(f"{prompt}{end}", label) for prompt, label in pairs[:6] for end in (" ", "\n\n", lm.tokenizer.eos_token)]
    expected = [lm._encode_pair(*pair) for pair in pairs]
    asked: list[str] = []
    own = lm.tok_encode
    monkeypatch.setattr(lm, "tok_encode", lambda text: asked.append(text) or own(text))
    encoded = EncodedPairs(lm)
    assert [encoded(*pair) for pair in pairs] == expected
    kept = dict(encoded.continuations)
    encoded.forget()
    assert not encoded.contexts and kept and encoded.continuations == kept  # the labels are few
    monkeypatch.setattr(encoded_pairs, "MOST_KEPT", len(kept) - 1)
    encoded.forget()
    assert not encoded.continuations
    plain, labels = pairs[:-18], len(question.labels)
    asked.clear()
    for pair in plain:
        encoded(*pair)
    # Each label costs two: behind a prompt, and that prompt, which is also the first prompt's own.
    assert len(asked) == (len({prompt for prompt, _ in plain}) - 1 + 2 * labels if template else 2 * len(plain))


def test_a_token_that_does_not_split_for_sure_is_left_to_lm_eval(lm: HFLM, monkeypatch: Any) -> None:
    some = {0: AddedToken("the", normalized=True), 1: AddedToken("a", single_word=True), 2: AddedToken(" b ")}
    monkeypatch.setattr(type(lm.tokenizer), "added_tokens_decoder", property(lambda self: some))
    encoded = EncodedPairs(lm)
    assert encoded("the a b ", "x") == lm._encode_pair("the a b ", "x")
    assert not encoded.contexts
