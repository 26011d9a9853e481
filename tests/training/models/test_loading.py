"""Incomplete models, adapters and tokenizers, and those that do not belong together: one line with the remedy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from tests.training.attribution import tiny_models as tiny
from training.models.loading import load_model, load_tokenizer


@pytest.fixture(scope="module")
def adapter(model: Path, tmp_path_factory: Any) -> Path:
    """An adapter of the model."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("adapter")
    base = AutoModelForCausalLM.from_pretrained(model)
    get_peft_model(base, LoraConfig(r=2, target_modules=["q_proj"])).save_pretrained(folder)
    return folder


def rewritten(adapter: Path, to: Path, **values: Any) -> Path:
    """A copy of an adapter whose configuration says something else."""
    shutil.copytree(adapter, to)
    config = json.loads((to / "adapter_config.json").read_text())
    (to / "adapter_config.json").write_text(json.dumps({**config, **values}))
    return to


def refused(*arguments: str) -> str:
    with pytest.raises(UsageError) as error:
        load_model(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_incomplete_adapters_and_adapters_of_another_model(model: Path, adapter: Path, tmp_path: Path) -> None:
    load_model(str(adapter))
    bare = rewritten(adapter, tmp_path / "bare")
    (bare / "adapter_model.safetensors").unlink()
    assert "bare: the adapter has no weights, no adapter_model.safetensors: copy or" in refused(str(bare))
    assert "the adapter has no weights" in refused(str(model), str(bare))
    nobody = rewritten(adapter, tmp_path / "nobody", base_model_name_or_path=None)
    assert f"names no base model: give --model BASE --adapter {nobody}" in refused(str(nobody))
    load_model(str(model), str(nobody))
    broken = rewritten(adapter, tmp_path / "broken")
    (broken / "adapter_config.json").write_text('{"a\n')
    for arguments in ([str(broken)], [str(model), str(broken)]):
        assert "broken/adapter_config.json is damaged, it holds no JSON object: copy or save" in refused(*arguments)
    assert "is no adapter, there is no adapter_config.json in it: give a whole" in refused(str(model), str(model))
    wide, other = tmp_path / "wide", tmp_path / "other"
    fast = tiny.tokenizer()
    tiny.save(wide, tiny.random_model("llama", len(fast), head_dim=16), fast)
    message = refused(str(wide), str(adapter))
    assert f"the adapter {adapter} does not fit the model {wide} (size mismatch for" in message
    assert message.endswith(f"give the model it was trained on, --model BASE --adapter {adapter}")
    unknown = rewritten(adapter, tmp_path / "unknown", peft_type="MAGIC")
    assert f"cannot load the model {unknown}: " in refused(str(model), str(unknown))
    rewritten(adapter, other, target_modules=["query"])
    assert f"the adapter {other} does not fit the model {model} (Target modules" in refused(str(model), str(other))


def test_a_folder_without_weights_and_a_tokenizer_of_another_model(model: Path, tmp_path: Path) -> None:
    bare, more = shutil.copytree(model, tmp_path / "bare"), shutil.copytree(model, tmp_path / "more")
    (bare / "model.safetensors").unlink()
    assert refused(str(bare)).endswith("; copy or save the model again, with its weights")
    tokenizer = load_tokenizer(str(model))
    rows = len(tokenizer)
    tokenizer.add_tokens(["<image>"], special_tokens=True)  # as Gemma 3's: no text is made of it
    tokenizer.save_pretrained(more)
    load_model(str(more))
    tokenizer.add_tokens(["qqone", "qqtwo"])
    tokenizer.save_pretrained(more)
    assert f"the tokenizer has 2 tokens more than the model's {rows} embeddings (the first is 'qqone')" in refused(
        str(more)
    )
