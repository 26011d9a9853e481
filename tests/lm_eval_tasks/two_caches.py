"""What each of two processes runs under torchrun: `two_caches.py MODEL DATA OUT`.

The same evaluation with every state that two caches can be in, on lm-eval's own Hugging Face model, which searches for
its batch size.
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
    """Two prompts fit, so that a search finds less than the most. Its answers are counted."""

    def __init__(self, folder: str) -> None:
        # Its data parallelism is for GPUs, of which it asks nothing but their number.
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


def forget(cache: Path, rank: int, which: str) -> None:
    """Take answers out of one cache; the model's stamp stays."""
    with sqlite3.connect(f"{cache}_rank{rank}.db") as database:
        database.execute(f"delete from unnamed where key != 'faithful_se_model' and {which}")


def main(model: str, data: str, out: str) -> None:
    dist.init_process_group("gloo", timeout=timedelta(seconds=60))
    manager = TaskManager(
        include_defaults=False, include_path=str(DATASETS), metadata={"data": data, "classifier": "loglikelihood"}
    )
    lm, cache = SmallMemoryLM(model), Path(out, "cache")
    gc.freeze()  # every search collects garbage: three quarters of the time, for modules that are none

    def evaluate(path: Path | None) -> dict[str, Any]:
        lm.calls = []
        settings = {"apply_chat_template": True, "bootstrap_iters": 1, "gen_kwargs": {"max_gen_toks": 8}}
        kept = str(path) if path else None
        results = simple_evaluate(lm, tasks=TASKS, task_manager=manager, use_cache=kept, **settings)
        found = {"calls": lm.calls, "schedule": lm.batch_schedule}
        return {**found, "results": results["results"]} if results else found

    told = {"no cache": evaluate(None), "empty": evaluate(cache), "whole": evaluate(cache)}
    for rank, which in ((1, "1"), (0, "1"), (1, "rowid % 3 = 0"), (0, "rowid > 30")):
        if lm.rank == rank:
            forget(cache, rank, which)
        dist.barrier()
        told[f"process {rank} lacks {which}"] = evaluate(cache)
    Path(out, f"rank{lm.rank}.json").write_text(json.dumps(told))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
