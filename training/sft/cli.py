"""`faithful-se sft`: train on built rows with TRL.

    faithful-se sft --config recipes/mini/sft.yaml --model_name_or_path MODEL --data runs/data --output_dir runs/trained

Several GPUs:

    accelerate launch --num_processes 8 --no_python faithful-se sft --config RECIPE --data runs/data

Every argument of TRL's `SFTConfig` and `ModelConfig` can be in the recipe or on the command line, which wins.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from training.trainer.arguments import TrainerArguments, read_trainer_arguments
from training.trainer.short_help import short_help, wants_help

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
class DataArguments(TrainerArguments):
    """Arguments besides those of TRL's dataclasses."""

    shared_openings: bool = field(
        default=False,
        metadata={
            "help": "run the tokens that rows of a batch open with once; best with "
            "--train_sampling_strategy group_by_length"
        },
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    arguments = list(sys.argv[1:] if argv is None else argv)
    if wants_help(arguments):
        print(short_help("faithful-se sft", ABOUT, DataArguments, EXAMPLES, 2e-5))
        return 0
    data, training, model = read_arguments(arguments)
    data.check()

    from training.sft.run import train

    folder = train(data, training, model)
    if training.process_index == 0:
        print(f"{folder}: trained")
    return 0


def read_arguments(
    arguments: Sequence[str], prog: str = "faithful-se sft", **defaults: Any
) -> tuple[DataArguments, SFTConfig, ModelConfig]:
    """The arguments of `faithful-se sft`; see `read_trainer_arguments`."""
    return read_trainer_arguments(arguments, prog, DataArguments, "SFTConfig", **defaults)
