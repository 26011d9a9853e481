"""Texts per second of a random model in bfloat16, and the share of the device's peak that they use."""

from __future__ import annotations

import platform
import re
import statistics
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from benchmarks.attribution_inputs import model_of, options_of, task, tokenizer_of
from lm_eval_tasks.document import Document
from training.attribution.attributor import Attributor
from training.attribution.engine.forward import EmbeddedBatch, Forward


class TokenCounter:
    """Counts the tokens that go through a model, without waiting for the device.

    Counts stay tensors until they are read: a GPU computes ahead of Python.
    """

    def __init__(self) -> None:
        self._forward: list[torch.Tensor] = []
        self._gradients: list[torch.Tensor] = []
        self._computed = 0

    def __enter__(self) -> TokenCounter:
        original = Forward.__call__

        def call(forward: Forward, rows: EmbeddedBatch, return_kv: bool = False) -> Any:
            passes = self._gradients if torch.is_grad_enabled() else self._forward
            passes.append(rows.lengths.sum())
            self._computed += rows.embeds.shape[0] * rows.embeds.shape[1]
            return original(forward, rows, return_kv)

        self._patch = patch.object(Forward, "__call__", call)
        self._patch.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._patch.stop()

    def passes(self) -> int:
        """Tokens times passes over them, without padding.

        The backward pass of a frozen model has one multiplication for each of the forward pass: together two passes.
        """
        return sum(map(int, self._forward)) + 2 * sum(map(int, self._gradients))

    def padding(self) -> float:
        """Share of the computed tokens that were padding."""
        tokens = sum(map(int, [*self._forward, *self._gradients]))
        return 1 - tokens / self._computed if self._computed else 0.0


def throughput_table(shape: str, device: str, documents: list[Document], token_budget: int, rounds: int) -> list[str]:
    """The lines of a Markdown table with a row per method: medians of the rounds, in which the methods take turns."""
    spec, dtype = task(), torch.bfloat16
    tokenizer, model = tokenizer_of(spec, documents), model_of(shape, device, dtype)
    operations, peak = 2 * multiplied_parameters(model), _peak(device, dtype)
    methods = {
        name: Attributor(model, tokenizer, spec, options_of(name), token_budget=token_budget)
        for name in ("occlusion", "cascade", "ig, 16 steps", "ig, 32 steps")
    }
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    counters, memory, gpu = {}, {}, device.startswith("cuda")
    for round_ in range(rounds + 1):
        for name, attributor in methods.items():
            if gpu:
                torch.cuda.reset_peak_memory_stats()
            with TokenCounter() as counters[name]:
                start = time.perf_counter()
                # The first round is not timed: it allocates memory, and halves budgets that are too large.
                attributor.rows(documents if round_ else documents[: max(1, len(documents) // 4)])
                _finish(device)
                if round_:
                    seconds[name].append(time.perf_counter() - start)
            memory[name] = f"{torch.cuda.max_memory_allocated() / 2**30:.1f}" if gpu else "-"
    lines = [
        f"### {shape}, bfloat16, random weights, {machine(device)}",
        "",
        f"{len(documents)} texts, {rounds} rounds; a matrix product reaches {peak / 1e12:.3g} TFLOP/s.",
        "",
        "| method | texts per second | share of the measured peak | padding | memory, GiB | tokens at once |",
        "|---|---|---|---|---|---|",
    ]
    for name, attributor in methods.items():
        median = statistics.median(seconds[name])
        share = operations * counters[name].passes() / median / peak
        padding = counters[name].padding()
        budget = min(budget.tokens for budget in attributor.budgets)
        lines.append(
            f"| {name} | {len(documents) / median:.3g} | {share:.0%} | {padding:.0%} | {memory[name]} | {budget} |"
        )
    return [*lines, ""]


def multiplied_parameters(model: Any) -> int:
    """Parameters that every token is multiplied with: all but the embeddings, which are looked up, and the head."""
    return sum(parameter.numel() for name, parameter in model.model.named_parameters() if "embed" not in name)


def _finish(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def _peak(device: str, dtype: torch.dtype) -> float:
    """Operations per second of a large matrix product, the best that this device reaches."""
    size = 8192 if device.startswith("cuda") else 4096
    a = torch.randn(size, size, device=device, dtype=dtype)
    best = 0.0
    for _ in range(10):
        _finish(device)
        start = time.perf_counter()
        a @ a
        _finish(device)
        best = max(best, 2 * size**3 / (time.perf_counter() - start))
    return best


def machine(device: str = "cpu") -> str:
    """The name of the device, and how many threads torch uses on a CPU."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name()
    cpuinfo = Path("/proc/cpuinfo")
    name = re.search(r"model name\s*: (.*)", cpuinfo.read_text() if cpuinfo.exists() else "")
    return f"{name[1].strip() if name else platform.processor()}, {torch.get_num_threads()} thread"
