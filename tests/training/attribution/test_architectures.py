"""Architectures that do something of their own are right or refused in one line, in every precision."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from faithful_se.errors import UsageError
from lm_eval_tasks.document import Document
from tests.training.attribution import architectures as world
from tests.training.attribution.test_exactness import assert_plain_occlusion
from training.attribution.attributor import Attributor
from training.attribution.engine.lm_head import Head
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
    return world.tokenizer()


def gpt_neo(vocabulary: int, window: int) -> Any:
    settings = {
        "num_layers": 2,
        "num_heads": 4,
        "attention_types": [[["global", "local"], 1]],
        "window_size": window,
        "activation_function": "gelu",
    }
    return world.random_model("gpt_neo", vocabulary, **settings)


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
    attributor = Attributor(world.random_model(kind, len(fast), **settings), fast, world.spec(), AttributionOptions())
    documents = world.documents()
    for row, document in zip(attributor.rows(documents), documents, strict=True):
        assert_plain_occlusion(attributor.forward.model, attributor, document, row)


def test_prompts_on_both_sides_of_longropes_switch(fast: Any) -> None:
    """Positions are encoded by the longest row of a batch: short and long rows must not meet in one."""
    model = world.random_model("phi3", len(fast), **LONGROPE)
    attributor = Attributor(model, fast, world.spec(), AttributionOptions())
    documents = [Document({"text": " ".join(world.TWEETS)[: 7 * size]}) for size in range(1, 24)]
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
    attributor = Attributor(model, fast, world.spec(world.PAIR), AttributionOptions())
    assert attributor.forward.limits.window == window
    documents = world.documents(world.PAIR)
    for row, document in zip(attributor.rows(documents), documents, strict=True):
        assert_plain_occlusion(model, attributor, document, row)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_a_head_that_does_more_than_is_known_is_refused(dtype: torch.dtype, fast: Any, monkeypatch: Any) -> None:
    model = world.random_model("granite", len(fast), **GRANITE).to(dtype)
    documents = world.documents()
    known = Attributor(model, fast, world.spec(), AttributionOptions()).rows(documents)
    assert all(row["top"] for row in known)
    made = Head.__init__

    def forgetful(self: Any, linear: Any, config: Any) -> None:
        made(self, linear, config)
        self.scale = 1.0

    monkeypatch.setattr(Head, "__init__", forgetful)
    with pytest.raises(UsageError, match=r"GraniteForCausalLM: its logits are not what its head makes") as error:
        Attributor(model, fast, world.spec(), AttributionOptions()).rows(documents)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("kind", "settings", "told"),
    [
        ("bert", {}, r"BertLMHeadModel: what comes later changes what it says: not a causal language model"),
        ("bloom", {"n_head": 4}, r"BloomForCausalLM: word attributions do not know this architecture \(ValueError: "),
        ("rwkv", {}, r"RwkvForCausalLM: word attributions do not know this architecture \("),
    ],
)
def test_what_is_not_known_is_refused_in_one_line(kind: str, settings: Any, told: str, fast: Any) -> None:
    model = world.random_model(kind, len(fast), **settings)
    with pytest.raises(UsageError, match=told) as error:
        Attributor(model, fast, world.spec(), AttributionOptions()).rows(world.documents())
    assert "\n" not in str(error.value) and "give another model" in str(error.value)


@pytest.mark.parametrize("method", ["ig", "random"])
@pytest.mark.parametrize("kind", ["mistral", "phi3", "gpt2", "gpt_neo"])
def test_a_text_that_fits_where_its_masked_texts_do_not_is_attributed(kind: str, method: str) -> None:
    """The model is compared with itself on masked texts too, but only where those are within its limits."""
    fast = world.tokenizer(known=())
    document = Document({"text": world.TWEETS[1]})
    options = AttributionOptions(method, steps=2)

    def made(limit: int) -> Any:
        if kind == "gpt_neo":
            return gpt_neo(len(fast), limit)
        rope = {**LONGROPE["rope_parameters"], "original_max_position_embeddings": limit}
        settings = {
            "mistral": {"sliding_window": limit},
            "phi3": {"rope_parameters": rope, "original_max_position_embeddings": limit},
            "gpt2": {"n_positions": limit},
        }
        return world.random_model(kind, len(fast), **settings[kind])

    renderer = Attributor(made(400), fast, world.spec(), options).renderer
    (prompt,) = renderer.encode([document])
    for spare in (0, 2):
        attributor = Attributor(made(len(prompt.ids) + 7 + spare), fast, world.spec(), options)
        (row,) = attributor.rows([document])
        assert row["top"] and not row["problem"]


def test_positions_as_biases_on_attention_are_refused_in_every_precision(fast: Any) -> None:
    settings = {"d_model": 32, "n_heads": 4, "n_layers": 2, "max_seq_len": 512}
    for dtype in (torch.float32, torch.bfloat16):
        model = world.random_model("mpt", len(fast), **settings).to(dtype)
        with pytest.raises(UsageError, match=r"MptForCausalLM: its positions are biases on attention \(alibi\)"):
            Attributor(model, fast, world.spec(), AttributionOptions()).rows(world.documents())


def test_a_prompt_that_is_wrong_only_when_it_is_long_is_noticed(fast: Any, monkeypatch: Any) -> None:
    """The check looks at the shortest and at the longest text, and at each without its last word."""
    from training.attribution import attributor
    from training.attribution.engine import context_limits

    model = world.random_model("phi3", len(fast), **LONGROPE)
    monkeypatch.setattr(context_limits, "_switch", lambda config: None)
    short, long = Document({"text": "day"}), Document({"text": " ".join(world.TWEETS)})
    assert attributor.Attributor(model, fast, world.spec(), AttributionOptions()).rows([short])[0]["top"]
    for documents in ([short, long], [long, short]):
        with pytest.raises(UsageError, match="called in parts it answers differently than whole"):
            Attributor(model, fast, world.spec(), AttributionOptions()).rows(documents)
