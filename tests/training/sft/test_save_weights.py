"""Weights sharded over two processes (FSDP 2): the adapter is complete, and equals that of one process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from faithful_se.errors import UsageError
from tests.tiny_model import write_tiny_chat_model
from tests.training.sft.tiny_rows import ROWS, arguments, write_rows
from training.sft.cli import main
from training.trainer.merge import merge
from training.trainer.save_weights import save_weights

torch = pytest.importorskip("torch", minversion="2.9", reason="2.6 shards on GPUs only")
pytest.importorskip("trl")
ROOT = Path(__file__).resolve().parents[3]
FSDP = ROOT / "recipes" / "doi2025" / "fsdp_8.yaml"
PORT = str(29500 + os.getpid() % 300)  # test processes side by side must not meet
STEP = 1e-2  # of Adam, however small the gradient
EXACT = "--dtype float32 --bf16 false --save_total_limit 5"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = [turn["content"] for row in ROWS for part in row.values() for turn in part]
    return write_tiny_chat_model(tmp_path_factory.mktemp("model"), texts, hidden=16, layers=2)


def train_sharded(folder: Path, command: list[str], **fsdp: Any) -> subprocess.CompletedProcess[str]:
    """Train in two processes, with the recipe's accelerate configuration but for `fsdp` and the number of processes."""
    config = yaml.safe_load(FSDP.read_text())
    config["fsdp_config"].update({f"fsdp_{name}": value for name, value in fsdp.items()})
    return launch_two(folder, command, config)


def launch_two(
    folder: Path, command: list[str], config: dict[str, Any], name: str = "sft"
) -> subprocess.CompletedProcess[str]:
    if "--bf16" in command:
        config["mixed_precision"] = "no"
    (folder / "accelerate.yaml").write_text(yaml.safe_dump(config))
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(folder / "accelerate.yaml")]
    launch += ["--num_processes", "2", "--main_process_port", PORT, "-m", "tests.training.sft.cpu_as_gpu", name]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    environment.update(OMP_NUM_THREADS="1", DS_ACCELERATOR="cpu")
    launch += [*command, "--use_cpu", "false"]
    return subprocess.run(launch, cwd=folder, env=environment, timeout=300, check=False, capture_output=True, text=True)


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "adapter_model.safetensors"))


def test_the_recipe_as_it_stands_writes_an_adapter_that_peft_reads(model: Path, tmp_path: Path) -> None:
    """bfloat16, recomputing, gathered weights: no tensor is missing, and the merged model is not the base."""
    from safetensors.torch import load_file

    recipe, out = ROOT / "recipes" / "doi2025" / "tulu2_13b.yaml", tmp_path / "out"
    command = ["--config", str(recipe), "--model_name_or_path", str(model), "--output_dir", str(out), "--merge", "true"]
    command += ["--data", str(write_rows(tmp_path / "rows.jsonl")), "--max_steps", "2", "--warmup_steps", "0"]
    done = train_sharded(tmp_path, [*command, "--gradient_accumulation_steps", "2"])
    assert done.returncode == 0, done.stderr[-3000:]
    assert "missing adapter keys" not in done.stderr and done.stdout.count(": trained") == 1
    adapter = weights(out)
    assert len(adapter) == 2 * 7 * 2  # A and B of seven projections in two layers
    assert all(float(value.abs().max()) > 0 for value in adapter.values())
    base, merged = load_file(model / "model.safetensors"), load_file(out / "merged" / "model.safetensors")
    changed = "model.layers.1.mlp.down_proj.weight"
    assert not torch.equal(base[changed].to(merged[changed].dtype), merged[changed])
    assert json.loads((out / "train_info.json").read_text())["batch"] == 8 * 2 * 2


def test_two_processes_train_what_one_trains_and_go_on_after_a_kill(model: Path, tmp_path: Path) -> None:
    """Checkpoints in parts, as accelerate's default has it; what is written at the end is gathered all the same."""
    data, alone, together = write_rows(tmp_path / "rows.jsonl"), tmp_path / "alone", tmp_path / "together"
    assert main(arguments(model, data, alone, *EXACT.split(), "--per_device_train_batch_size", "8")) == 0
    command = arguments(model, data, together, *EXACT.split())
    assert (done := train_sharded(tmp_path, command, state_dict_type="SHARDED_STATE_DICT")).returncode == 0, (
        done.stderr[-3000:]
    )
    expected, actual = weights(alone), weights(together)
    assert expected.keys() == actual.keys()
    for name, value in expected.items():
        torch.testing.assert_close(actual[name], value, rtol=0, atol=STEP / 100)
    # As if killed after its second step: only the settings and the first checkpoint are there.
    assert (together / "checkpoint-2" / "pytorch_model_fsdp_0").is_dir()
    for path in [path for path in together.iterdir() if path.name not in ("sft.json", "checkpoint-2")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert (done := train_sharded(tmp_path, command, state_dict_type="SHARDED_STATE_DICT")).returncode == 0, (
        done.stderr[-3000:]
    )
    again = weights(together)
    assert all(torch.equal(again[name], value) for name, value in actual.items())


@pytest.mark.slow
@pytest.mark.parametrize("stage", [2, 3])
def test_deepspeed_trains_what_one_process_trains(stage: int, model: Path, tmp_path: Path) -> None:
    if find_spec("deepspeed") is None:
        pytest.skip("needs pip install deepspeed")
    data, alone, together = write_rows(tmp_path / "rows.jsonl"), tmp_path / "alone", tmp_path / "together"
    assert main(arguments(model, data, alone, *EXACT.split(), "--per_device_train_batch_size", "8")) == 0
    config = {"distributed_type": "DEEPSPEED", "num_machines": 1, "machine_rank": 0, "use_cpu": False}
    config["deepspeed_config"] = {"zero_stage": stage, "zero3_save_16bit_model": True, "gradient_accumulation_steps": 1}
    done = launch_two(tmp_path, arguments(model, data, together, *EXACT.split(), "--merge", "true"), config)
    assert done.returncode == 0, done.stderr[-3000:]
    expected, actual = weights(alone), weights(together)
    assert expected.keys() == actual.keys()
    for name, value in expected.items():
        torch.testing.assert_close(actual[name], value, rtol=0, atol=STEP / 100)
    assert (together / "merged" / "model.safetensors").is_file()


def test_after_deepspeed_a_model_is_merged_whole(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a training with ZeRO 3 leaves in transformers: the next model of this process would be sharded too."""
    from transformers.integrations import deepspeed

    class Zero3Config:
        def is_zero3(self) -> bool:
            return True

    config = Zero3Config()
    data, out = write_rows(tmp_path / "rows.jsonl"), tmp_path / "out"
    assert main(arguments(model, data, out, "--max_steps", "1")) == 0
    monkeypatch.setattr(deepspeed, "_hf_deepspeed_config_weak_ref", lambda: config)
    assert deepspeed.is_deepspeed_zero3_enabled()
    merge(out, out / "merged")
    assert (out / "merged" / "model.safetensors").is_file()


def test_recomputing_that_loses_the_adapter_is_refused_before_training(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = arguments(model, write_rows(tmp_path / "rows.jsonl"), out, "--bf16", "false")
    done = train_sharded(tmp_path, command, activation_checkpointing=True)
    assert done.returncode == 1 and not (out / "sft.json").exists()  # the folder belongs to no training yet
    assert "fsdp_activation_checkpointing with an adapter: peft would write a file without weights" in done.stderr


@pytest.mark.parametrize(
    ("written", "missing"),
    [({}, "0 of 2 trained tensors"), ({"a": 1}, "1 of 2 trained tensors"), ({"a": 1, "b": 2}, "")],
)
def test_an_adapter_without_its_weights_is_not_called_trained(
    written: dict[str, int], missing: str, tmp_path: Path
) -> None:
    from peft import LoraConfig, get_peft_model
    from safetensors.torch import save_file

    def save(folder: str) -> None:
        path = Path(folder) / "adapter_model.safetensors"
        save_file({name: torch.full((1,), float(value)) for name, value in written.items()}, str(path))

    adapted: Any = get_peft_model(torch.nn.Sequential(torch.nn.Linear(2, 2)), LoraConfig(r=1, target_modules=["0"]))
    accelerator = SimpleNamespace(is_main_process=True, unwrap_model=lambda model: model)
    trainer = SimpleNamespace(is_fsdp_enabled=False, model=adapted, accelerator=accelerator, save_model=save)
    if not missing:
        save_weights(trainer, tmp_path)
        return
    with pytest.raises(
        UsageError, match=f"{missing} were written: .*the same command resumes from the last checkpoint"
    ):
        save_weights(trainer, tmp_path)


def test_a_model_without_its_weights_is_not_called_trained(tmp_path: Path) -> None:
    accelerator = SimpleNamespace(is_main_process=True, unwrap_model=lambda model: model)
    trainer = SimpleNamespace(
        is_fsdp_enabled=False, model=torch.nn.Linear(2, 2), accelerator=accelerator, save_model=lambda _: None
    )
    with pytest.raises(UsageError, match="no weights were written"):
        save_weights(trainer, tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    save_weights(trainer, tmp_path)
