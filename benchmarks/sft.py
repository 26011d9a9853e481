"""A step of `faithful-se sft` against the raw step: forward and backward, the vocabulary only where there is a loss.

```
python benchmarks/sft.py --model DIR [--data DIR] [--batches N] [--batch_size N] [--dtype bfloat16]
```

The README.md of this folder explains the rows.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from lm_eval_tasks.calls import Answer, as_chat
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.spec import TaskSpec
from training.sft.lm_head import score_supervised_positions
from training.sft.shared_openings import share_openings
from training.trainer.make import base_model_of, make_trainer
from training.trainer.supervision import IGNORED

TIME_LIMIT, MEMORY_LIMIT = 1.15, 4.0
DATASETS = ("sentiment140", "snli", "agnews")
# Runs `faithful-se sft` and prints the peak of its resident memory, in kB on Linux.
PEAK = (
    "import resource, sys; from training.sft.cli import main; main(sys.argv[1:]); "
    "print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
)


def write_rows(path: Path, data: str, count: int) -> Path:
    """Rows as `faithful-se build` writes them, a quarter of them classifications; words and labels are drawn."""
    rng, rows = random.Random(0), []
    for name in DATASETS:
        dataset = dataset_spec(name)
        spec = TaskSpec(dataset.question, "attribution", "oneword")
        texts = map(dataset.document, load(dataset, data, "train").select(range(10 * count)))
        documents = [document for document in texts if 3 < len(document.words) < 60][:count]
        for number, document in enumerate(documents):
            label, word = rng.choice(dataset.question.labels), rng.choice(document.words).text
            call: Any = spec.classify(document) if number % 4 == 3 else spec.explain(document, Answer(label, label))
            answer = label if number % 4 == 3 else word
            rows.append({"prompt": as_chat(call.messages), "completion": as_chat((("assistant", answer),))})
    rng.shuffle(rows)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def raw_step(model: Any, batch: dict[str, Any]) -> None:
    """What a loop by hand does, without an optimizer."""
    base = model.get_base_model()
    hidden = base.model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False)
    supervised = batch["labels"][:, 1:] != IGNORED
    logits = base.lm_head(hidden.last_hidden_state[:, :-1][supervised]).float()
    torch.nn.functional.cross_entropy(logits, batch["labels"][:, 1:][supervised]).backward()


def measure(trainer: Any, batch_size: int, batches: int) -> dict[str, tuple[float, int]]:
    """CPU seconds and tokens of padded batches, by the way that they ran."""
    model, base = trainer.model.train(), base_model_of(trainer)
    trainer.create_optimizer()
    forward, plain = base.forward, base.base_model.forward
    score_supervised_positions(trainer)
    scored = base.forward
    share_openings(trainer)
    shared = base.base_model.forward

    def sft_step(head: Any, decoder: Any, batch: dict[str, Any]) -> None:
        base.forward, base.base_model.forward = head, decoder
        trainer.training_step(model, dict(batch), (batch["labels"] != IGNORED).sum())
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        trainer.optimizer.step()
        base.forward, base.base_model.forward = forward, plain

    ways: dict[str, Callable[[dict[str, Any]], None]] = {
        "raw": lambda batch: raw_step(model, batch),
        "sft": lambda batch: sft_step(scored, plain, batch),
        "sft --shared_openings": lambda batch: sft_step(scored, shared, batch),
        "TRL alone": lambda batch: sft_step(forward, plain, batch),
    }
    rows = list(trainer.train_dataset)[: batch_size * batches]
    sizes = sorted(rows, key=lambda row: len(row["input_ids"]))
    orders = {"": rows, ", group_by_length": sizes}
    seconds: dict[str, list[float]] = defaultdict(list)
    tokens: dict[str, int] = defaultdict(int)
    # The first batch of each way warms up: it is not counted, and sharing checks itself on it.
    for number in range(-1, batches):
        for order, ordered in orders.items():
            start = batch_size * max(number, 0)
            batch = trainer.data_collator(ordered[start : start + batch_size])
            for way, step in ways.items():
                if order and way == "TRL alone":
                    continue
                model.zero_grad()
                started = time.process_time()
                step(batch)
                if number >= 0:
                    seconds[way + order].append(time.process_time() - started)
                    tokens[way + order] += batch["input_ids"].numel()
    return {way: (sum(values), tokens[way]) for way, values in seconds.items()}


def peak_memory(options: list[str], out: Path) -> float:
    """GB that the command itself holds at most, in two steps."""
    command = [*options, "--output_dir", str(out), "--max_steps", "2", "--save_strategy", "no"]
    done = subprocess.run([sys.executable, "-c", PEAK, *command], capture_output=True, text=True, check=True)
    match = re.search(r"^peak (\d+)$", done.stdout, re.MULTILINE)
    assert match is not None
    return int(match[1]) * 1024 / 1e9


def main(argv: list[str] | None = None) -> int:
    """Print seconds, ratios and memory; the status is 1 where a limit is missed."""
    from trl import ModelConfig, SFTConfig, SFTTrainer

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", default="mini")
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument("--batch_size", type=int, default=8)
    parser.add_argument("--dtype", default="bfloat16")
    options = parser.parse_args(argv)
    folder = Path(tempfile.mkdtemp())
    data = write_rows(folder / "rows.jsonl", options.data, 32)
    model = ModelConfig(options.model, dtype=options.dtype, use_peft=True, lora_target_modules=["all-linear"])
    sizes: Any = {
        "per_device_train_batch_size": options.batch_size,
        "report_to": "none",
        "use_cpu": True,
        "bf16": False,
    }
    training = SFTConfig(str(folder / "trainer"), gradient_checkpointing=False, **sizes)
    rows = [json.loads(line) for line in data.read_text("utf-8").splitlines()]
    missed = False
    # First: a child begins with the peak of the process that starts it.
    command = ["--model_name_or_path", options.model, "--data", str(data), "--dtype", options.dtype]
    command += ["--per_device_train_batch_size", str(options.batch_size), "--report_to", "none", "--use_cpu", "true"]
    without_dropout = ["--lora_dropout", "0"]
    ways = {"": [], " without dropout": without_dropout, " --shared_openings": ["--shared_openings", "true"]}
    for way, more in ways.items():
        memory = peak_memory([*command, *more], folder / f"out{way}")
        print(f"sft{way}: {memory:.2f} GB at most")
        missed |= more == without_dropout and memory > MEMORY_LIMIT
    results = measure(make_trainer(SFTTrainer, model, training, rows), options.batch_size, options.batches)
    for way, (seconds, tokens) in results.items():
        raw = results["raw" + ", group_by_length" * ("group" in way)][0]
        print(f"{way}: {seconds / options.batches:.2f} s a step, {tokens} padded tokens, {seconds / raw:.2f} x raw")
        missed |= way in ("sft", "sft, group_by_length") and seconds > TIME_LIMIT * raw
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
