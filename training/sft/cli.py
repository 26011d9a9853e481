"""`faithful-se sft`: train on built rows with TRL.

    faithful-se sft --config recipes/mini/sft.yaml --model_name_or_path MODEL --data runs/data --output_dir runs/trained

Several GPUs:

    accelerate launch --num_processes 8 --no_python faithful-se sft --config RECIPE --data runs/data

Every argument of TRL's `SFTConfig` and `ModelConfig` can be in the recipe or on the command line, which wins.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from training.trl_help import HELP, HELP_ALL, MOST_USED, short_help

if TYPE_CHECKING:
    from trl import ModelConfig, SFTConfig


ABOUT = """\
Train a model on the explanations of `faithful-se build`, with TRL's SFTTrainer: a LoRA adapter by default, on one or
more GPUs or on a CPU. The same command resumes a training that was stopped."""

EXAMPLES = (
    "faithful-se sft --model_name_or_path MODEL --data rows --output_dir trained --learning_rate 2e-4",
    "faithful-se sft --config recipes/smollm2/sft.yaml --model_name_or_path MODEL --data rows --output_dir trained",
    "accelerate launch --num_processes 8 --no_python faithful-se sft --config RECIPE --data rows --output_dir trained",
)


@dataclass
class DataArguments:
    """Arguments besides those of TRL's dataclasses."""

    data: str = field(
        default="",
        metadata={"metavar": "FOLDER", "help": "folder of faithful-se build, or a JSONL file; several by commas"},
    )
    chat_template_args: str = field(
        default="",
        metadata={
            "metavar": "JSON",
            "help": "further arguments of the chat template as JSON, as the evaluation has them, such as "
            '{"enable_thinking": false} (default: those of the rows)'
        },
    )
    shared_openings: bool = field(
        default=False,
        metadata={
            "help": "run the tokens that rows of a batch open with once; best with "
            "--train_sampling_strategy group_by_length"
        },
    )
    full: bool = field(default=False, metadata={"help": "train all weights instead of a LoRA adapter"})
    merge: bool = field(default=False, metadata={"help": "write adapter and base as one model into OUTPUT_DIR/merged"})


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)

    from faithful_se.errors import UsageError

    arguments = list(sys.argv[1:] if argv is None else argv)
    if set(HELP) & set(arguments):
        print(short_help("faithful-se sft", ABOUT, DataArguments, EXAMPLES, MOST_USED))
        return 0
    arguments = [HELP[-1] if word == HELP_ALL else word for word in arguments]
    data, training, model = read_arguments(arguments)
    if not data.data:
        raise UsageError("give --data: a folder of faithful-se build, or a JSONL file")
    if data.full and data.merge:
        raise UsageError("--merge is for adapters: --full writes a whole model already")

    from training.sft.run import train

    folder = train(data, training, model)
    if training.process_index == 0:
        print(f"{folder}: trained")
    return 0


def read_arguments(
    arguments: Sequence[str], prog: str = "faithful-se sft", **defaults: Any
) -> tuple[DataArguments, SFTConfig, ModelConfig]:
    """The arguments of a training, from a recipe (`--config`) and the command line, which wins.

    Args:
        arguments: as they were typed.
        prog: the command, for the help.
        defaults: of TRL's arguments, where another command has its own.

    Raises:
        UsageError: an unknown argument, a wrong value, or a recipe that cannot be read.
    """
    from faithful_se.errors import UsageError

    recipe = ""
    if "--config" in arguments:
        recipe = [*arguments, ""][arguments.index("--config") + 1]
        if not recipe or recipe.startswith("--"):
            raise UsageError("--config: give a YAML file of arguments")
        if not Path(recipe).is_file():
            raise UsageError(f"--config {recipe}: no such file")

    # transformers warns of TRL's own default, gradient_checkpointing=True, which the user did not type.
    warnings.filterwarnings("ignore", r"`(is_)?gradient_checkpointing` is deprecated", FutureWarning)

    import torch
    import yaml
    from trl import ModelConfig, SFTConfig, TrlParser

    def refuse(message: str) -> NoReturn:
        raise UsageError(f"{message}; --help lists the arguments")

    parser = TrlParser((DataArguments, SFTConfig, ModelConfig), prog=prog)
    parser.error = refuse  # one line instead of the usage of some two hundred arguments
    parser.set_defaults(lora_target_modules=["all-linear"], **defaults)
    if not torch.cuda.is_available():
        # TRL's defaults are for GPUs. On most CPUs bf16 is slow, and memory is not so short that recomputing pays.
        parser.set_defaults(use_cpu=True, bf16=False, gradient_checkpointing=False)
    try:
        data, training, model = parser.parse_args_and_config(arguments)
    except UnicodeDecodeError as error:
        raise UsageError(f"--config {recipe}: not UTF-8: save it as UTF-8") from error
    except ValueError as error:
        raise UsageError(str(error).splitlines()[0]) from error
    except yaml.YAMLError as error:
        raise UsageError(f"--config {recipe}: no YAML ({' '.join(str(error).split())})") from error
    model.use_peft = not data.full
    return data, training, model
