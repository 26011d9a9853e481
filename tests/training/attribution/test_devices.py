"""On another device: everything that is asked together lies there. A stand-in for a GPU, on machines without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.training.attribution import architectures as world
from tests.training.attribution.test_batches import assert_same
from training.attribution.methods import METHODS

torch = pytest.importorskip("torch", minversion="2.10", reason="earlier ones take no device written in Python")
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a process of its own found, since a device once told to torch stays there."""
    out = tmp_path_factory.mktemp("devices") / "found.json"
    command = [sys.executable, "-m", "tests.training.attribution.on_two_devices", str(out)]
    done = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(out.read_text())


@pytest.mark.parametrize(
    "case",
    [
        *(f"llama {method}" for method in METHODS),
        *(f"{kind} {method}" for kind in world.ARCHITECTURES[1:] for method in ("occlusion", "ig")),
    ],
)
def test_another_device_changes_no_score(case: str, found: Any) -> None:
    usual, there = found["rows"][case]
    assert len(usual) == (3 if case.startswith("qwen2") else 6)  # pairs, tweets
    assert_same(usual, there, near=3e-5)  # attention is computed by other routines there


def test_another_device_changes_no_answer_and_no_fingerprint(found: Any) -> None:
    usual, there = found["answers"]
    assert usual == there and len(set(usual)) > 3


def test_the_benchmark_of_a_device_runs_there(found: Any) -> None:
    """`benchmarks/attribution.py --device`: in bfloat16, as many tokens at once as a GPU gets."""
    rows = [line.strip("| ").split(" | ") for line in found["benchmark"] if line.startswith("| ")]
    assert [row[0] for row in rows] == ["method", "occlusion", "cascade", "ig, 16 steps", "ig, 32 steps"]
    assert all(float(row[1]) > 0 and row[-1] == "16384" for row in rows[1:])


def test_a_tensor_left_behind_is_noticed(found: Any) -> None:
    """The device of these tests can fail them."""
    assert "expected all tensors to be on the same device, found pretend and cpu" in found["left behind"]
