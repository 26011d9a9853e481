"""`faithful-se build`: from word attributions to verified explanations that TRL trains on."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

EXAMPLES = """\
examples:
  faithful-se build --attributions runs/attributions --model MODEL --out runs/data
  faithful-se build --attributions runs/attributions --model MODEL --styles attribution --without snli --out OUT
  faithful-se build --attributions runs/attributions --model MODEL --arm random --out runs/data-random
  faithful-se build --attributions runs/attributions --model MODEL --specific --out runs/data-specific

MODEL is the model that was attributed. The same command goes on after it was stopped. What is written: the card
(README.md) in the folder says it.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    from lm_eval_tasks.styles import BUDGETS
    from training.build.options import ARMS, BuildOptions

    usual = BuildOptions()
    p = argparse.ArgumentParser(
        "faithful-se build",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    p.add_argument("--attributions", type=Path, required=True, help="folder of faithful-se attribute")
    p.add_argument("--model", required=True, help="the model that was attributed: folder or hub name")
    p.add_argument("--adapter", default="", help="a peft adapter to put on the model, if it was attributed with one")
    p.add_argument("--out", type=Path, required=True, help="folder to write to, or to go on in")
    p.add_argument("--datasets", nargs="+", default=[], metavar="DATASET", help="only these (default: all there are)")
    p.add_argument("--without", nargs="+", default=[], metavar="DATASET", help="not these: leave a dataset out")
    p.add_argument(
        "--data",
        default="",
        help="where the evaluation's texts are, to keep apart: hub, mini, DIR (default: as attributed)",
    )
    p.add_argument("--limit", type=int, help="only the first texts of each dataset")
    what = p.add_argument_group("rows")
    what.add_argument("--styles", nargs="+", default=list(usual.styles), metavar="STYLE", help=", ".join(usual.styles))
    what.add_argument("--budget", default=usual.budget, help=f"{', '.join(BUDGETS)} (default: {usual.budget})")
    what.add_argument(
        "--arm", default=usual.arm, help=f"{', '.join(ARMS)}: controls on the texts of word (default: word)"
    )
    what.add_argument("--unfiltered", action="store_true", help="keep explanations that do not change the answer too")
    what.add_argument("--replay", type=float, default=usual.replay, help="share of classifications (default: 0.25)")
    what.add_argument(
        "--candidates", type=int, default=usual.candidates, help="replacement words a counterfactual tries (default: 8)"
    )
    what.add_argument(
        "--specific",
        action="store_true",
        help="counterfactuals: prefer a word that reaches the target at its place only, not wherever it is written",
    )
    what.add_argument("--context", default=usual.context, help="same or fresh conversation (default: same)")
    what.add_argument("--seed", type=int, default=usual.seed, help="of what is drawn (default: 0)")
    machine = p.add_argument_group("machine")
    machine.add_argument("--batch-size", type=int, default=64, help="prompts at once (default: 64)")
    machine.add_argument("--dtype", default="auto", help="as in the attribution (default: auto, as stored)")
    machine.add_argument("--device", default="", help="cpu, cuda, cuda:1 (default: a GPU if there is one)")
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    given = parser().parse_args(sys.argv[1:] if argv is None else argv)

    from faithful_se.errors import UsageError
    from training.build.attributions import read_attributions
    from training.build.backend import responder
    from training.build.options import BuildOptions
    from training.build.outputs import ROWS
    from training.build.run import build

    if (given.limit is not None and given.limit < 1) or given.batch_size < 1:
        raise UsageError("--limit and --batch-size are whole numbers from 1")
    options = BuildOptions(
        styles=tuple(given.styles),
        budget=given.budget,
        arm=given.arm,
        filtered=not given.unfiltered,
        replay=given.replay,
        candidates=given.candidates,
        specific=given.specific,
        context=given.context,
        seed=given.seed,
    )
    attributions = read_attributions(given.attributions, given.datasets, given.without, given.limit, given.data)
    respond = responder(
        given.model,
        attributions.settings["model"],
        adapter=given.adapter,
        dtype=given.dtype,
        device=given.device,
        batch=given.batch_size,
    )
    # The name goes into the rows' card, never into what is compared: a model may be found under another path.
    found = build(attributions, respond, given.out, options, say=print)
    print(f"{given.out / ROWS}: {found.rows} rows ({found.explanations} explanations)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
