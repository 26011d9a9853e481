"""One screen of help for a command that takes every argument of TRL: its own options, the most used of TRL's.

It needs neither torch nor TRL. `--help-all` is the complete help, from TRL's own parser.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from textwrap import fill

HELP, SHORTER, HELP_ALL = "--help", "-h", "--help-all"

COLUMN = 34  # where the descriptions begin

# The arguments of TRL that a training most often sets, as option and value -> what it is, and its default here.
# Trainings other than `sft` say what differs.
MOST_USED = {
    "--config YAML": "arguments in a file, as in recipes/; the command line wins",
    "--model_name_or_path MODEL": "folder or hub name of the model to train",
    "--output_dir DIR": "folder to write to, or to resume in",
    "--learning_rate X": "LoRA wants about ten times what suits --full",
    "--num_train_epochs N": "passes over the rows (default: 3)",
    "--max_steps N": "steps instead of epochs",
    "--per_device_train_batch_size N": "rows at once, on each device (default: 8)",
    "--gradient_accumulation_steps N": "batches in one step (default: 1)",
    "--max_length N": "tokens of a row; longer ones are refused (default: 1024)",
    "--lora_r N, --lora_alpha N": "rank and scale of the adapter (default: 16, 32)",
    "--dtype TYPE": "of the base: float32, bfloat16, … (default: float32)",
    "--load_in_4bit": "quantize the base while its adapter is trained",
    "--save_steps N": "steps between two checkpoints, from which a killed training resumes (default: 500)",
    "--seed N": "of the order of the rows, and of new weights (default: 42)",
    "--report_to NAME": "wandb, tensorboard, … (default: none)",
    "--push_to_hub": "upload the trained folder; --hub_model_id NAME, --hub_private_repo true",
}


def wants_help(arguments: Sequence[str]) -> bool:
    """Whether the screen of help is asked for."""
    return bool({HELP, SHORTER} & set(arguments))


def short_help(
    prog: str,
    about: str,
    options: type,
    examples: Sequence[str],
    learning_rate: float,
    more: Mapping[str, str] | None = None,
) -> str:
    """The help of a command: what it does, examples, its own options, the most used ones of TRL.

    Args:
        prog: the command as a user types it.
        about: what it does.
        options: dataclass of its own options, each with `help` in its metadata, and `metavar` where it takes a value.
        examples: commands.
        learning_rate: TRL's default.
        more: further arguments of TRL, as in `MOST_USED`; an empty text leaves an argument out.
    """
    most_used = {**MOST_USED, **(more or {})}
    most_used["--learning_rate X"] += f" (default, TRL's for all weights: {learning_rate:g})"
    own = {}
    for option in fields(options):
        value = "" if isinstance(option.default, bool) else option.metadata.get("metavar", option.name.upper())
        own[f"--{option.name} {value}".rstrip()] = option.metadata["help"]
    lines = [f"usage: {prog} {next(iter(own))} --model_name_or_path MODEL --output_dir DIR [OPTIONS]", "", about, ""]
    lines += ["examples:", *(f"  {example}" for example in examples)]
    for title, entries in (("options", own), ("most used arguments of TRL", most_used)):
        lines += ["", f"{title}:", *(_entry(name, text) for name, text in entries.items() if text)]
    return "\n".join([*lines, "", f"{prog} {HELP_ALL} lists every argument of TRL."])


def _entry(name: str, text: str) -> str:
    start = f"  {name}"
    if len(start) > COLUMN - 2:
        return f"{start}\n{_entry('', text)}"
    return fill(text, 110, initial_indent=start.ljust(COLUMN), subsequent_indent=" " * COLUMN)
