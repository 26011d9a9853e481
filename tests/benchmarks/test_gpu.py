"""`benchmarks/gpu.sh`: its commands, and one line where there is no GPU."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "gpu.sh"


def run(python: str, *words: str) -> subprocess.CompletedProcess[str]:
    """`python` stands for the interpreter: `false` sees no GPU, `echo` prints what it is asked to run."""
    environment = {**os.environ, "PYTHON": python}
    return subprocess.run([SCRIPT, *words], env=environment, capture_output=True, text=True, check=False)


def test_without_a_gpu_it_refuses_in_one_line(tmp_path: Path) -> None:
    done = run("false", str(tmp_path))
    assert done.returncode == 2 and not list(tmp_path.iterdir())
    assert done.stderr == "benchmarks/gpu.sh: torch sees no GPU here; --dry-run OUT tries the commands on a CPU\n"


@pytest.mark.parametrize("words", [(), ("--dry-run",), ("--help",), ("a", "b", "c")])
def test_wrong_words_are_answered_with_the_usage(words: tuple[str, ...]) -> None:
    done = run("echo", *words)
    assert done.returncode == 2 and done.stderr.startswith("usage: benchmarks/gpu.sh")


def test_a_dry_run_has_the_same_steps_on_a_cpu(tmp_path: Path) -> None:
    for dry, device in ((["--dry-run"], "--device cpu --shape 2m"), ([], "--device cuda --shape 7b")):
        assert run("echo", *dry, str(tmp_path), str(tmp_path)).returncode == 0
        assert (tmp_path / "attribution.md").read_text().startswith(f"benchmarks/attribution.py {device} ")
        assert f"--model {tmp_path}" in (tmp_path / "evaluation.md").read_text()


def test_a_step_that_fails_is_named(tmp_path: Path) -> None:
    done = run("false", "--dry-run", str(tmp_path))
    assert done.returncode == 1 and done.stderr.count("failed or over") == 2
