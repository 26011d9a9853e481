"""All tensors move to the model's device. A pretended device stands for a GPU, on machines without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.training.attribution import tiny_models as tiny
from tests.training.attribution.test_batches import assert_same
from training.attribution.methods import METHODS

torch = pytest.importorskip("torch", minversion="2.10", reason="earlier ones take no device written in Python")
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Results of a process of its own, since torch does not forget a device."""
    out = tmp_path_factory.mktemp("devices") / "results.json"
    command = [sys.executable, "-m", "tests.training.attribution.compare_devices", str(out)]
    done = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(out.read_text())


@pytest.mark.parametrize(
    "case",
    [
        *(f"llama {method}" for method in METHODS),
        *(f"{kind} {method}" for kind in tiny.ARCHITECTURES[1:] for method in ("occlusion", "ig")),
    ],
)
def test_another_device_changes_no_score(case: str, results: Any) -> None:
    on_cpu, on_device = results["rows"][case]
    assert len(on_cpu) == (3 if case.startswith("qwen2") else 6)  # pairs, tweets
    assert_same(on_cpu, on_device, near=3e-5)  # its attention has other routines


def test_another_device_changes_no_answer_and_no_fingerprint(results: Any) -> None:
    on_cpu, on_device = results["answers"]
    assert on_cpu == on_device and len(set(on_cpu)) > 3


def test_the_benchmark_of_a_device_runs_there(results: Any) -> None:
    """`benchmarks/attribution.py --device`: in bfloat16, as many tokens at once as a GPU gets."""
    rows = [line.strip("| ").split(" | ") for line in results["benchmark"] if line.startswith("| ")]
    assert [row[0] for row in rows] == ["method", "occlusion", "cascade", "ig, 16 steps", "ig, 32 steps"]
    assert all(float(row[1]) > 0 and row[-1] == "16384" for row in rows[1:])


def test_a_tensor_on_the_wrong_device_is_noticed(results: Any) -> None:
    """The pretended device does refuse to mix."""
    assert "expected all tensors to be on the same device, found pretend and cpu" in results["wrong device"]
