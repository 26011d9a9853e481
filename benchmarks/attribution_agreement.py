"""A trained model: how often each method's top word is occlusion's, and how often masking it changes the answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.options import Options
from lm_eval_tasks.spec import TaskSpec
from training.attribution.attributor import Attributor
from training.attribution.options import AttributionOptions
from training.models.loading import load_model

AGREEING: dict[str, dict[str, Any]] = {
    "occlusion": {},
    "cascade": {},
    "ig, 8 steps": {"steps": 8},
    "ig, 16 steps": {"steps": 16},
    "ig, 32 steps": {"steps": 32},
    "ig, 128 steps": {"steps": 128},
    "ixg": {},
    "random": {},
}


def trained(name: str, tasks: Sequence[str], data: str, device: str, examples: int) -> list[str]:
    """A table: a row per dataset and method.

    Args:
        name: of the model.
        tasks: datasets.
        data: where their texts are.
        device: where the model is.
        examples: texts per dataset.
    """
    model, fast = load_model(name, dtype="float32", device=device)
    lines = [
        "| dataset | method | word of occlusion | word of IG, 128 steps | flips | CPU s |",
        "|---|---|---|---|---|---|",
    ]
    for task in tasks:
        dataset = dataset_spec(task)
        rows = load(dataset, data, "train")
        documents = [dataset.document(row) for row in rows.select(range(min(examples, len(rows))))]
        spec = TaskSpec(dataset.question, "attribution", "oneword", Options())
        told: dict[str, list[Any]] = {}
        seconds: dict[str, float] = {}
        for method, settings in AGREEING.items():
            options = AttributionOptions(method.partition(",")[0], check_flips=True, **settings)
            attributor = Attributor(model, fast, spec, options)
            start = time.process_time()
            told[method] = list(attributor.rows(documents))
            seconds[method] = time.process_time() - start
        for method, found in told.items():
            equal = [
                sum(a["top"]["key"] == b["top"]["key"] for a, b in zip(found, told[other], strict=True)) / len(found)
                for other in ("occlusion", "ig, 128 steps")
            ]
            flips = sum(bool(row["flips"]) for row in found) / len(found)
            lines.append(
                f"| {task} | {method} | {equal[0]:.3f} | {equal[1]:.3f} | {flips:.3f} | {seconds[method]:.2f} |"
            )
    return lines
