"""`faithful-se dpo`: train on preference pairs with TRL.

    faithful-se dpo --config recipes/mini/dpo.yaml --model_name_or_path MODEL --data runs/pairs --output_dir runs/dpo

Several GPUs:

    accelerate launch --num_processes 8 --no_python faithful-se dpo --config RECIPE --data runs/pairs

Every argument of TRL's `DPOConfig` and `ModelConfig` can be in the recipe or on the command line, which wins.
"""

from __future__ import annotations

import logging
import sys

from training.trainer.arguments import TrainerArguments, read_trainer_arguments
from training.trainer.short_help import short_help, wants_help

ABOUT = """\
Train a model to prefer true explanations to its own untrue ones, with TRL's DPOTrainer, on the pairs of
`faithful-se build --pairs`: a LoRA adapter by default. The same command resumes a training that was stopped."""

EXAMPLES = (
    "faithful-se dpo --model_name_or_path MODEL --data pairs --output_dir trained --learning_rate 1e-5",
    "faithful-se dpo --config recipes/mini/dpo.yaml --model_name_or_path MODEL --data pairs --output_dir trained",
    "accelerate launch --num_processes 8 --no_python faithful-se dpo --config RECIPE --data pairs --output_dir trained",
)

MORE = {"--beta X": "how much the policy is held to the reference model (default: 0.1)"}


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    arguments = list(sys.argv[1:] if argv is None else argv)
    if wants_help(arguments):
        print(short_help("faithful-se dpo", ABOUT, TrainerArguments, EXAMPLES, 1e-6, MORE))
        return 0
    data, training, model = read_trainer_arguments(arguments, "faithful-se dpo", TrainerArguments, "DPOConfig")
    data.check()

    from training.dpo.run import train

    folder = train(data, training, model)
    if training.process_index == 0:
        print(f"{folder}: trained")
    return 0
