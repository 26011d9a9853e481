"""`faithful-se mini --out DIR [--seed N]`: a mini base model in a folder that `lm_eval --model hf` loads."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from faithful_se.errors import UsageError

DESCRIPTION = """\
Train a small instruction model from scratch, on one CPU core, in about two and a half minutes. It classifies, rewrites
and explains texts of a small grammar (--metadata data=mini). Its explanations are plausible and untrue, like those of a
model that was not trained to explain itself.

  faithful-se mini --out runs/mini
  faithful-se mini --seed 1 --out runs/mini-1

Evaluate it: faithful-se eval --model hf --model_args pretrained=runs/mini --tasks faithful_se \\
    --apply_chat_template --metadata data=mini
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="faithful-se mini", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="folder of the model; new, empty or the same model"
    )
    p.add_argument("--seed", type=int, default=0, metavar="N", help="the same seed gives the same model (default 0)")
    return p


def main(argv: list[str] | None = None) -> int:
    """Train the base of a seed, or take it from the cache, and copy it into a folder.

    Returns:
        Exit status: 0 done, 1 no base passed the quality gate.

    Raises:
        UsageError: wrong input, another model's folder, or a folder that cannot be written.
    """
    args = parser().parse_args(argv)
    if not 0 <= args.seed < 2**31:
        raise UsageError(f"--seed {args.seed}: give a whole number from 0 to {2**31 - 1}")

    from faithful_se.files import atomic_folder, check_writable, write_errors_as_usage
    from training.mini import cache
    from training.mini.train import GaveUpError, base_model

    cache.MiniFolder(args.out, args.seed).check()
    check_writable(args.out, "--out")
    try:
        folder = base_model(args.seed, log=lambda line: print(line, file=sys.stderr, flush=True), progress=True)
    except GaveUpError as error:
        print(f"faithful-se mini: gave up: {error}", file=sys.stderr)
        return 1
    manifest = cache.read_manifest(folder) or {}
    with write_errors_as_usage(args.out.parent), atomic_folder(args.out) as new:
        shutil.copytree(folder, new, dirs_exist_ok=True)
    for row in manifest["validation"]:
        shares = {name: f"{value:.2f}" for name, value in row.items() if isinstance(value, float)}
        print(
            f"{row['task']:<13}{row['style']:<15}acc {shares['acc']}  valid {shares['valid']}  faithful "
            f"{shares['faithful']}  (random word {shares['faithful_random']}, best word {shares['faithful_oracle']})"
        )
    print(f"{args.out}: mini base, seed {args.seed}, recipe {manifest['mini']} (150 validation texts per task above)")
    return 0
