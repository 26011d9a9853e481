"""The quick demo from end to end: what it shows, that it is the same again, that it survives being killed."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from training.demo import cli

pytest.importorskip("trl")
pytestmark = pytest.mark.slow

# All that a seed decides. Left out is what names the folder: cards, settings, logs, lm-eval's dated result files.
MADE = [
    "table.json",
    *(f"attributions/{name}.jsonl" for name in ("sentiment140",)),
    *(f"rows/{arm}/{name}" for arm in ("word", "random") for name in ("train.jsonl", "rejected.jsonl", "report.json")),
    *(f"trained/{arm}/adapter_model.safetensors" for arm in ("word", "random")),
    *(f"results/{arm}/{name}.json" for arm in ("base", "word", "random") for name in ("sentiment140", "trec")),
]


def demo(out: Path, seed: int = 0) -> subprocess.Popen[bytes]:
    words = ["-m", "faithful_se", "demo", "--quick", "--seed", str(seed), "--out", str(out)]
    return subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)


def assert_same_bytes(one: Path, other: Path) -> None:
    for name in MADE:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


@pytest.fixture(scope="module")
def whole(mini_base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """An undisturbed demo, and its seconds."""
    out, started = tmp_path_factory.mktemp("demo") / "whole", time.monotonic()
    assert demo(out).wait() == 0
    return out, time.monotonic() - started


def test_the_quick_demo_shows_its_table_and_does_nothing_twice(
    whole: tuple[Path, float], capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = whole
    told = {cell["task"]: cell for cell in json.loads((out / "table.json").read_text())["cells"]}
    gain = told["sentiment140_redaction_oneword"]
    assert gain["trained"] > gain["base"] + 0.2
    made = {name: (out / name).stat().st_mtime_ns for name in MADE[1:]}
    assert cli.main(["--quick", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert said.count("done before") == 10
    assert "sentiment140_redaction_oneword" in said and "trec_attribution_oneword" in said and "faithful-se sft" in said
    assert "trec_attribution_oneword" in (out / "README.md").read_text()
    assert {name: (out / name).stat().st_mtime_ns for name in MADE[1:]} == made
    page = out / "board" / "index.html"
    assert page.as_uri() in said and "sentiment140" in page.read_text("utf-8")
    assert len(json.loads((page.parent / "board.json").read_text("utf-8"))["cells"]) == 3 * len(told)


def test_the_same_seed_gives_the_same_bytes(whole: tuple[Path, float], tmp_path: Path) -> None:
    """Two folders share nothing but the cached base. Same machine, same versions: that is what is claimed."""
    assert demo(tmp_path / "again").wait() == 0
    assert_same_bytes(tmp_path / "again", whole[0])


def test_killed_at_random_moments_it_ends_with_the_same_table_rows_and_weights(
    whole: tuple[Path, float], tmp_path: Path
) -> None:
    (undisturbed, seconds), out, rng = whole, tmp_path / "killed", random.Random(0)
    for _ in range(10):
        process = demo(out)
        time.sleep(rng.uniform(0.1, 0.5) * seconds)
        process.kill()
        process.wait()
    assert demo(out).wait() == 0
    assert_same_bytes(out, undisturbed)
