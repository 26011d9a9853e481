"""`faithful-se grpo`: reinforcement learning with TRL, with the evaluation as the reward.

    faithful-se grpo --config recipes/mini/grpo.yaml --model_name_or_path MODEL --output_dir runs/trained

Several GPUs:

    accelerate launch --num_processes 8 --no_python faithful-se grpo --config RECIPE --model_name_or_path MODEL

Every argument of TRL's `GRPOConfig` and `ModelConfig` can be in the recipe or on the command line, which wins.
"""

from __future__ import annotations

import logging
import sys

from training.grpo.arguments import BETA, COMPLETION, GrpoArguments, read_arguments
from training.trainer.short_help import short_help, wants_help

ABOUT = """\
Train a model by reinforcement with TRL's GRPOTrainer: an explanation is rewarded where the evaluation's own procedure
finds it true. A LoRA adapter by default. The same command resumes a training that was stopped."""

EXAMPLES = (
    "faithful-se grpo --model_name_or_path MODEL --tasks snli --data DIR --output_dir trained --learning_rate 1e-5",
    "faithful-se grpo --config recipes/mini/grpo.yaml --model_name_or_path MODEL --output_dir trained",
    "accelerate launch --num_processes 8 --no_python faithful-se grpo --config RECIPE --model_name_or_path MODEL",
)

MORE = {
    "--num_generations N": "explanations of each text that are compared (default: 8)",
    "--beta X": f"how much the policy is held to the reference model (default here: {BETA})",
    "--max_completion_length N": f"tokens of an explanation (default here: {COMPLETION})",
    "--max_length N": "",
}


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    typed = list(sys.argv[1:] if argv is None else argv)
    if wants_help(typed):
        print(short_help("faithful-se grpo", ABOUT, GrpoArguments, EXAMPLES, 1e-6, MORE))
        return 0
    arguments, training, model = read_arguments(typed)

    from training.grpo.run import train

    folder = train(arguments, training, model)
    if training.process_index == 0:
        print(f"{folder}: trained")
    return 0
