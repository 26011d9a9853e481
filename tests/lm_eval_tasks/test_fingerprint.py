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


def test_an_engine_that_hides_its_weights_is_identified_by_its_folder(tmp_path, monkeypatch):
    """As in vLLM: `model` is an engine, and `model_args` holds what it loaded."""

    class Engine:
        def __init__(self, folder: Path | str, revision: str | None = None) -> None:
            self.model, self.model_args = object(), {"model": str(folder), "revision": revision}

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(b"0" * 10)
    first = model_fingerprint(Engine(tmp_path / "a"))
    assert first == model_fingerprint(Engine(tmp_path / "a"))
    assert first != model_fingerprint(Engine(tmp_path / "b"))
    monkeypatch.chdir(tmp_path)
    for typed in ("a", "./a", "a/", ".//a/", f"{tmp_path}/b/../a", f"{tmp_path}//a/"):
        assert model_fingerprint(Engine(typed)) == first
    (tmp_path / "a" / "model.safetensors").write_bytes(b"0" * 11)
    assert first != model_fingerprint(Engine(tmp_path / "a"))
    hub, pinned = Path("org/model"), model_fingerprint(Engine(Path("org/model"), "v2"))
    assert model_fingerprint(Engine(hub)) != pinned


def test_an_api_is_its_address_and_its_model() -> None:
    pytest.importorskip("tenacity")
    from lm_eval.models.openai_completions import LocalChatCompletion

    lm = LocalChatCompletion(base_url="http://127.0.0.1:9/v1/chat/completions", model="nobody", max_retries=1)
    assert model_fingerprint(lm) == "LocalChatCompletion http://localhost/v1/chat/completions nobody"


def server(url: str, model: str = "m") -> Any:
    return SimpleNamespace(base_url=url, model=model)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000/v1",
        "http://localhost:8001/v1",
        "http://localhost/v1",
        "http://LOCALHOST:8000/v1",
        "http://localhost.:8000/v1",
        "http://127.0.0.1:8000/v1",
        "http://127.0.0.1:54321/v1/",
        "http://127.1:80/v1",
        "http://127.8.8.8:8000/v1",
        "http://0.0.0.0:8000//v1",
        "http://[::1]:8000/v1",
        "http://[::ffff:127.0.0.1]:8000/v1",
        "http://me:secret@localhost:8000/v1",
    ],
)
def test_a_server_on_this_machine_is_one_on_any_port(url: str) -> None:
    assert model_fingerprint(server(url)) == "SimpleNamespace http://localhost/v1 m"


def test_servers_that_are_two() -> None:
    urls = ["http://gpu1:8000/v1", "http://gpu1:8001/v1", "http://gpu2:8000/v1", "https://gpu1:8000/v1"]
    urls += ["http://10.0.0.1/v1", "http://localhost/v1", "http://localhost/v2", "http://localhost.org/v1"]
    urls += [
        "http://128.0.0.1/v1",
        "http://[::2]/v1",
        "http://127.0.0.1.nip.io/v1",
        "not a url://[",
        "http://gpu1:x/v1",
    ]
    assert len({model_fingerprint(server(url)) for url in urls}) == len(urls)
    assert model_fingerprint(server(urls[0])) != model_fingerprint(server(urls[0], "other"))
    for same in ("http://gpu1:8000/v1/", "http://GPU1:8000//v1", "http://a:b@gpu1:8000/v1"):
        assert model_fingerprint(server(same)) == model_fingerprint(server(urls[0]))
    assert model_fingerprint(server("https://x.org:443/v1")) == model_fingerprint(server("https://x.org/v1"))
    assert model_fingerprint(server(urls[0], "runs/base/")) == model_fingerprint(server(urls[0], "./runs//base"))
