"""What each of two processes runs under torchrun: `two_caches.py MODEL DATA OUT`.

It evaluates with every state of two caches, on lm-eval's own Hugging Face model, which searches for its batch size.
"""

from __future__ import annotations

import gc
import json
import sqlite3
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from lm_eval import simple_evaluate
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

from lm_eval_tasks import DATASETS

TASKS = ["faithful_se_sentiment140_attribution_oneword", "faithful_se_snli_counterfactual_oneword"]
FITS = 2  # prompts in memory at once


class SmallMemoryLM(HFLM):
    """Only two prompts fit into memory, so a search gives less than the maximum. Counts its requests."""

    def __init__(self, folder: str) -> None:
        # lm-eval's data parallelism is for GPUs, and asks torch for their number only.
        torch.cuda.device_count = lambda: dist.get_world_size()
        super().__init__(pretrained=folder, batch_size="auto:4", max_batch_size=2 * FITS)
        assert (self.rank, self.world_size) == (dist.get_rank(), 2)
        self.calls: list[tuple[str, int]] = []

    def _model_call(self, inps: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        if len(inps) > FITS:
            raise RuntimeError("CUDA out of memory.")
        return super()._model_call(inps, *args, **kwargs)

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        self.calls.append(("generate_until", len(requests)))
        return super().generate_until(requests, disable_tqdm)

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        self.calls.append(("loglikelihood", len(requests)))
        return super().loglikelihood(requests, disable_tqdm)


def delete_answers(cache: Path, rank: int, condition: str) -> None:
    """Delete answers from one cache, but not the model's stamp."""
    with sqlite3.connect(f"{cache}_rank{rank}.db") as database:
        database.execute(f"delete from unnamed where key != 'faithful_se_model' and {condition}")


def main(model: str, data: str, out: str) -> None:
    dist.init_process_group("gloo", timeout=timedelta(seconds=60))
    manager = TaskManager(
        include_defaults=False, include_path=str(DATASETS), metadata={"data": data, "classifier": "loglikelihood"}
    )
    lm, cache = SmallMemoryLM(model), Path(out, "cache")
    gc.freeze()  # every search collects garbage, which would take three quarters of the time

    def evaluate(path: Path | None) -> dict[str, Any]:
        lm.calls = []
        settings = {"apply_chat_template": True, "bootstrap_iters": 1, "gen_kwargs": {"max_gen_toks": 8}}
        cache_path = str(path) if path else None
        results = simple_evaluate(lm, tasks=TASKS, task_manager=manager, use_cache=cache_path, **settings)
        outcome = {"calls": lm.calls, "schedule": lm.batch_schedule}
        return {**outcome, "results": results["results"]} if results else outcome

    outcomes = {"no cache": evaluate(None), "empty": evaluate(cache), "full": evaluate(cache)}
    for rank, condition in ((1, "1"), (0, "1"), (1, "rowid % 3 = 0"), (0, "rowid > 30")):
        if lm.rank == rank:
            delete_answers(cache, rank, condition)
        dist.barrier()
        outcomes[f"process {rank} lacks {condition}"] = evaluate(cache)
    Path(out, f"rank{lm.rank}.json").write_text(json.dumps(outcomes))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
