"""An adapter on its base against the merged model, through plain `lm_eval` and `faithful-se compare`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from faithful_se import cli as faithful_se_cli

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
def test_an_adapter_and_the_merged_model_differ_no_more_than_one_run_from_the_next(
    mini_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from training.attribution.cli import main as attribute
    from training.build.cli import main as build
    from training.sft.cli import main as sft

    base, words, rows, adapter = str(mini_base), str(tmp_path / "words"), str(tmp_path / "rows"), tmp_path / "adapter"
    attribute(
        ["--model", base, "--tasks", "sentiment140", "--data", "mini", "--limit", "200", "--out", words],
    )
    build(["--attributions", words, "--model", base, "--out", rows])
    recipe = ["--config", str(ROOT / "recipes" / "mini" / "sft.yaml"), "--model_name_or_path", base, "--merge", "true"]
    sft([*recipe, "--data", rows, "--output_dir", str(adapter)])

    def evaluation(name: str, model: str) -> Path:
        tasks = ",".join(f"faithful_se_sentiment140_{style}_oneword" for style in ("attribution", "counterfactual"))
        words = ["-m", "lm_eval", "run", "--model", "hf", "--model_args", model, "--tasks", tasks, "--limit", "40"]
        words += ["--include_path", str(ROOT / "lm_eval_tasks" / "datasets"), "--metadata", '{"data": "mini"}']
        words += ["--apply_chat_template", "--log_samples", "--device", "cpu", "--batch_size", "16"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        subprocess.run(
            [sys.executable, *words, "--output_path", str(tmp_path / name)], env=environment, check=True, timeout=300
        )
        return tmp_path / name

    def differ(first: Path, second: Path) -> dict[str, int]:
        capsys.readouterr()
        assert faithful_se_cli.main(["compare", str(first), str(second), "--json"]) == 0
        return {pair["task"]: pair["differ"] for pair in json.loads(capsys.readouterr().out)["pairs"]}

    peft = f"pretrained={mini_base},peft={adapter}"
    first, second = evaluation("first", peft), evaluation("second", peft)
    merged = evaluation("merged", f"pretrained={adapter / 'merged'}")
    untrained = evaluation("untrained", f"pretrained={mini_base}")
    noise = differ(first, second)
    assert len(noise) == 2 and differ(first, merged) == noise
    assert differ(first, untrained) != noise, "the adapter does nothing, so nothing was compared"
