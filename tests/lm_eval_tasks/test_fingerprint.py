"""Fingerprints of models: equal for one model in every run, different for any other."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lm_eval_tasks.fingerprint import model_fingerprint


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("width", [64, 3, 1])
def test_one_changed_value_is_another_model(dtype: str, width: int) -> None:
    """A sample of 64 values of each parameter would miss it."""
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
    """The base of the positions, the scale of an adapter, weights in buffers; not the way of loading."""
    pytest.importorskip("peft")
    from peft import LoraConfig, get_peft_model

    from tests.training.attribution import tiny_models as world

    def fingerprint(alpha: int | None = None, buffer: float | None = None, **settings: Any) -> str:
        model = world.random_model("llama", 50, **settings)
        if buffer is not None:
            model.register_buffer("packed", model.lm_head.weight.new_tensor([buffer]))
        if alpha:
            lora = LoraConfig(r=2, lora_alpha=alpha, target_modules=["q_proj", "v_proj"])
            model = get_peft_model(model, lora)
        return model_fingerprint(SimpleNamespace(_model=model))

    assert fingerprint() == fingerprint(use_cache=False, architectures=["X"])
    variants = [fingerprint(rope_theta=50.0), fingerprint(rms_norm_eps=1e-3), fingerprint(8), fingerprint(64)]
    assert len({fingerprint(), *variants}) == 5
    assert fingerprint(8) == fingerprint(8) and fingerprint(buffer=1.0) != fingerprint(buffer=2.0)


def test_an_engine_that_hides_its_weights_is_identified_by_its_folder(tmp_path):
    """As in vLLM: `model` is an engine, and `model_args` holds what it loaded."""

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


def test_an_api_is_its_address_and_its_model() -> None:
    pytest.importorskip("tenacity")
    from lm_eval.models.openai_completions import LocalChatCompletion

    lm = LocalChatCompletion(base_url="http://127.0.0.1:9/v1/chat/completions", model="nobody", max_retries=1)
    assert model_fingerprint(lm) == "LocalChatCompletion http://127.0.0.1:9/v1/chat/completions nobody"
