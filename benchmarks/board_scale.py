"""Seconds, memory and bytes of a leaderboard of 100 checkpoints x 36 tasks x 1,000 documents.

```
python benchmarks/board_scale.py --out /tmp/board_scale            # generate 8.7 GB, make the board, delete
python benchmarks/board_scale.py --out /tmp/board_scale --checkpoints 10 --keep
```

The rows have every field of real ones, with short texts and no oracle of single words. They are about 2 kB long; real
ones with the oracle are 9 kB. The benchmark prints bytes per row and MB/s, to extrapolate from. Outcomes are drawn with
a known rate per checkpoint. `faithful-se board` runs in a process of its own, whose peak memory is printed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import shutil
import subprocess
import time
from itertools import product
from pathlib import Path

from lm_eval_tasks.styles import BUDGETS, STYLES
from training.demo.runner import console_script

DATASETS = ("sentiment140", "snli", "agnews", "trec", "sms_spam", "subj")
LABELS = ["negative", "positive"]
DATE = "2026-01-02T03-04-05.000006"
WORDS = ("oslo", "lima", "quito", "cairo", "hanoi", "dublin", "nice", "bad", "slow", "warm", "coffee", "dinner")


def sample_lines(dataset: str, style: str, budget: str, number: int) -> list[str]:
    """Four samples of one document: unfaithful and faithful, each with random words that flip the answer or not."""
    draw = random.Random(f"{dataset} {number}")
    words = [draw.choice(WORDS) for _ in range(6)]
    text, label = " ".join(words) + f" {number}", draw.choice(LABELS)
    other = LABELS[1 - LABELS.index(label)]
    question = f"Negative or positive? {text}"
    masked = text.replace(words[0], "[REDACTED]")
    messages = [{"role": "user", "content": question}]
    lines = []
    for faithful in (0, 1):
        for flips in (0, 1):
            transcript = {
                "dataset": dataset,
                "style": style,
                "budget": budget,
                "options": {},
                "hash": hashlib.sha256(text.encode()).hexdigest()[:16],
                "fields": {"text": text},
                "gold": label,
                "prediction": {"messages": messages, "answer": label, "label": label, "logprobs": None},
                "explanation": {
                    "messages": [],
                    "answer": words[0],
                    "target": other if STYLES[style].WANTS_TARGET else "",
                    "valid": True,
                    "reason": "",
                    "words": [words[0]],
                    "positions": [0],
                    "edited": None,
                    "edits": [],
                },
                "perturbed": {
                    "fields": {"text": masked},
                    "messages": [],
                    "answer": "",
                    "label": other if faithful else label,
                },
                "random": [],
                "oracle": None,
                "stability": [],
                "problem": "",
            }
            response = json.dumps(transcript)
            row = {
                "doc_id": number,
                "doc": {"text": text, "label": label},
                "target": label,
                "arguments": {"gen_args_0": {"arg_0": ""}},
                "resps": [[response]],
                "filtered_resps": [response],
                "filter": "none",
                "metrics": [
                    "faithful",
                    "valid",
                    "acc",
                    "faithful_random",
                    "lift",
                    "faithful_oracle",
                    "ccf",
                    "masked_fraction",
                ],
                "doc_hash": hashlib.sha256(f"{dataset} {text}".encode()).hexdigest(),
                "prompt_hash": "0" * 64,
                "target_hash": "0" * 64,
                "faithful": float(faithful),
                "valid": 1.0,
                "acc": 1.0,
                "faithful_random": flips / 2,
                "lift": faithful - flips / 2,
                "faithful_oracle": 1.0,
                "ccf": [float(faithful), flips / 2, 1.0],
                "masked_fraction": round(1 / len(words), 4),
            }
            lines.append(json.dumps(row) + "\n")
    return lines


def generate(out: Path, checkpoints: int, documents: int) -> tuple[int, int]:
    """Write the results of all checkpoints; returns the number of rows and of bytes."""
    tasks = list(product(DATASETS, STYLES, BUDGETS))
    size = 0
    for index, task in enumerate(tasks):
        samples = [sample_lines(*task, number) for number in range(documents)]
        name = "faithful_se_" + "_".join(task)
        for checkpoint in range(checkpoints):
            draw = random.Random(f"{index} {checkpoint}")
            rate = 0.3 if not checkpoint else 0.3 + 0.5 * checkpoint / checkpoints
            text = "".join(lines[2 * (draw.random() < rate) + (draw.random() < 0.1)] for lines in samples)
            folder = out / f"model{checkpoint:03d}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"samples_{name}_{DATE}.jsonl").write_text(text)
            size += len(text)
    for checkpoint in range(checkpoints):
        write_results(out / f"model{checkpoint:03d}", checkpoint, tasks, documents)
    return checkpoints * len(tasks) * documents, size


def write_results(folder: Path, checkpoint: int, tasks: list[tuple[str, str, str]], documents: int) -> None:
    """Write the results file of a checkpoint, and its `train_info.json`."""
    names = ["faithful_se_" + "_".join(task) for task in tasks]
    arguments = {"pretrained": "models/base", **({"peft": f"models/model{checkpoint:03d}"} if checkpoint else {})}
    configs = {}
    for name, (dataset, style, budget) in zip(names, tasks, strict=True):
        options = {
            "dataset": dataset,
            "style": style,
            "budget": budget,
            "labels": LABELS,
            "titles": ["Text"],
            "data_fingerprint": dataset,
        }
        configs[name] = {"task": name, "metadata": {"version": 1.0, "faithful_se": options}}
    content = {
        "results": {name: {"name": name} for name in names},
        "configs": configs,
        "versions": dict.fromkeys(names, 1.0),
        "n-samples": {name: {"original": documents, "effective": documents} for name in names},
        "config": {"model": "hf", "model_args": arguments, "limit": None},
        "model_name": arguments.get("peft", "models/base"),
        "chat_template": "{{ messages }}",
    }
    (folder / f"results_{DATE}.json").write_text(json.dumps(content))
    if checkpoint:
        info = {
            "base": "models/base",
            "train_datasets": list(DATASETS[: 1 + checkpoint % 3]),
            "train_styles": [list(STYLES)[checkpoint % 3]],
            "budget": ["oneword"],
            "arm": ["word" if checkpoint % 5 else "random"],
        }
        (folder / "train_info.json").write_text(json.dumps(info))


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
