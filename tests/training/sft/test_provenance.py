"""Whose answers the rows explain: the fingerprint of what the trainer holds, the warning, the card."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from tests.training.sft.world import arguments, write_rows
from training.build.options import BuildOptions
from training.models.loading import fingerprint, load_model
from training.sft.cli import main
from training.sft.provenance import whose_rows

torch = pytest.importorskip("torch")
pytest.importorskip("trl")


def source(identity: str, dtype: str = "float32") -> dict[str, Any]:
    return {"build": {"attributions": {"model": identity, "dtype": dtype}}}


def adapted(model: Path, dtype: Any) -> Any:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    whole = AutoModelForCausalLM.from_pretrained(model, dtype=dtype)
    return get_peft_model(whole, LoraConfig(target_modules="all-linear", task_type="CAUSAL_LM"))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_base_below_an_adapter_is_what_was_attributed(model: Path, dtype: str) -> None:
    """TRL loads in float32, an attribution may have read in bfloat16."""
    mine = fingerprint(load_model(str(model), dtype=dtype)[0])
    told = whose_rows(adapted(model, torch.float32), "m", [source(mine, dtype)])
    assert told == {"base_fingerprint": mine, "rows_fingerprint": [mine], "own_rows": True}


def test_what_cannot_be_read_is_not_compared(model: Path, caplog: pytest.LogCaptureFixture) -> None:
    mine = fingerprint(load_model(str(model))[0])
    unknown = {"base_fingerprint": None, "rows_fingerprint": [mine], "own_rows": None}
    assert whose_rows(adapted(model, torch.bfloat16), "m", [source(mine)]) == unknown  # rounded
    sharded = adapted(model, torch.float32)
    next(iter(sharded.get_base_model().parameters())).data = torch.empty(0)  # as ZeRO 3 leaves it
    assert whose_rows(sharded, "m", [source(mine)]) == unknown
    kept = adapted(model, torch.float32)
    kept.get_base_model()._keep_in_fp32_modules = ["gate"]
    assert whose_rows(kept, "m", [source(mine, "bfloat16")]) == unknown  # which layers were not rounded?
    assert not caplog.text
    told = whose_rows(adapted(model, torch.float32), "m", [{"build": {}}])
    assert told == {"base_fingerprint": mine, "rows_fingerprint": [], "own_rows": None}


def test_rows_of_another_model_are_told(model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mine = fingerprint(load_model(str(model))[0])
    for name, identity, whose in (("own", mine, "its own"), ("other", "0123", "another model's")):
        data, out = tmp_path / name, tmp_path / f"{name}-trained"
        data.mkdir()
        write_rows(data / "train.jsonl")
        attributed = {"model": identity, "method": "occlusion", "dtype": "float32"}
        built = {"attributions": attributed, "options": BuildOptions().as_dict(), "datasets": ["sst2"]}
        (data / "manifest.json").write_text(json.dumps(built))
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert main(arguments(model, data, out, "--max_steps", "2")) == 0
        warned = f"the rows were built with another model (0123; {model} is {mine})" in caplog.text
        info, card = json.loads((out / "train_info.json").read_text()), (out / "README.md").read_text()
        assert warned == (name == "other") and info["own_rows"] == (name == "own")
        assert (info["base_fingerprint"], info["rows_fingerprint"]) == (mine, [identity])
        assert f"to explain {whose} classifications" in card and f"`{identity}`" in card and f"`{mine}`" in card
        assert info["epochs"] == 0.5 and "0.5 epochs, 2 steps of 4 rows" in card
