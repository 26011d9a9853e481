"""`faithful-se grpo` in two processes that talk over gloo: whole weights in each, and weights that are sharded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.training.grpo.test_grpo import weights, words
from tests.training.sft.test_save_weights import FSDP, PORT, launch_two

pytest.importorskip("torch", minversion="2.9", reason="2.6 shards on GPUs only")
pytest.importorskip("trl")
pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[3]
EIGHT = ["--per_device_train_batch_size", "8"]  # in each process, so sixteen completions a step
# No process can ask a policy whose weights are sharded.
SHARDED = [*EIGHT, "--held_out", "0", "--bf16", "false", "--max_steps", "1"]


def train_in_two(model: Path, out: Path) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", PORT]
    command = [*launch, "-m", "faithful_se", "grpo", *words(model, out, *EIGHT), "--use_cpu", "true"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "--ddp_backend", "gloo"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count(": trained") == 1


def test_two_processes_train_and_go_on_after_a_kill(mini_base: Path, tmp_path: Path) -> None:
    """The policy that both have is asked in one; the sampled completions of each come again after a kill."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    train_in_two(mini_base, whole)
    info = json.loads((whole / "train_info.json").read_text())
    assert (info["batch"], info["steps"]) == (16, 2)
    assert info["trainer_options"]["held_out/accuracy"] == 1.0
    log = json.loads((whole / "checkpoint-2" / "trainer_state.json").read_text())["log_history"]
    assert sum("rewards/faithfulness/mean" in entry for entry in log) == 2
    # As if killed in its second step.
    for name in ("grpo.json", "answers", "checkpoint-1"):
        source, target = whole / name, killed / name
        killed.mkdir(exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    train_in_two(mini_base, killed)
    assert weights(killed) == weights(whole)


def launched(folder: Path, model: Path, config: dict[str, Any]) -> Path:
    """A training of one step in two processes that take the CPU for GPUs; its folder."""
    out = folder / "out"
    done = launch_two(folder, words(model, out, *SHARDED), config, "grpo")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "missing adapter keys" not in done.stderr
    return out


def test_sharded_weights_fsdp(mini_base: Path, tmp_path: Path) -> None:
    """The recipe's accelerate configuration: completions are generated and judged, and the adapter is whole."""
    out = launched(tmp_path, mini_base, yaml.safe_load(FSDP.read_text()))
    assert len(weights(out)) == 2 * 7 * 3  # A and B of seven projections in three layers
    assert json.loads((out / "train_info.json").read_text())["batch"] == 16


@pytest.mark.parametrize("stage", [2, 3])
def test_sharded_weights_deepspeed(stage: int, mini_base: Path, tmp_path: Path) -> None:
    if find_spec("deepspeed") is None:
        pytest.skip("needs pip install deepspeed")
    config: dict[str, Any] = {"distributed_type": "DEEPSPEED", "num_machines": 1, "machine_rank": 0, "use_cpu": False}
    config["deepspeed_config"] = {"zero_stage": stage, "zero3_save_16bit_model": True, "gradient_accumulation_steps": 1}
    assert len(weights(launched(tmp_path, mini_base, config))) == 2 * 7 * 3
