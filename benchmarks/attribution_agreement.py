"""Do the attribution methods name the same top word of a trained model, and does masking it change the answer?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from operator import eq
from typing import Any

from benchmarks.attribution_inputs import options_of
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.options import Options
from lm_eval_tasks.spec import TaskSpec
from training.attribution.attributor import Attributor
from training.models.loading import load_model

METHODS = ("occlusion", "cascade", "ig, 8 steps", "ig, 16 steps", "ig, 32 steps", "ig, 128 steps", "ixg", "random")


def agreement_table(model_name: str, tasks: Sequence[str], data: str, device: str, examples: int) -> list[str]:
    """The lines of a Markdown table with a row per dataset and method; `examples` are the texts of each dataset."""
    model, tokenizer = load_model(model_name, dtype="float32", device=device)
    lines = [
        "| dataset | method | word of occlusion | word of IG, 128 steps | flips | CPU s |",
        "|---|---|---|---|---|---|",
    ]
    for task in tasks:
        dataset = dataset_spec(task)
        split = load(dataset, data, "train")
        documents = [dataset.document(row) for row in split.select(range(min(examples, len(split))))]
        spec = TaskSpec(dataset.question, "attribution", "oneword", Options())
        rows_of: dict[str, list[Any]] = {}
        seconds: dict[str, float] = {}
        for method in METHODS:
            attributor = Attributor(model, tokenizer, spec, options_of(method, check_flips=True))
            start = time.process_time()
            rows_of[method] = attributor.rows(documents)
            seconds[method] = time.process_time() - start
        tops = {method: [row["top"]["key"] for row in rows] for method, rows in rows_of.items()}
        for method, rows in rows_of.items():
            occlusion, gradients = (
                sum(map(eq, tops[method], tops[name])) / len(rows) for name in ("occlusion", "ig, 128 steps")
            )
            flips = sum(bool(row["flips"]) for row in rows) / len(rows)
            lines.append(
                f"| {task} | {method} | {occlusion:.3f} | {gradients:.3f} | {flips:.3f} | {seconds[method]:.2f} |"
            )
    return lines
