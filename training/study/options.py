"""Options of commands that stand in a recipe: checked with the commands' own parsers, written as a user types them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from typing import Any

from faithful_se.errors import UsageError
from training.study.read_recipe import check_names

# Arguments of lm_eval that a recipe may hold. Those that the study sets itself are not among them.
LM_EVAL = (
    *("num_fewshot", "fewshot_as_multiturn", "batch_size", "max_batch_size", "device", "gen_kwargs", "seed"),
    *("system_instruction", "include_path", "trust_remote_code"),
)
# Packages of the commands whose options a recipe holds.
PACKAGES = {"tune": "tune", "attribute": "attribution", "build": "build"}
# Set by the study: a recipe has keys of its own for them, or they follow from it.
SET_BY_THE_STUDY = {
    "tune": ("model", "tasks", "data", "include_path", "out"),
    "attribute": ("model", "tasks", "data", "include_path", "out", "dtype"),
    "build": ("attributions", "model", "include_path", "out", "seed", "dtype"),
    "sft": ("model_name_or_path", "data", "output_dir", "seed"),
    "dpo": ("model_name_or_path", "data", "output_dir", "seed"),
    "grpo": ("model_name_or_path", "data", "tasks", "include_path", "output_dir", "seed"),
}
# Commands that several processes can share.
LAUNCHED = ("attribute", "sft", "dpo", "grpo")
# Commands that take the arguments of `sft` besides their own.
TRAINING = ("tune",)
# The import of TRL takes seconds. These arguments of `sft` are known without it.
SFT = frozenset(
    (
        *("config", "full", "merge", "attn_implementation", "dtype", "bf16", "use_cpu", "gradient_checkpointing"),
        *("lora_r", "lora_alpha", "lora_dropout", "lora_target_modules", "learning_rate", "lr_scheduler_type"),
        *("warmup_steps", "weight_decay", "num_train_epochs", "max_steps", "max_length", "per_device_train_batch_size"),
        *("gradient_accumulation_steps", "save_strategy", "save_steps", "save_total_limit", "logging_steps"),
        *("report_to", "seed", "output_dir", "model_name_or_path", "shared_openings", "train_sampling_strategy"),
    )
)
OF_TRL = SFT - {"shared_openings"}
KNOWN = {
    "sft": SFT,
    "dpo": OF_TRL | {"beta", "loss_type"},
    "grpo": OF_TRL | {"beta", "num_generations", "temperature", "max_completion_length", "reward_weights"},
}


def check_options(command: str, options: Mapping[str, Any], where: str) -> None:
    """Refuse options that a command does not have, and values of the wrong type.

    Raises:
        UsageError: names the option and the nearest one that there is.
    """
    if command in LAUNCHED:
        options = {name: value for name, value in options.items() if name != "launch"}
    elif "launch" in options:
        raise UsageError(f"{where}: launch: {command} runs in one process; leave it out")
    for name in SET_BY_THE_STUDY[command]:
        if name in options:
            raise UsageError(f"{where}: {name}: the study sets it; leave it out")
    if command in KNOWN:
        check_training(command, options, where)
        return
    actions = {name: action for name, action in _actions(command).items() if name not in SET_BY_THE_STUDY[command]}
    if command in TRAINING:
        check_training("sft", options, where, set(actions))
    else:
        check_names(options, actions, where)
    for name in options.keys() & actions:
        _check_value(actions[name], options[name], f"{where}: {name}")


def check_training(command: str, options: Mapping[str, Any], where: str, others: Collection[str] = ()) -> None:
    """Refuse arguments that a command with TRL's dataclasses does not have, in a recipe or in a file of arguments.

    `others` are arguments that a command has besides those.
    """
    if not set(options) <= {*KNOWN[command], *others}:
        from dataclasses import fields

        from trl import DPOConfig, GRPOConfig, ModelConfig, SFTConfig

        from training.grpo.arguments import GrpoArguments
        from training.sft.cli import DataArguments
        from training.trainer.arguments import TrainerArguments

        kinds: dict[str, tuple[Any, ...]] = {
            "sft": (DataArguments, SFTConfig, ModelConfig),
            "dpo": (TrainerArguments, DPOConfig, ModelConfig),
            "grpo": (GrpoArguments, GRPOConfig, ModelConfig),
        }
        known = {field.name for kind in kinds[command] for field in fields(kind)}
        check_names(options, {*known, *KNOWN[command], *others}, where)


def words(options: Mapping[str, Any], with_value: Collection[str] = ()) -> Iterator[str]:
    """Options as words of a command line.

    Args:
        options: name, as on the command line without its hyphens, and value.
        with_value: options that `true` or `false` follows, as TRL has it. Others stand alone, or are left out.
    """
    for name, value in options.items():
        if value is None or name == "launch" or (value is False and name not in with_value):
            continue
        yield f"--{name}"
        if isinstance(value, (list, tuple)):
            yield from map(str, value)
        elif isinstance(value, bool):
            yield from (str(value).lower(),) if name in with_value else ()
        else:
            yield json.dumps(value) if isinstance(value, Mapping) else str(value)


def pairs(values: Mapping[str, Any]) -> Iterator[str]:
    """Values as lm_eval takes them for `--model_args` and `--metadata`: ``name=value``."""
    for name, value in values.items():
        yield f"{name}={'+'.join(map(str, value)) if isinstance(value, (list, tuple)) else value}"


def _actions(command: str) -> dict[str, argparse.Action]:
    parser: argparse.ArgumentParser = import_module(f"training.{PACKAGES[command]}.cli").parser()
    return {name.removeprefix("--"): action for name, action in parser._option_string_actions.items()}


def _check_value(action: argparse.Action, value: Any, where: str) -> None:
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise UsageError(f"{where}: {value!r}: give true or false")
        return
    several = action.nargs in ("+", "*")
    if isinstance(value, Mapping):
        value = json.dumps(value)
    if isinstance(value, bool) or isinstance(value, list) != several:
        raise UsageError(f"{where}: {value!r}: give {'a list' if several else 'one value'}")
    for entry in value if several else [value]:
        try:
            action.type(str(entry)) if callable(action.type) else None
        except (ValueError, TypeError):
            kind = getattr(action.type, "__name__", "value")
            kinds = {"int": "a whole number", "float": "a number"}
            raise UsageError(f"{where}: {entry!r}: give {kinds.get(kind, 'another value')}") from None
