"""Word attributions against captum's own wrappers for language models, and against the raw model.

    python benchmarks/attribution.py                       # 2M and 60M random models, CPU, about ten minutes
    python benchmarks/attribution.py --sizes 2m --examples 8 --rounds 3
    python benchmarks/attribution.py --device cuda --shape 7b   # texts per second in bfloat16, share of the peak
    python benchmarks/attribution.py --model MODEL --data mini  # a trained model: which methods find occlusion's word

Same texts, same prompts, same labels, one process; CPU time (the machine may be busy), the competitors take turns in
every round. `raw` runs exactly the model calls that ours made, with the same keys and values, and nothing else: what a
ratio to it leaves is rendering, tokenizing, batching and captum's own arithmetic. Exits with 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch

# They run from a clone: benchmarks and tests are not installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.attribution_agreement import trained
from benchmarks.attribution_device import machine, on_device
from benchmarks.attribution_speed import held, measure, table
from benchmarks.attribution_world import SHAPES, texts_of

# A fifth of a second is measured in parts of a hundredth: on a busy machine one round in ten is off by a tenth.
ROUNDS = {"2m": 7, "60m": 3}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["2m", "60m"], choices=["2m", "60m"])
    parser.add_argument("--examples", type=int, default=0, help="texts (default: 16; 256 with --device cuda)")
    parser.add_argument("--rounds", type=int, default=0, help="default: 7 for 2m, whose seconds are short; else 3")
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--without-50", action="store_true", help="leave out captum's IG of 50 steps, the slowest")
    parser.add_argument("--token-budget", type=int, default=0)
    parser.add_argument("--data", help="a folder of real text, as for --metadata data=; made-up texts without it")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model", help="a trained model: agreement of the methods instead of speed")
    parser.add_argument("--tasks", nargs="+", default=["sentiment140", "snli", "agnews"], help="with --model")
    parser.add_argument("--shape", choices=list(SHAPES), help="only texts per second, on --device, in bfloat16")
    arguments = parser.parse_args()
    gpu = arguments.device.startswith("cuda")
    if gpu and not torch.cuda.is_available():
        parser.error(f"--device {arguments.device}: torch {torch.__version__} sees no GPU here; leave --device out")
    # A GPU is not busy with a few texts.
    arguments.examples = arguments.examples or (256 if gpu else 16)
    if arguments.device == "cpu":
        torch.set_num_threads(1)
    names = ("torch", "transformers", "captum")
    print(f"{date.today()}, {machine(arguments.device)}, " + ", ".join(f"{n} {version(n)}" for n in names) + "\n")
    a = arguments
    if a.model:
        print("\n".join(trained(a.model, a.tasks, a.data or "mini", a.device, a.examples)))
        return 0
    documents = texts_of(a.data, a.examples)
    if a.shape:
        print("\n".join(on_device(a.shape, a.device, documents, a.token_budget, a.rounds or 3)))
        return 0
    all_hold = True
    for size in a.sizes:
        found = measure(
            size,
            documents,
            steps=a.steps,
            rounds=a.rounds or ROUNDS[size],
            fifty=not a.without_50,
            token_budget=a.token_budget,
        )
        lines, holds = held(found)
        all_hold = all_hold and holds
        print("\n".join([*table(found, a.steps), *lines]), flush=True)
    return 0 if all_hold else 1


if __name__ == "__main__":
    raise SystemExit(main())
