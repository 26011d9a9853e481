"""`python -m training.demo.evaluate`: lm-eval on one checkpoint, one dataset after the other, and the values per text.

The same run as `lm_eval run --model hf --model_args pretrained=…,peft=… --tasks faithful-se-mini --apply_chat_template
--metadata data=mini --log_samples`, with its result files; besides, a small file per dataset with what the table needs.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import Any

from faithful_se.files import write_atomic
from training.runs.folder import MANIFEST

COLUMNS = ("faithful", "valid", "acc", "faithful_random", "faithful_oracle")


def evaluate(
    model: str,
    out: Path,
    datasets: list[str],
    budgets: list[str],
    *,
    adapter: str = "",
    limit: int | None = None,
    data: str = "mini",
    controls: str = "random",
    batch: int = 128,
) -> None:
    """Evaluate a checkpoint into a folder; datasets that are done are not evaluated again.

    Args:
        model: base, or a whole model.
        out: a file per dataset, lm-eval's result files under `lm_eval/`, `manifest.json` last.
        datasets, budgets: which tasks; all styles.
        adapter: a peft adapter on the base.
        limit: texts per task.
        data, controls: options of the tasks.
        batch: prompts at once.
    """
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    from lm_eval_tasks import DATASETS

    arguments = {"pretrained": model, **({"peft": adapter} if adapter else {})}
    out.mkdir(parents=True, exist_ok=True)
    for dataset in datasets:
        path = out / f"{dataset}.json"
        if path.is_file():
            continue
        metadata = {"data": data, "controls": controls}
        manager = TaskManager(include_defaults=False, include_path=str(DATASETS), metadata=metadata)
        names = manager.match_tasks([f"faithful_se_{dataset}_*_{budget}" for budget in budgets])
        tracker = EvaluationTracker(output_path=str(out / "lm_eval"))
        found = simple_evaluate(
            "hf",
            model_args=arguments,
            device="cpu",  # the same numbers on every machine: a mini model gains nothing from a GPU
            batch_size=batch,
            tasks=names,
            task_manager=manager,
            limit=limit,
            apply_chat_template=True,
            bootstrap_iters=0,
            evaluation_tracker=tracker,
        )
        samples = found.pop("samples")
        tracker.save_results_aggregated(results=found, samples=samples)
        for name, rows in samples.items():
            tracker.save_results_samples(task_name=name, samples=rows)
        write_atomic(path, [json.dumps({name: columns(rows) for name, rows in samples.items()})])
    write_atomic(out / MANIFEST, [json.dumps({"model": model, "adapter": adapter, "datasets": datasets})])


def columns(samples: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Values per text, in the order of the dataset: the metric columns, and what was predicted and named."""
    rows = sorted(samples, key=lambda sample: int(sample["doc_id"]))
    found: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in COLUMNS if name in rows[0]}
    told = [json.loads(row["filtered_resps"][0]) for row in rows]
    found["hash"] = [transcript["hash"] for transcript in told]
    found["prediction"] = [transcript["prediction"]["label"] for transcript in told]
    found["named"] = [(transcript["explanation"] or {}).get("words", []) for transcript in told]
    found["shortcut"] = [row["doc"].get("shortcut", []) for row in rows]
    return found


def main() -> int:
    """Run the module."""
    p = argparse.ArgumentParser("python -m training.demo.evaluate", description=__doc__)
    p.add_argument("--model", required=True)
    p.add_argument("--adapter", default="")
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--datasets", nargs="+", required=True)
    p.add_argument("--budgets", nargs="+", required=True)
    p.add_argument("--limit", type=int)
    p.add_argument("--controls", default="random")
    given = p.parse_args()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    evaluate(
        given.model,
        given.out,
        given.datasets,
        given.budgets,
        adapter=given.adapter,
        limit=given.limit,
        controls=given.controls,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
