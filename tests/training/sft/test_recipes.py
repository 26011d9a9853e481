"""The recipes run: on a tiny model of the same architecture, and by `accelerate launch`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.strangers import write_strangers
from tests.tiny_model import write_tiny_chat_model
from tests.training.sft.tiny_rows import ROWS, write_rows
from training.sft.cli import main

pytest.importorskip("trl")
ROOT = Path(__file__).resolve().parents[3]
COMMANDS = Path(sys.executable).parent
PORT = str(29100 + os.getpid() % 300)  # parallel test processes need different ports

# Tulu's: roles are plain text, the end of the model's turn is the tokenizer's end token, nothing ends the user's.
TULU = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>\\n' + m['content'] }}"
    "{% if m['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% if not loop.last %}{{ '\\n' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '\\n<|assistant|>\\n' }}{% endif %}"
)


@pytest.fixture(scope="module")
def tulu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of a few thousand weights with Tulu's conversation format."""
    texts = [turn["content"] for row in ROWS for part in row.values() for turn in part]
    folder = write_tiny_chat_model(tmp_path_factory.mktemp("model"), texts, hidden=16, layers=2)
    (folder / "chat_template.jinja").write_text(TULU)
    return folder


@pytest.mark.parametrize("recipe", ["tulu2_7b", "tulu2_13b"])
def test_a_recipe_of_the_paper_trains_a_step(recipe: str, tulu: Path, tmp_path: Path) -> None:
    """All but the model, the folders and the number of steps is the recipe's: bfloat16, checkpointing, batch."""
    out = tmp_path / "out"
    path = ROOT / "recipes" / "doi2025" / f"{recipe}.yaml"
    command = ["--config", str(path), "--model_name_or_path", str(tulu), "--max_steps", "1"]
    assert main([*command, "--data", str(write_rows(tmp_path / "rows.jsonl")), "--output_dir", str(out)]) == 0
    info, values = json.loads((out / "train_info.json").read_text()), yaml.safe_load(path.read_text())
    assert info["steps"] == 1 and info["learning_rate"] == values["learning_rate"] and info["batch"] == 128
    training = json.loads((out / "sft.json").read_text())["training"]
    assert training["bf16"] and training["max_length"] == 1024 and training["warmup_steps"] == 50
    adapter = json.loads((out / "adapter_config.json").read_text())
    assert (adapter["r"], adapter["lora_alpha"], adapter["lora_dropout"]) == (16, 32, 0.05)
    linear = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert {name.rpartition(".")[2] for name in adapter["target_modules"]} == linear


def read_launch_config(config: Path) -> tuple[Any, dict[str, str]]:
    """The arguments that `accelerate launch --config_file` reads from a file, and the environment of each process."""
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser
    from accelerate.utils import prepare_multi_gpu_env

    parsed = launch_command_parser().parse_args(["--config_file", str(config), "--no_python", "faithful-se", "sft"])
    arguments, _, _ = _validate_launch_command(parsed)
    return arguments, prepare_multi_gpu_env(arguments)


def test_the_launch_configuration_is_one_of_eight_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    from accelerate.utils import FullyShardedDataParallelPlugin

    for name in list(os.environ):
        if name.startswith(("FSDP_", "ACCELERATE_")):
            monkeypatch.delenv(name)
    arguments, environment = read_launch_config(ROOT / "recipes" / "doi2025" / "fsdp_8.yaml")
    assert (arguments.num_processes, arguments.use_fsdp, arguments.use_cpu) == (8, True, False)
    assert environment["ACCELERATE_USE_FSDP"] == "true" and environment["ACCELERATE_MIXED_PRECISION"] == "bf16"
    for name, value in environment.items():
        monkeypatch.setenv(name, str(value))
    plugin = FullyShardedDataParallelPlugin()
    assert plugin.fsdp_version == 2 and plugin.reshard_after_forward and not plugin.activation_checkpointing
    assert plugin.cpu_ram_efficient_loading and "FULL" in str(plugin.state_dict_type)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_the_mini_recipe_by_accelerate_launch(processes: int, mini_base: Path, tmp_path: Path) -> None:
    """One process, and two of the CPU that talk as those of two GPUs do: the same rows per step.

    The working folder holds packages of the user's with the names of ours.
    """
    from safetensors.torch import load_file

    write_strangers(tmp_path)
    rows, out = write_rows(tmp_path / "rows.jsonl", ROWS * 4), tmp_path / "out"
    size = ["--multi_gpu", "--num_processes", "2"] if processes == 2 else ["--cpu", "--num_processes", "1"]
    launch = [COMMANDS / "accelerate", "launch", *size, "--num_machines", "1", "--mixed_precision", "no"]
    launch += ["--dynamo_backend", "no", "--main_process_port", PORT, "--no_python", COMMANDS / "faithful-se", "sft"]
    recipe = ["--config", str(ROOT / "recipes" / "mini" / "sft.yaml"), "--model_name_or_path", str(mini_base)]
    recipe += ["--data", str(rows), "--output_dir", str(out), "--max_steps", "4", "--merge", "true"]
    recipe += ["--per_device_train_batch_size", str(32 // processes)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*launch, *recipe], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count(": trained") == 1
    info = json.loads((out / "train_info.json").read_text())
    assert (info["steps"], info["batch"], info["rows"]) == (4, 32, 64)
    assert (out / "merged" / "model.safetensors").is_file()
    assert all(bool(value.isfinite().all()) for value in load_file(out / "adapter_model.safetensors").values())
    shutil.rmtree(out)
