"""Whose answers the rows explain: the fingerprint of the trainer's model, the warning, the card."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from tests.training.sft.tiny_rows import arguments, write_rows
from training.build.options import BuildOptions
from training.models.loading import fingerprint, load_model
from training.sft.cli import main
from training.trainer.provenance import compare_base_model
from training.trainer.rows import RowSource

torch = pytest.importorskip("torch")
pytest.importorskip("trl")


def source(identity: str, dtype: str = "float32") -> RowSource:
    return row_source({"attributions": {"model": identity, "dtype": dtype}})


def row_source(build: dict[str, Any]) -> RowSource:
    return RowSource({"path": "rows", "rows": 4, "sha256": "0"}, build)


def adapted(model: Path, dtype: Any) -> Any:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(model, dtype=dtype)
    return get_peft_model(base, LoraConfig(target_modules="all-linear", task_type="CAUSAL_LM"))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_base_below_an_adapter_is_what_was_attributed(model: Path, dtype: str) -> None:
    """TRL loads in float32, an attribution may have read in bfloat16."""
    own = fingerprint(load_model(str(model), dtype=dtype)[0])
    provenance = compare_base_model(adapted(model, torch.float32), "m", [source(own, dtype)])
    assert provenance == {"base_fingerprint": own, "rows_fingerprint": [own], "own_rows": True}


def test_what_cannot_be_read_is_not_compared(model: Path, caplog: pytest.LogCaptureFixture) -> None:
    own = fingerprint(load_model(str(model))[0])
    unknown = {"base_fingerprint": None, "rows_fingerprint": [own], "own_rows": None}
    assert compare_base_model(adapted(model, torch.bfloat16), "m", [source(own)]) == unknown  # rounded
    sharded = adapted(model, torch.float32)
    next(iter(sharded.get_base_model().parameters())).data = torch.empty(0)  # as ZeRO 3 leaves it
    assert compare_base_model(sharded, "m", [source(own)]) == unknown
    partly_float32 = adapted(model, torch.float32)
    partly_float32.get_base_model()._keep_in_fp32_modules = ["gate"]
    assert (
        compare_base_model(partly_float32, "m", [source(own, "bfloat16")]) == unknown
    )  # which layers were not rounded?
    assert not caplog.text
    provenance = compare_base_model(adapted(model, torch.float32), "m", [row_source({})])
    assert provenance == {"base_fingerprint": own, "rows_fingerprint": [], "own_rows": None}


def test_rows_of_another_model_are_named(model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    own = fingerprint(load_model(str(model))[0])
    for name, identity, owner in (("own", own, "its own"), ("other", "0123", "another model's")):
        data, out = tmp_path / name, tmp_path / f"{name}-trained"
        data.mkdir()
        write_rows(data / "train.jsonl")
        attributed = {"model": identity, "method": "occlusion", "dtype": "float32"}
        build = {"attributions": attributed, "options": BuildOptions().as_dict(), "datasets": ["sst2"]}
        (data / "manifest.json").write_text(json.dumps(build))
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert main(arguments(model, data, out, "--max_steps", "2")) == 0
        warned = f"the rows were built with another model (0123; {model} is {own})" in caplog.text
        info, card = json.loads((out / "train_info.json").read_text()), (out / "README.md").read_text()
        assert warned == (name == "other") and info["own_rows"] == (name == "own")
        assert (info["base_fingerprint"], info["rows_fingerprint"]) == (own, [identity])
        assert f"to explain {owner} classifications" in card and f"`{identity}`" in card and f"`{own}`" in card
        assert info["epochs"] == 0.5 and "0.5 epochs, 2 steps of 4 rows" in card
