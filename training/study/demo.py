"""`faithful-se demo`: train a mini model to explain itself faithfully, and compare it with what it was before.

It trains a mini base (once on a machine) and evaluates it with lm_eval. It finds the word that each answer depends on.
It builds verified one-word explanations in three styles and trains on them with TRL. It evaluates again, on texts and
tasks not trained on too, beside a control that was trained on random words. No download, no GPU. Each step is a command
of this package or lm_eval; the demo prints it before it runs. It is `faithful-se study mini/study.yaml`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

EXAMPLES = """\
examples:
  faithful-se demo --quick
  faithful-se demo --out runs/demo
"""

NEXT = """
With a model of your own (a folder or hub name with a chat template; a GPU from
1B on):

  faithful-se eval --model hf --model_args pretrained=MODEL \\
      --tasks 'faithful_se_*' --apply_chat_template \\
      --log_samples --output_path results
  faithful-se attribute --model MODEL --tasks sentiment140 snli agnews \\
      --limit 5000 --out attributions
  faithful-se build --attributions attributions --model MODEL --out rows
  faithful-se sft --model_name_or_path MODEL --data rows --output_dir trained \\
      --learning_rate 2e-4

Then the first command again with --model_args pretrained=MODEL peft=trained,
and both on one page: faithful-se board results --out board
docs/training.md explains the steps, docs/study.md how one recipe runs them."""

# Roughly how long each size takes on two cores, without the base.
MINUTES = {"quick": 2, "default": 8, "full": 19}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        "faithful-se demo",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    size = p.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="two small tasks in a minute or two: does everything run?")
    size.add_argument("--full", action="store_true", help="also single styles, datasets left out, further controls")
    p.add_argument("--seed", type=int, default=0, help="of the base, the rows and the training (default: 0)")
    p.add_argument(
        "--out", type=Path, default=Path("runs/demo"), help="folder; the same command resumes (default: runs/demo)"
    )
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    arguments = parser().parse_args(sys.argv[1:] if argv is None else argv)

    from training.study.cli import open_study, run_study
    from training.study.read_recipe import shipped

    size = "quick" if arguments.quick else "full" if arguments.full else "default"
    folder = open_study(str(shipped() / "mini" / "study.yaml"), arguments.out, size, seed=arguments.seed)
    print(f"about {MINUTES[size]} min on two cores, plus the base where there is none yet (3 to 5 min)")
    option = "" if size == "default" else f" --{size}"
    run_study(folder, folder.stages, f"faithful-se demo{option}, seed {arguments.seed}", quick=arguments.quick)
    print(NEXT)
    return 0
