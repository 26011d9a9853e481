"""Texts per second of a model with random weights in bfloat16, and its share of what the device could do."""

from __future__ import annotations

import platform
import statistics
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from benchmarks.attribution_world import model_of, task, tokenizer_of
from lm_eval_tasks.document import Document
from training.attribution.attributor import Attributor
from training.attribution.engine.forward import Forward, Rows
from training.attribution.options import AttributionOptions


class Counted:
    """Counts the tokens that go through a model, without waiting for the device."""

    def __init__(self) -> None:
        self._forward: list[torch.Tensor] = []
        self._gradients: list[torch.Tensor] = []
        self._computed = 0

    def __enter__(self) -> Counted:
        through = Forward.__call__

        def call(forward: Forward, rows: Rows, keep: bool = False) -> Any:
            passes = self._gradients if torch.is_grad_enabled() else self._forward
            passes.append(rows.lengths.sum())
            self._computed += rows.embeds.shape[0] * rows.embeds.shape[1]
            return through(forward, rows, keep)

        self._patch = patch.object(Forward, "__call__", call)
        self._patch.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._patch.stop()

    def passes(self) -> int:
        """Tokens times passes over them, padding left out.

        A frozen model's backward pass is one more multiplication for each of the forward pass: two passes.
        """
        return sum(map(int, self._forward)) + 2 * sum(map(int, self._gradients))

    def padding(self) -> float:
        """Share of the computed tokens that were padding."""
        told = sum(map(int, [*self._forward, *self._gradients]))
        return 1 - told / self._computed if self._computed else 0.0


def on_device(shape: str, device: str, documents: list[Document], token_budget: int, rounds: int) -> list[str]:
    """A table: a row per method, medians of the rounds.

    Args:
        shape: of the model.
        device: where; one thread on a CPU.
        documents: texts.
        token_budget: see `Attributor`.
        rounds: how often each method runs; the methods take turns.
    """
    spec, dtype = task(), torch.bfloat16
    fast, model = tokenizer_of(spec, documents), model_of(shape, device, dtype)
    operations, peak = 2 * multiplied(model), _peak(device, dtype)
    methods = {
        name: Attributor(model, fast, spec, AttributionOptions(method, steps=steps), token_budget=token_budget)
        for name, method, steps in (
            ("occlusion", "occlusion", 16),
            ("cascade", "cascade", 16),
            ("ig, 16 steps", "ig", 16),
            ("ig, 32 steps", "ig", 32),
        )
    }
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    counted, memory = {}, {}
    for round_ in range(rounds + 1):
        for name, attributor in methods.items():
            _forget_peak(device)
            with Counted() as counted[name]:
                start = time.perf_counter()
                # The first round is not timed: memory is asked for, budgets are halved where they must be.
                attributor.rows(documents if round_ else documents[: max(1, len(documents) // 4)])
                _finish(device)
                if round_:
                    seconds[name].append(time.perf_counter() - start)
            memory[name] = _peak_memory(device)
    lines = [
        f"### {shape}, bfloat16, random weights, {machine(device)}",
        "",
        f"{len(documents)} texts, {rounds} rounds; a matrix product reaches {peak / 1e12:.3g} TFLOP/s.",
        "",
        "| method | texts per second | share of the measured peak | padding | memory, GiB | tokens at once |",
        "|---|---|---|---|---|---|",
    ]
    for name, attributor in methods.items():
        spent, passes = statistics.median(seconds[name]), counted[name].passes()
        share = operations * passes / spent / peak
        lines.append(
            f"| {name} | {len(documents) / spent:.3g} | {share:.0%} | {counted[name].padding():.0%} | {memory[name]} | "
            f"{min(attributor.chunks.tokens, attributor.budget.tokens, attributor.gradients.tokens)} |"
        )
    return [*lines, ""]


def multiplied(model: Any) -> int:
    """Parameters that every token is multiplied with: embeddings are looked up, the head sees the answer alone."""
    return sum(parameter.numel() for name, parameter in model.model.named_parameters() if "embed" not in name)


def _finish(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def _forget_peak(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()


def _peak_memory(device: str) -> str:
    return f"{torch.cuda.max_memory_allocated() / 2**30:.1f}" if device.startswith("cuda") else "-"


def _peak(device: str, dtype: torch.dtype) -> float:
    """Operations per second of a large matrix product: what this device reaches at best."""
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
    """Its name, and how many threads."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name()
    names = [line.split(":")[1].strip() for line in _cpu_lines() if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {torch.get_num_threads()} thread"


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
