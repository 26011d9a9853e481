"""Texts per second of a model with random weights in bfloat16, and its share of what the device could do."""

from __future__ import annotations

import platform
import time
from pathlib import Path

import torch

from benchmarks.attribution_raw import Recorder
from benchmarks.attribution_world import model_of, task, tokenizer_of
from lm_eval_tasks.calls import Document
from training.attribution.attribute import Attributor
from training.attribution.options import AttributionOptions


def on_device(shape: str, device: str, documents: list[Document], token_budget: int) -> list[str]:
    """A table: a row per method.

    Args:
        shape: of the model.
        device: where; one thread on a CPU.
        documents: texts.
        token_budget: see `Attributor`.
    """
    spec, dtype = task(), torch.bfloat16
    fast, model = tokenizer_of(spec, documents), model_of(shape, device, dtype)
    parameters = sum(p.numel() for name, p in model.named_parameters() if "embed" not in name)
    peak = _peak(device, dtype)
    lines = [
        f"### {shape}, bfloat16, random weights, {machine(device)}",
        "",
        "| method | texts per second | share of the measured peak |",
        "|---|---|---|",
    ]
    for method, steps in (("occlusion", 16), ("cascade", 16), ("ig", 16), ("ig", 32)):
        attributor = Attributor(model, fast, spec, AttributionOptions(method, steps=steps), token_budget=token_budget)
        attributor.rows(documents[:8])
        with Recorder() as recorder:
            attributor.rows(documents[:32])
        forward = sum(call[1].shape[0] * call[1].shape[1] * (1 if not call[5] else 2) for call in recorder.calls)
        # A frozen model's backward pass is one more multiplication for each of the forward pass.
        operations = 2 * parameters * forward / min(32, len(documents)) * len(documents)
        _finish(device)
        start = time.perf_counter()
        attributor.rows(documents)
        _finish(device)
        seconds = time.perf_counter() - start
        name = f"{method}, {steps} steps" if method == "ig" else method
        lines.append(f"| {name} | {len(documents) / seconds:.3g} | {operations / seconds / peak:.0%} |")
    return [*lines, ""]


def _finish(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def _peak(device: str, dtype: torch.dtype) -> float:
    """Operations per second of a large matrix product: what this device reaches at best."""
    size = 8192 if device.startswith("cuda") else 1024
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
