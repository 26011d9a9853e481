"""Generated explanations on a local model: ours against lm-eval's own loop. `evaluation.py` prints these rows."""

from __future__ import annotations

from collections.abc import Iterator

from lm_eval import simple_evaluate
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

from benchmarks.evaluation_ranked import interleaved
from benchmarks.evaluation_rows import Row
from lm_eval_tasks import DATASETS
from lm_eval_tasks.forward_pass.quick_generation import QuickGeneration
from lm_eval_tasks.styles import EXPLANATION_STYLES

# The largest ours / peer.
LIMIT = 1 / 2


def explanation_requests(lm: HFLM, dataset: str, data: str, limit: int) -> list[Instance]:
    """The distinct requests for explanations of a dataset's one-word tasks, with the tasks' own limits of tokens."""
    requests: dict[str, Instance] = {}
    answer = lm.generate_until

    def recorded(batch: list[Instance], **options: object) -> list[str]:
        requests.update((request.args[0], request) for request in batch)
        return ["" for _ in batch]

    lm.generate_until = recorded
    try:
        metadata = {"data": data, "classifier": "loglikelihood", "controls": "none", "quick": "false"}
        manager = TaskManager(include_defaults=False, include_path=str(DATASETS), metadata=metadata)
        tasks = [f"faithful_se_{dataset}_{style}_oneword" for style in EXPLANATION_STYLES]
        simple_evaluate(lm, tasks=tasks, task_manager=manager, apply_chat_template=True, limit=limit)
    finally:
        lm.generate_until = answer
    return list(requests.values())


def generated_rows(lm: HFLM, data: str, limit: int, rounds: int) -> Iterator[Row]:
    """Seconds of the explanations alone; the second row counts texts that differ."""
    generation = QuickGeneration(lm)
    texts: dict[str, list[str]] = {}

    def quick(requests: list[Instance]) -> None:
        with generation.active():
            texts["ours"] = lm.generate_until(requests, disable_tqdm=True)

    def own(requests: list[Instance]) -> None:
        texts["hflm"] = HFLM.generate_until(lm, requests, disable_tqdm=True)

    for dataset in ("snli", "sentiment140"):
        requests = explanation_requests(lm, dataset, data, limit)
        quick(requests[:2])  # compared with the model once
        seconds = interleaved({"hflm": lambda: own(requests), "ours": lambda: quick(requests)}, rounds)  # noqa: B023
        name = f"generated, {dataset} ({len(requests)})"
        yield Row(f"{name}: HFLM", seconds["hflm"], seconds["ours"], LIMIT)
        different = sum(a != b for a, b in zip(texts["hflm"], texts["ours"], strict=True))
        yield Row(f"{name}: texts, and those that differ", len(requests), different, None)
