"""Word attributions against captum's wrappers for language models, and against the raw model.

```
python benchmarks/attribution.py                       # 2M and 60M random models, CPU, about ten minutes
python benchmarks/attribution.py --sizes 2m --examples 8 --rounds 3
python benchmarks/attribution.py --device cuda --shape 7b   # texts per second in bfloat16, share of the peak
python benchmarks/attribution.py --model MODEL --data mini  # a trained model: do the methods name the same word?
```

All competitors see the same texts, prompts and labels in one process, and take turns in every round. Times are CPU
times, as the machine may be busy. `raw` repeats exactly the model calls of our run, with the same keys and values. The
ratio to it is what rendering, tokenizing and batching cost. The exit status is 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch

# Benchmarks run from a clone: they and the tests are not installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.attribution_agreement import agreement_table
from benchmarks.attribution_inputs import SHAPES, texts_of
from benchmarks.attribution_speed import comparison_table, limits_table, measure
from benchmarks.attribution_throughput import machine, throughput_table

# A run of a fifth of a second is often off by a tenth on a busy machine: the small model takes more rounds.
ROUNDS = {"2m": 7, "60m": 3}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["2m", "60m"], choices=["2m", "60m"])
    parser.add_argument("--examples", type=int, default=0, help="texts (default: 16; 256 with --device cuda)")
    parser.add_argument("--rounds", type=int, default=0, help="default: 7 for 2m, whose runs are short; else 3")
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--without-50", action="store_true", help="leave out captum's IG with 50 steps, the slowest")
    parser.add_argument("--token-budget", type=int, default=0)
    parser.add_argument("--data", help="a folder of real text, as for --metadata data= (default: made-up texts)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model", help="a trained model: compares the words of the methods, not their speed")
    parser.add_argument("--tasks", nargs="+", default=["sentiment140", "snli", "agnews"], help="with --model")
    parser.add_argument("--shape", choices=list(SHAPES), help="only texts per second in bfloat16, on --device")
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
        print("\n".join(agreement_table(a.model, a.tasks, a.data or "mini", a.device, a.examples)))
        return 0
    documents = texts_of(a.data, a.examples)
    if a.shape:
        print("\n".join(throughput_table(a.shape, a.device, documents, a.token_budget, a.rounds or 3)))
        return 0
    all_hold = True
    for size in a.sizes:
        times = measure(size, documents, a.steps, a.rounds or ROUNDS[size], not a.without_50, a.token_budget)
        lines, holds = limits_table(times)
        all_hold = all_hold and holds
        print("\n".join([*comparison_table(times, a.steps), *lines]), flush=True)
    return 0 if all_hold else 1


if __name__ == "__main__":
    raise SystemExit(main())
