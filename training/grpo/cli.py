"""`faithful-se grpo`: reinforcement learning with TRL, with the evaluation as the reward.

    faithful-se grpo --config recipes/mini/grpo.yaml --model_name_or_path MODEL --output_dir runs/trained

Several GPUs:

    accelerate launch --num_processes 8 --no_python faithful-se grpo --config RECIPE --model_name_or_path MODEL

Every argument of TRL's `GRPOConfig` and `ModelConfig` can be in the recipe or on the command line, which wins.
"""

from __future__ import annotations

import logging
import sys

from training.grpo.arguments import read_arguments


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    arguments, training, model = read_arguments(list(sys.argv[1:] if argv is None else argv))

    from training.grpo.run import train

    folder = train(arguments, training, model)
    if training.process_index == 0:
        print(f"{folder}: trained")
    return 0
