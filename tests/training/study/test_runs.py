"""The quick demo from end to end, in a working folder full of packages that are not ours.

What it shows, that the same seed gives the same bytes, and that it survives being killed.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.strangers import write_strangers

pytest.importorskip("trl")
pytestmark = pytest.mark.slow

ARMS = ("base", "word", "random")
# All that a seed decides. Left out is what names the folder or the day: cards, settings, logs, results of lm_eval.
OUTPUTS = [
    "attributions/sentiment140.jsonl",
    *(f"rows/{arm}/{name}" for arm in ARMS[1:] for name in ("train.jsonl", "rejected.jsonl", "report.json")),
    *(f"trained/{arm}/adapter_model.safetensors" for arm in ARMS[1:]),
]


def start(out: Path, seed: int = 0) -> subprocess.Popen[str]:
    """The quick demo, in the folder above `out`."""
    command = [Path(sys.executable).parent / "faithful-se", "demo", "--quick", "--seed", str(seed), "--out", out.name]
    return subprocess.Popen(command, cwd=out.parent, stdout=subprocess.PIPE, text=True, start_new_session=True)


def printed(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return output


def samples_of(out: Path) -> dict[str, bytes]:
    """Task and arm -> samples, without the date in the file's name."""
    paths = out.glob("results/*/*/samples_*.jsonl")
    return {f"{path.parts[-3]} {re.sub('_2[0-9T.-]+jsonl', '', path.name)}": path.read_bytes() for path in paths}


def assert_same_bytes(out: Path, other: Path) -> None:
    for name in OUTPUTS:
        assert (out / name).read_bytes() == (other / name).read_bytes(), name
    assert samples_of(out) == samples_of(other) and len(samples_of(out)) == 6 * len(ARMS)


@pytest.fixture(scope="module")
def undisturbed(mini_base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, float]:
    """The folder of a whole demo, what it printed, and its seconds."""
    folder, started = tmp_path_factory.mktemp("demo"), time.monotonic()
    write_strangers(folder)
    output = printed(start(folder / "whole"))
    return folder / "whole", output, time.monotonic() - started


def test_the_quick_demo_shows_its_table_and_does_nothing_twice(undisturbed: tuple[Path, str, float]) -> None:
    out, output, _ = undisturbed
    for line in ("  trec attribution ", "  $ lm_eval run", "  $ faithful-se sft --config whole/sft.yaml"):
        assert line in output
    board = json.loads((out / "board" / "board.json").read_text("utf-8"))
    assert len(board["cells"]) == 3 * 6 and [checkpoint["name"] for checkpoint in board["checkpoints"]] == list(ARMS)
    rates = {(cell["checkpoint"], cell["task"]): cell["metrics"]["faithful"]["estimate"] for cell in board["cells"]}
    task = "sentiment140_redaction_oneword"
    assert rates["c1", task] > rates["c0", task] + 0.2
    assert (out / "board" / "index.html").as_uri() in output

    outputs = {name: (out / name).stat().st_mtime_ns for name in (*OUTPUTS, "board/index.html")}
    again = printed(start(out))
    assert again.count("done before") == 10 and "  trec attribution " in again
    assert {name: (out / name).stat().st_mtime_ns for name in outputs} == outputs


def test_the_same_seed_gives_the_same_bytes(undisturbed: tuple[Path, str, float], tmp_path: Path) -> None:
    """Two folders share nothing but the cached base. The claim is about one machine and the same versions."""
    printed(start(tmp_path / "again"))
    assert_same_bytes(tmp_path / "again", undisturbed[0])


def test_killed_at_random_moments_it_ends_with_the_same_rows_weights_and_samples(
    undisturbed: tuple[Path, str, float], tmp_path: Path
) -> None:
    """Killed alone, so that its stages are ended by their guards; or with them, as by a machine that goes down."""
    (whole, _, seconds), out, rng = undisturbed, tmp_path / "killed", random.Random(0)
    for _ in range(10):
        process = start(out)
        time.sleep(rng.uniform(0.1, 0.5) * seconds)
        rng.choice((os.kill, os.killpg))(process.pid, signal.SIGKILL)
        process.communicate()
    printed(start(out))
    assert_same_bytes(out, whole)


def test_a_terminated_demo_ends_its_stages(mini_base: Path, tmp_path: Path) -> None:
    process = start(tmp_path / "terminated")
    log = tmp_path / "terminated" / "logs" / "attribute.log"
    while not log.exists():
        assert process.poll() is None
        time.sleep(0.1)
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 143
    with pytest.raises(ProcessLookupError):  # nobody is left in its session
        os.killpg(process.pid, 0)
