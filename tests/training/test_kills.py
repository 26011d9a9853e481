"""`faithful-se build` and `sft` as processes, killed with `kill -9` at random moments: they end with the same files."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

pytest.importorskip("trl")
ROOT = Path(__file__).resolve().parents[2]
KILLS = 10
pytestmark = pytest.mark.slow


def start(arguments: Sequence[object]) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    words = [sys.executable, "-m", "faithful_se", *map(str, arguments)]
    return subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def finish(arguments: Sequence[object]) -> float:
    started = time.monotonic()
    assert start(arguments).wait() == 0
    return time.monotonic() - started


def killed(arguments: Sequence[object], seconds: float, out: Path, progress: Callable[[], int]) -> list[int]:
    """Kill a command at ten random moments after it has loaded; its progress each time."""
    rng, counts = random.Random(0), []
    for _ in range(KILLS):
        process = start(arguments)
        time.sleep(rng.uniform(0.4, 1.0) * seconds)
        process.kill()
        process.wait()
        counts.append(progress())
        if (out / "manifest.json").exists():
            # It finished before the kill: begin anew, so that every kill interrupts work.
            shutil.rmtree(out)
    return counts


@pytest.fixture(scope="module")
def attributions(mini_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("attributions")
    tasks = ["--tasks", "sentiment140", "snli", "--data", "mini", "--limit", 400]
    finish(["attribute", "--model", mini_base, *tasks, "--out", out])
    return out


@pytest.fixture(scope="module")
def rows(attributions: Path, mini_base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    out = tmp_path_factory.mktemp("rows")
    return out, finish(["build", "--attributions", attributions, "--model", mini_base, "--out", out])


def test_a_killed_build_ends_with_the_same_rows(
    attributions: Path, rows: tuple[Path, float], mini_base: Path, tmp_path: Path
) -> None:
    finished, seconds = rows
    out = tmp_path / "rows"
    build = ["build", "--attributions", attributions, "--model", mini_base, "--out", out]
    counts = killed(build, seconds, out, lambda: len(list(out.glob("shards/*.jsonl"))))
    assert max(counts) > 0, "every kill came before the first shard"
    finish(build)
    for name in ("train.jsonl", "rejected.jsonl", "report.json", "README.md", "manifest.json"):
        assert (out / name).read_bytes() == (finished / name).read_bytes(), name
    assert not (out / "shards").exists()


def test_a_killed_training_ends_with_the_same_files(rows: tuple[Path, float], mini_base: Path, tmp_path: Path) -> None:
    def sft(out: Path) -> list[object]:
        steps = ["--max_steps", 40, "--save_steps", 4]
        recipe = ["--config", ROOT / "recipes" / "mini" / "sft.yaml", "--model_name_or_path", mini_base]
        return ["sft", *recipe, "--data", rows[0], "--output_dir", out, *steps]

    undisturbed, out = tmp_path / "undisturbed", tmp_path / "killed"
    seconds = finish(sft(undisturbed))
    counts = killed(sft(out), seconds, out, lambda: len(list(out.glob("checkpoint-*"))))
    assert max(counts) > 0, "every kill came before the first checkpoint"
    finish(sft(out))
    # The card names its folder. `training_args.bin` holds times.
    names = {path.name for path in undisturbed.iterdir() if path.is_file()} - {"training_args.bin", ".lock"}
    assert names >= {"adapter_model.safetensors", "README.md", "train_info.json", "manifest.json", "sft.json"}
    for name in sorted(names):
        expected = (undisturbed / name).read_bytes().replace(str(undisturbed).encode(), str(out).encode())
        if name == "README.md":
            expected = expected.replace(f"# {undisturbed.name}".encode(), f"# {out.name}".encode())
        assert (out / name).read_bytes() == expected, name
