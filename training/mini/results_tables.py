"""The tables of docs/mini_results.md: `python -m training.mini.results_tables --seeds 0 1 2`.

Bases come from the cache, or are trained.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from transformers import AutoModelForCausalLM, AutoTokenizer

from lm_eval_tasks.styles import BUDGETS
from training.mini.base_model import no_progress_bars
from training.mini.cache import read_manifest
from training.mini.lexicon import LEXICONS
from training.mini.quality_gate import measure
from training.mini.shortcut_check import check_shortcuts
from training.mini.train import base_model
from training.mini.write_data import SIZES

METRICS = ("acc", "valid", "faithful", "faithful_random", "faithful_oracle")
SHORTCUTS = ("shortcut_flips", "cues_flip", "names_cue", "names_shortcut")


def main(argv: list[str] | None = None) -> int:
    """Print the tables as Markdown; each cell holds one value per seed."""
    parser = argparse.ArgumentParser(
        prog="python -m training.mini.results_tables", description="Tables of the mini world."
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--budget", choices=BUDGETS, default=BUDGETS[0])
    args = parser.parse_args(argv)
    measurements, shortcuts, manifests = [], [], []
    for seed in args.seeds:
        folder = base_model(seed, log=print, progress=True)
        with no_progress_bars():
            model = AutoModelForCausalLM.from_pretrained(folder)
            tokenizer = AutoTokenizer.from_pretrained(folder)
        measurements.append(measure(model, tokenizer, "test", SIZES["test"], args.budget))
        shortcuts.append([check_shortcuts(model, tokenizer, task) for task in LEXICONS])
        manifests.append(read_manifest(folder) or {})
    seeds = ", ".join(map(str, args.seeds))
    print(f"\nSeeds {seeds}, {args.budget}, test split ({SIZES['test']} texts a task)\n")
    print_table(("task", "style"), METRICS, measurements)
    print("\nTest texts with a shortcut\n")
    print_table(("task", "n"), SHORTCUTS, shortcuts)
    print("\n| | " + " | ".join(f"seed {seed}" for seed in args.seeds) + " |\n|---|" + "---|" * len(args.seeds))
    rows = {
        "training, s of CPU time": [f"{manifest['cpu_seconds']:.0f}" for manifest in manifests],
        "with the quality gate": [f"{manifest['cpu_seconds_in_all']:.0f}" for manifest in manifests],
        "attempts, continued": [f"{manifest['attempt'] + 1}, {manifest['continued']}" for manifest in manifests],
    }
    for name, cells in rows.items():
        print(f"| {name} | " + " | ".join(cells) + " |")
    return 0


def print_table(names: Sequence[str], values: Sequence[str], seeds: Sequence[Sequence[object]]) -> None:
    """One row per entry; each value as "first / second / third seed"."""
    print("| " + " | ".join([*names, *values]) + " |\n|" + "---|" * (len(names) + len(values)))
    for entries in zip(*seeds, strict=True):
        cells = [str(getattr(entries[0], name)) for name in names]
        cells += [" / ".join(f"{getattr(entry, value):.2f}".lstrip("0") for entry in entries) for value in values]
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    raise SystemExit(main())
