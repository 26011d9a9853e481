"""`faithful-se mini --out DIR [--seed N]`: a mini base model in a folder that `lm_eval --model hf` loads."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path


def main(argv: list[str] | None = None) -> int:
    """Train the base of a seed, or take it from the cache, and copy it into a folder.

    Returns:
        Exit status: 0 done, 1 no base passed the quality gate, 2 wrong input.
    """
    parser = argparse.ArgumentParser(
        prog="faithful-se mini",
        description="Train a small instruction model from scratch, on one CPU core, in about two and a half minutes. "
        "It classifies, rewrites and explains texts of a small grammar (--metadata data=mini). Its explanations are "
        "plausible and untrue, like those of a model that was not trained to explain itself.",
    )
    parser.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="folder of the model; new, empty or the same model"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="the same seed gives the same model (default 0)"
    )
    args = parser.parse_args(argv)
    if problem := _problem(args.out, args.seed):
        print(f"faithful-se mini: {problem}", file=sys.stderr)
        return 2

    from faithful_se.files import atomic_folder
    from training.mini import cache
    from training.mini.train import GaveUpError, base_model

    try:
        folder = base_model(args.seed, log=lambda line: print(line, file=sys.stderr, flush=True), progress=True)
        manifest = cache.read_manifest(folder) or {}
        with atomic_folder(args.out) as new:
            shutil.copytree(folder, new, dirs_exist_ok=True)
    except GaveUpError as error:
        print(f"faithful-se mini: gave up: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"faithful-se mini: cannot write: {error}", file=sys.stderr)
        return 2
    for row in manifest["validation"]:
        shares = {name: f"{value:.2f}" for name, value in row.items() if isinstance(value, float)}
        print(
            f"{row['task']:<13}{row['style']:<15}acc {shares['acc']}  valid {shares['valid']}  faithful "
            f"{shares['faithful']}  (random word {shares['faithful_random']}, best word {shares['faithful_oracle']})"
        )
    print(f"{args.out}: mini base, seed {args.seed}, recipe {manifest['mini']} (150 validation texts per task above)")
    return 0


def _problem(out: Path, seed: int) -> str:
    """What is wrong with the arguments; empty if nothing is."""
    if not 0 <= seed < 2**31:
        return f"--seed {seed}: give a whole number from 0 to {2**31 - 1}"
    if out.exists() and not out.is_dir():
        return f"--out {out} is a file: give a folder"
    if out.is_dir() and any(out.iterdir()) and not (out / "mini.json").is_file():
        return f"--out {out} is not empty and not a mini model: give a new folder, nothing there is overwritten"
    return _difference(out, seed) if (out / "mini.json").is_file() else ""


def _difference(out: Path, seed: int) -> str:
    """How the mini model of a folder differs from that of a seed; empty if it does not."""
    from training.mini import cache

    manifest = cache.read_manifest(out)
    if manifest is None or not {"seed", "mini"} <= manifest.keys():
        return f"--out {out}: mini.json is damaged: remove the folder, or give another --out"
    if manifest["seed"] != seed:
        return f"--out {out} holds the mini model of seed {manifest['seed']}: give that --seed, or another --out"
    if manifest["mini"] != cache.version():
        return (
            f"--out {out} holds a mini model of another recipe ({manifest['mini']}, now {cache.version()}): "
            "remove the folder, or give another --out"
        )
    return ""
