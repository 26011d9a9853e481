"""Seconds, memory and bytes of a leaderboard of 100 checkpoints x 36 tasks x 1,000 documents.

```
python benchmarks/board_scale.py --out /tmp/board_scale            # generate 10 GB, make the board, delete
python benchmarks/board_scale.py --out /tmp/board_scale --checkpoints 10 --keep
```

The rows are those of the leaderboards' tests, 2.9 kB long: short texts, and no oracle of single words. Real ones with
the oracle are 9 kB. The benchmark prints bytes per row and MB/s, to extrapolate from. Outcomes are drawn with a known
rate per checkpoint. `faithful-se board` runs in a process of its own, whose peak memory is printed.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

# Benchmarks run from a clone: they and the tests are not installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lm_eval_tasks.styles import BUDGETS, EXPLANATION_STYLES
from tests.leaderboards.result_files import DATE, LABELS, name_of, row, train_info, write_run
from training.study.runner import console_script

DATASETS = ("sentiment140", "snli", "agnews", "trec", "sms_spam", "subj")
WORDS = ("oslo", "lima", "quito", "cairo", "hanoi", "dublin", "nice", "bad", "slow", "warm", "coffee", "dinner")


def sample_lines(task: tuple[str, str, str], number: int) -> list[str]:
    """Four samples of one document: unfaithful and faithful, each with random words that flip the answer or not."""
    draw = random.Random(f"{task[0]} {number}")
    words = [draw.choice(WORDS) for _ in range(6)]
    document = {"text": " ".join(words) + f" {number}", "word": words[0], "prediction": draw.choice(LABELS)}
    document |= {"masked_fraction": round(1 / len(words), 4)}
    document["transcript"] = {"oracle": None}
    outcomes = product((0.0, 1.0), (0.0, 0.5))
    oracle = {(faithful, flips): max(faithful, float(flips > 0)) for faithful, flips in outcomes}
    rows = (row(number, f, task, random=r, oracle=best, **document) for (f, r), best in oracle.items())
    return [json.dumps(sample) + "\n" for sample in rows]


def generate(out: Path, checkpoints: int, documents: int) -> tuple[int, int]:
    """Write the results of all checkpoints; returns the number of rows and of bytes."""
    tasks = list(product(DATASETS, EXPLANATION_STYLES, BUDGETS))
    size = 0
    for index, task in enumerate(tasks):
        samples = [sample_lines(task, number) for number in range(documents)]
        for checkpoint in range(checkpoints):
            draw = random.Random(f"{index} {checkpoint}")
            rate = 0.3 if not checkpoint else 0.3 + 0.5 * checkpoint / checkpoints
            text = "".join(lines[2 * (draw.random() < rate) + (draw.random() < 0.1)] for lines in samples)
            folder = out / f"model{checkpoint:03d}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"samples_{name_of(task)}_{DATE}.jsonl").write_text(text)
            size += len(text)
    for checkpoint in range(checkpoints):
        folder = out / f"model{checkpoint:03d}"
        peft = f"models/{folder.name}" if checkpoint else ""
        write_run(folder, dict.fromkeys(tasks, ()), peft=peft, samples=False, effective=documents)
        if checkpoint:
            train_info(
                folder,
                train_datasets=list(DATASETS[: 1 + checkpoint % 3]),
                train_styles=[EXPLANATION_STYLES[checkpoint % 3]],
                arm=["word" if checkpoint % 5 else "random"],
            )
    return checkpoints * len(tasks) * documents, size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--checkpoints", type=int, default=100)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--keep", action="store_true", help="do not delete the generated files")
    arguments = parser.parse_args()
    results, board = arguments.out / "results", arguments.out / "board"
    start = time.perf_counter()
    if not results.is_dir():
        rows, size = generate(results, arguments.checkpoints, arguments.documents)
        seconds = time.perf_counter() - start
        print(f"generated {rows:,} rows, {size / 1e6:,.0f} MB, {size / rows:,.0f} bytes a row, in {seconds:.0f} s")
    size = sum(path.stat().st_size for path in results.rglob("*.jsonl"))
    start = time.perf_counter()
    subprocess.run([console_script("faithful-se"), "board", str(results), "--out", str(board)], check=True)
    seconds = time.perf_counter() - start
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = usage.ru_maxrss / 1e6  # kB on Linux
    cpu = usage.ru_utime + usage.ru_stime
    rate = size / 1e6 / seconds
    print(f"built in {seconds:.1f} s ({cpu:.0f} s of CPU), peak {peak:.2f} GB, {rate:,.0f} MB of samples a second")
    for name in ("board.json", "index.html"):
        path = board / name
        if path.is_file():
            print(f"{name}: {path.stat().st_size / 1e6:.1f} MB")
    if not arguments.keep:
        shutil.rmtree(arguments.out)


if __name__ == "__main__":
    main()
