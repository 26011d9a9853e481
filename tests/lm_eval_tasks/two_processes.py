"""What each of two processes runs under torchrun: `two_processes.py DATA OUT CLASSIFIER LIMIT`."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from lm_eval import simple_evaluate
from lm_eval.api.instance import Instance
from lm_eval.tasks import TaskManager

from lm_eval_tasks import DATASETS
from lm_eval_tasks.data_parallel import PADDING
from lm_eval_tasks.rule_models import RuleLM


class ParallelRuleLM(RuleLM):
    """The rule in one process of several. lm-eval's own models run data-parallel on GPUs only."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        super().__init__("honest", h=0.5)
        self._rank, self._world_size = dist.get_rank(), dist.get_world_size()
        self.batches: list[tuple[str, int]] = []

    def _counted(self, kind: str, requests: list[Instance], answer: Any) -> list[Any]:
        self.batches.append((kind, len(requests)))
        dist.barrier()  # as a sharded model in every call: a process that calls alone waits for ever
        padding = [request for request in requests if request.args in PADDING.values()]
        answers = iter(answer([request for request in requests if request not in padding]))
        return ["" if request in padding else next(answers) for request in requests]

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        return self._counted("generate_until", requests, super().generate_until)

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        return self._counted("loglikelihood", requests, super().loglikelihood)

    def all_gather(self, tensor: torch.Tensor) -> torch.Tensor:
        rows = [torch.zeros_like(tensor) for _ in range(self.world_size)]
        dist.all_gather(rows, tensor)
        return torch.stack(rows)

    def gather_object(self, obj: Any, dst: int = 0) -> list[Any] | None:
        rows: list[Any] | None = [None] * self.world_size if self.rank == dst else None
        dist.gather_object(obj, rows, dst)
        return rows

    def barrier(self) -> None:
        dist.barrier()


def main(data: str, out: str, classifier: str, limit: str) -> None:
    dist.init_process_group("gloo", timeout=timedelta(seconds=60))
    options = {"data": data, "classifier": classifier, "controls": "all"}
    manager = TaskManager(include_defaults=False, include_path=str(DATASETS), metadata=options)
    lm = ParallelRuleLM()
    results = simple_evaluate(
        lm,
        tasks=manager.match_tasks(["faithful_se_sentiment140_*", "faithful_se_snli_attribution_multiword"]),
        task_manager=manager,
        apply_chat_template=True,
        limit=int(limit) or None,
        bootstrap_iters=1,
    )
    outcome: dict[str, Any] = {"batches": lm.batches}
    if results:
        samples = {task: [[row["doc_id"], row["resps"]] for row in rows] for task, rows in results["samples"].items()}
        outcome.update(results=results["results"], samples=samples)
    Path(out, f"rank{lm.rank}.json").write_text(json.dumps(outcome))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
