"""`faithful-se build`: from word attributions to verified explanations that TRL trains on."""

from __future__ import annotations

import argparse
import logging
import sys

from training.build.options import BuildOptions, MachineOptions, SourceOptions
from training.command_line import command_parser, options_from, refuse_options

EXAMPLES = """\
examples:
  faithful-se build --attributions runs/attributions --model MODEL --out runs/data
  faithful-se build --attributions runs/attributions --model MODEL --styles attribution --without snli --out OUT
  faithful-se build --attributions runs/attributions --model MODEL --arm random --out runs/data-random
  faithful-se build --attributions runs/attributions --model MODEL --specific --out runs/data-specific
  faithful-se build --attributions runs/attributions --model MODEL --pairs --out runs/pairs      (for faithful-se dpo)

MODEL is the model that was attributed. After an interruption, the same command resumes. The card in the folder
(README.md) describes the rows.
"""

_ATTRIBUTED = "rows are as the words were attributed: leave it out here, and give it to faithful-se attribute"
REFUSED = {
    "--unit": _ATTRIBUTED,
    "--words-of": _ATTRIBUTED,
    "--answer-with": "rows of multiple choice answer with the letter: leave it out",
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    return command_parser(
        "faithful-se build", __doc__, EXAMPLES, {"": SourceOptions, "rows": BuildOptions, "machine": MachineOptions}
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    words = sys.argv[1:] if argv is None else argv
    refuse_options(words, REFUSED)
    arguments = parser().parse_args(words)
    source, machine = options_from(arguments, SourceOptions), options_from(arguments, MachineOptions)
    options = options_from(arguments, BuildOptions)

    from faithful_se.files import check_writable
    from training.build.attributions import read_attributions
    from training.build.backend import load_responder
    from training.build.folder import ROWS
    from training.build.run import build

    check_writable(source.out, "--out")
    attributions = read_attributions(
        source.attributions, source.datasets, source.without, source.limit, source.data, source.include_path
    )
    attributions.check_template_args(source.chat_template_args)
    responder = load_responder(
        source.model,
        attributions.manifest["model"],
        adapter=source.adapter,
        dtype=machine.dtype,
        device=machine.device,
        batch_size=machine.batch_size,
        template_args=attributions.template_args,
        documents=[text.document for texts in attributions.texts.values() for text in texts],
    )
    if machine.plan:
        from training.build.plan import plan_build

        print("\n".join(plan_build(attributions, responder, options)))
        return 0
    # The settings hold the model's fingerprint and not its path, which may change between two calls.
    counts = build(attributions, responder.respond, source.out, options, log=print, answering=responder.settings)
    content = f"{counts.rows} pairs" if options.pairs else f"{counts.rows} rows ({counts.explanations} explanations)"
    print(f"{source.out / ROWS}: {content}")
    return 0
