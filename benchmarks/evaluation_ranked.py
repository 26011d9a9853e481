"""Ranked labels on a local model: ours against lm-eval's own passes and against the raw model.

`evaluation.py` prints these rows.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from transformers import DynamicCache

from benchmarks.evaluation_rows import NINE, Row, evaluate
from lm_eval_tasks.forward_pass.batching import default_tokens
from lm_eval_tasks.forward_pass.model_parts import ModelParts
from lm_eval_tasks.forward_pass.quick_ranking import QuickRanking, Ranked
from lm_eval_tasks.forward_pass.shared_tokens import distinct_tokens, plan
from lm_eval_tasks.styles import EXPLANATION_STYLES

# The largest ours / peer: of one classification a text, against the raw model, and of nine tasks end to end.
CLASSIFY_LIMITS = {"snli": 1 / 3, "sentiment140": 1 / 2}
RAW_LIMIT, END_TO_END_LIMIT = 1.25, 1 / 2


def interleaved(work: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median CPU seconds of each piece of work, done in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            start = time.process_time()
            run()
            seconds[name].append(time.process_time() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def ranked_requests(lm: HFLM, dataset: str, data: str, limit: int, controls: str) -> list[Instance]:
    """The distinct log-likelihood requests of a dataset's one-word tasks."""
    requests: dict[tuple[Any, ...], Instance] = {}
    answer = lm.loglikelihood

    def recorded(batch: list[Instance], **options: Any) -> Any:
        requests.update((request.args, request) for request in batch)
        return answer(batch, **options)

    lm.loglikelihood = recorded
    try:
        tasks = [f"faithful_se_{dataset}_{style}_oneword" for style in EXPLANATION_STYLES]
        evaluate(lm, tasks, data, limit, classifier="loglikelihood", controls=controls)
    finally:
        del lm.loglikelihood
    return list(requests.values())


def first_prompts(lm: HFLM, dataset: str, data: str, limit: int) -> list[Instance]:
    """The requests of the texts as they are: the first round of a run."""
    rounds: list[list[Instance]] = []
    answer = lm.loglikelihood
    lm.loglikelihood = lambda batch, **options: rounds.append(batch) or answer(batch, **options)
    try:
        task = f"faithful_se_{dataset}_attribution_oneword"
        evaluate(lm, [task], data, limit, classifier="loglikelihood", controls="none")
    finally:
        del lm.loglikelihood
    return rounds[0]


def raw_forward(lm: HFLM, requests: Sequence[Instance]) -> Callable[[], None]:
    """The plain model over as many tokens as must be computed, and its output matrix where labels are read.

    The longest opening is in the model's own cache, as one would write it by hand. Rows have no padding.
    """
    ranked = Ranked([(None, *lm._encode_pair(*request.args)) for request in requests])
    nodes, prompts = sum(len(tree.nodes) for tree in ranked.trees), ranked.prompts
    opening = max(group.opening for group in plan(prompts))
    tokens, reads = distinct_tokens(prompts) + nodes - opening, nodes + len(prompts)
    parts, width = ModelParts(lm.model), max(1, round(tokens / len(prompts)))
    budget = default_tokens(lm.device)

    def ids(rows: int, columns: int) -> torch.Tensor:
        return torch.randint(10, 1000, (rows, columns), device=lm.device)

    def run() -> None:
        with torch.no_grad():
            shared = DynamicCache()
            if opening:
                parts.backbone(input_ids=ids(1, opening), past_key_values=shared, use_cache=True)
            left = tokens
            while left > 0:
                columns = min(width, left)
                rows = max(1, min(budget, left) // columns)
                cache = copy.deepcopy(shared)
                if opening:
                    cache.batch_repeat_interleave(rows)
                hidden = parts.backbone(
                    input_ids=ids(rows, columns), past_key_values=cache, use_cache=True
                ).last_hidden_state
                left -= rows * columns
            for start in range(0, reads, 512):
                parts.head(hidden[:1, -1].expand(min(512, reads - start), -1)).log_softmax(-1)

    return run


def ranked_rows(lm: HFLM, data: str, limit: int, rounds: int) -> Iterator[Row]:
    """Seconds of the labels alone: of texts as they are, and of all perturbed texts of a run."""
    ranking = QuickRanking(lm)

    def quick(requests: Sequence[Instance]) -> None:
        with ranking.active():
            lm.loglikelihood(list(requests), disable_tqdm=True)

    for dataset, most in CLASSIFY_LIMITS.items():
        for name, requests, ratio in (
            ("texts", first_prompts(lm, dataset, data, limit), most),
            ("random+oracle", ranked_requests(lm, dataset, data, max(1, limit // 4), "random+oracle"), most),
        ):
            quick(requests[:6])  # compared with the model once
            work = {
                "hflm": lambda chosen=requests: lm.loglikelihood(list(chosen), disable_tqdm=True),
                "ours": lambda chosen=requests: quick(chosen),
                "raw": raw_forward(lm, requests),
            }
            seconds = interleaved(work, rounds)
            prefix = f"ranked, {dataset}, {name} ({len(requests)})"
            yield Row(f"{prefix}: HFLM", seconds["hflm"], seconds["ours"], ratio)
            yield Row(f"{prefix}: raw model", seconds["raw"], seconds["ours"], RAW_LIMIT)


def end_to_end(lm: HFLM, data: str, limit: int, rounds: int) -> Row:
    """Seconds of the nine one-word tasks with random and oracle controls: quick=false against quick=true."""
    options = {"classifier": "loglikelihood", "controls": "random+oracle"}
    work = {
        quick: lambda quick=quick: evaluate(lm, NINE, data, limit, **options, quick=quick)
        for quick in ("false", "true")
    }
    seconds = interleaved(work, rounds)
    return Row("nine tasks, random+oracle: quick=false", seconds["false"], seconds["true"], END_TO_END_LIMIT)
