"""Special architectures are attributed correctly or refused in one line, in every precision."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from faithful_se.errors import UsageError
from lm_eval_tasks.document import Document
from lm_eval_tasks.forward_pass.lm_head import LMHead
from tests.training.attribution import tiny_models as tiny
from tests.training.attribution.test_exactness import assert_plain_occlusion
from training.attribution.attributor import Attributor
from training.attribution.options import AttributionOptions

GRANITE = {"logits_scaling": 8.0, "embedding_multiplier": 12.0, "residual_multiplier": 0.22}
LONGROPE = {
    "rope_parameters": {
        "rope_type": "longrope",
        "rope_theta": 1e4,
        "short_factor": [1.0] * 4,
        "long_factor": [1.0, 1.5, 2.0, 4.0],
        "original_max_position_embeddings": 150,
    },
    "original_max_position_embeddings": 150,
}


@pytest.fixture(scope="module")
def fast() -> Any:
    return tiny.tokenizer()


def gpt_neo(vocabulary: int, window: int) -> Any:
    settings = {
        "num_layers": 2,
        "num_heads": 4,
        "attention_types": [[["global", "local"], 1]],
        "window_size": window,
        "activation_function": "gelu",
    }
    return tiny.random_model("gpt_neo", vocabulary, **settings)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("granite", GRANITE),
        ("cohere", {"initializer_range": 0.1, "logit_scale": 0.25}),
        ("gemma3_text", {"sliding_window": 24}),
        ("olmo2", {}),
        ("phi3", LONGROPE),
    ],
)
def test_every_masked_text_is_as_the_model_itself_sees_it(kind: str, settings: Any, fast: Any) -> None:
    attributor = Attributor(tiny.random_model(kind, len(fast), **settings), fast, tiny.spec(), AttributionOptions())
    documents = tiny.documents()
    for row, document in zip(attributor.rows(documents), documents, strict=True):
        assert_plain_occlusion(attributor.forward.model, attributor, document, row)


def test_prompts_on_both_sides_of_longropes_switch(fast: Any) -> None:
    """The longest row decides how the positions of a batch are encoded: short and long rows must not share one."""
    model = tiny.random_model("phi3", len(fast), **LONGROPE)
    attributor = Attributor(model, fast, tiny.spec(), AttributionOptions())
    documents = [Document({"text": " ".join(tiny.TWEETS)[: 7 * size]}) for size in range(1, 24)]
    lengths = [len(prompt.ids) for prompt in attributor.renderer.encode(documents)]
    label = attributor.forward.limits.label
    # Texts below, texts above, and one whose variants are on both sides.
    assert min(lengths) + label < 150 < max(lengths)
    assert any(142 <= length + label <= 150 for length in lengths)
    for row, document in zip(attributor.rows(documents), documents, strict=True):
        assert_plain_occlusion(model, attributor, document, row)


@pytest.mark.parametrize("window", [24, 64, 256])
def test_local_attention_has_a_window(window: int, fast: Any) -> None:
    model = gpt_neo(len(fast), window)
    attributor = Attributor(model, fast, tiny.spec(tiny.PAIR), AttributionOptions())
    assert attributor.forward.limits.window == window
    documents = tiny.documents(tiny.PAIR)
    for row, document in zip(attributor.rows(documents), documents, strict=True):
        assert_plain_occlusion(model, attributor, document, row)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_an_unknown_head_is_refused(dtype: torch.dtype, fast: Any, monkeypatch: Any) -> None:
    model = tiny.random_model("granite", len(fast), **GRANITE).to(dtype)
    documents = tiny.documents()
    rows = Attributor(model, fast, tiny.spec(), AttributionOptions()).rows(documents)
    assert all(row["top"] for row in rows)
    init = LMHead.__init__

    def forgetful(self: Any, linear: Any, config: Any) -> None:
        init(self, linear, config)
        self.scale = 1.0

    monkeypatch.setattr(LMHead, "__init__", forgetful)
    with pytest.raises(UsageError, match=r"GraniteForCausalLM: its logits are not its hidden states") as error:
        Attributor(model, fast, tiny.spec(), AttributionOptions()).rows(documents)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("bert", {}, r"BertLMHeadModel: later tokens change its logits: it is no causal language model"),
        ("bloom", {"n_head": 4}, r"BloomForCausalLM: attributions do not support this architecture \(ValueError: "),
        ("rwkv", {}, r"RwkvForCausalLM: attributions do not support this architecture \("),
    ],
)
def test_an_unsupported_architecture_is_refused_in_one_line(kind: str, settings: Any, message: str, fast: Any) -> None:
    model = tiny.random_model(kind, len(fast), **settings)
    with pytest.raises(UsageError, match=message) as error:
        Attributor(model, fast, tiny.spec(), AttributionOptions()).rows(tiny.documents())
    assert "\n" not in str(error.value) and "give another model" in str(error.value)


@pytest.mark.parametrize("method", ["ig", "random"])
@pytest.mark.parametrize("kind", ["mistral", "phi3", "gpt2", "gpt_neo"])
def test_a_text_that_fits_where_its_masked_texts_do_not_is_attributed(kind: str, method: str) -> None:
    """The model is compared with itself on masked texts too, but only where those are within its limits."""
    fast = tiny.tokenizer(known=())
    document = Document({"text": tiny.TWEETS[1]})
    options = AttributionOptions(method, steps=2)

    def model_with(limit: int) -> Any:
        if kind == "gpt_neo":
            return gpt_neo(len(fast), limit)
        rope = {**LONGROPE["rope_parameters"], "original_max_position_embeddings": limit}
        settings = {
            "mistral": {"sliding_window": limit},
            "phi3": {"rope_parameters": rope, "original_max_position_embeddings": limit},
            "gpt2": {"n_positions": limit},
        }
        return tiny.random_model(kind, len(fast), **settings[kind])

    renderer = Attributor(model_with(400), fast, tiny.spec(), options).renderer
    (prompt,) = renderer.encode([document])
    for spare in (0, 2):
        attributor = Attributor(model_with(len(prompt.ids) + 7 + spare), fast, tiny.spec(), options)
        (row,) = attributor.rows([document])
        assert row["top"] and not row["problem"]


def test_positions_as_biases_on_attention_are_refused_in_every_precision(fast: Any) -> None:
    settings = {"d_model": 32, "n_heads": 4, "n_layers": 2, "max_seq_len": 512}
    for dtype in (torch.float32, torch.bfloat16):
        model = tiny.random_model("mpt", len(fast), **settings).to(dtype)
        with pytest.raises(UsageError, match=r"MptForCausalLM: its positions are biases on attention \(alibi\)"):
            Attributor(model, fast, tiny.spec(), AttributionOptions()).rows(tiny.documents())


def test_a_prompt_that_is_wrong_only_when_it_is_long_is_noticed(fast: Any, monkeypatch: Any) -> None:
    """The check looks at the shortest and at the longest text, and at each without its last word."""
    from lm_eval_tasks.forward_pass import context_limits
    from training.attribution import attributor

    model = tiny.random_model("phi3", len(fast), **LONGROPE)
    monkeypatch.setattr(context_limits, "_switch", lambda config: None)
    short, long = Document({"text": "day"}), Document({"text": " ".join(tiny.TWEETS)})
    assert attributor.Attributor(model, fast, tiny.spec(), AttributionOptions()).rows([short])[0]["top"]
    for documents in ([short, long], [long, short]):
        with pytest.raises(UsageError, match="its answers change when its keys and values are reused"):
            Attributor(model, fast, tiny.spec(), AttributionOptions()).rows(documents)
