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


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    arguments = list(sys.argv[1:] if argv is None else argv)
    data, training, model = read_trainer_arguments(arguments, "faithful-se dpo", TrainerArguments, "DPOConfig")
    data.check()

    from training.dpo.run import train

    folder = train(data, training, model)
    if training.process_index == 0:
        print(f"{folder}: trained")
    return 0
