"""`faithful-se tune`: teach a model that does not classify to do so, and to explain in every style as before.

Its result, OUT/model, is the subject of a study: the base of every comparison.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys

from faithful_se.errors import UsageError
from training.command_line import command_parser, options_from, refuse_options
from training.trainer.short_help import HELP_ALL
from training.tune.options import GateOptions, MachineOptions, RowOptions, SourceOptions

EXAMPLES = """\
examples:
  faithful-se tune --model MODEL --tasks sentiment140 snli agnews --data DIR --out runs/subject
  faithful-se tune --model MODEL --tasks snli agnews --rows 2000 snli=8000 --config SFT.yaml --out OUT
  faithful-se tune --model MODEL --tasks snli --own-examples 0 --out OUT --learning_rate 1e-3 --max_steps 200

All other arguments are those of `faithful-se sft`: every argument of TRL's SFTConfig and ModelConfig, on the command
line or in a YAML file (--config); --help-all lists them. Defaults here: one epoch, learning rate 5e-4 (with --full
5e-5), LoRA.
After an interruption, the same command resumes. The last line says whether the model passes the gate.
"""

# What this command sets itself.
OWN_ARGUMENTS = {"--output_dir": "--out", "--model_name_or_path": "--model", "--merge": "--full, or leave it out"}

_OF_CHOICES = "a tuning needs one set of labels for all texts, and multiple choice has none: leave it out"
REFUSED = {
    "--unit": "a tuning teaches explanations by words: leave it out; attribute --unit sentence, build and sft train on "
    "sentences",
    "--words-of": _OF_CHOICES,
    "--answer-with": _OF_CHOICES,
}


def parser() -> argparse.ArgumentParser:
    """The command line, without the arguments of the training."""
    parser = command_parser(
        "faithful-se tune",
        __doc__,
        EXAMPLES,
        {"": SourceOptions, "rows": RowOptions, "gate": GateOptions, "machine": MachineOptions},
    )
    group = parser.add_argument_group("training")
    group.add_argument("--full", action="store_true", help="train all weights instead of a LoRA adapter")
    group.add_argument("--config", metavar="YAML", help="arguments of the training, as in recipes/")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; 1 where the gate fails under `--strict`."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    words = sys.argv[1:] if argv is None else argv
    if HELP_ALL in words:
        from training.sft.cli import read_arguments

        read_arguments([HELP_ALL], "faithful-se tune")  # prints, and ends the command
    refuse_options(words, REFUSED)
    arguments, others = parser().parse_known_args(words)
    source, options = options_from(arguments, SourceOptions), options_from(arguments, RowOptions)
    gate, machine = options_from(arguments, GateOptions), options_from(arguments, MachineOptions)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UsageError("faithful-se tune runs in one process: start it without accelerate launch or torchrun")
    for word in others:
        if remedy := OWN_ARGUMENTS.get(word.partition("=")[0].replace("-", "_").replace("__", "--", 1)):
            raise UsageError(f"{word.partition('=')[0]} is not for faithful-se tune: give {remedy}")
    if arguments.config:
        others += ["--config", arguments.config]
    if arguments.full:
        others += ["--full", "true"]
    if options.seed:
        others += ["--seed", str(options.seed)]

    from training.sft.cli import read_arguments
    from training.tune.report import gate_line, measurement_table, row_table
    from training.tune.run import Tuning

    defaults = {"learning_rate": 5e-5 if arguments.full else 5e-4, "num_train_epochs": 1.0, "report_to": "none"}
    training = read_arguments(others, "faithful-se tune", **defaults)
    report = Tuning(source, options, machine, training).run(gate, log=print)
    for line in (*row_table(report), "", *measurement_table(report)):
        print(line)
    print(gate_line(report["gate"]))
    return 1 if gate.strict and report["gate"] else 0
