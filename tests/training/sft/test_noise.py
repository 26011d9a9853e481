"""Two evaluations compared text by text; an adapter on its base against the merged model, through plain `lm_eval`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lm_eval_tasks.errors import UsageError
from training.sft.noise import differences, read_values

ROOT = Path(__file__).resolve().parents[3]


def samples(folder: Path, faithful: list[int], valid: list[float | None], task: str = "t_oneword") -> Path:
    """As lm-eval writes them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"doc_hash": f"h{i}", "metrics": ["faithful", "valid"], "faithful": f, "valid": v}
        for i, (f, v) in enumerate(zip(faithful, valid, strict=True))
    ]
    path = folder / f"samples_{task}_2026-01-01T00-00-00.000000.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_differences_by_hand(tmp_path: Path) -> None:
    one = samples(tmp_path / "a" / "model", [1, 1, 0, 0], [1, None, 1, 1])
    other = samples(tmp_path / "b" / "model", [1, 0, 1, 0], [1, None, 1, 0])
    lines = list(differences(read_values(one), read_values(other)))
    # Texts 1 and 2 flip in opposite directions; text 3 differs in another value alone; missing is missing in both.
    assert lines[2:] == ["| t_oneword | 4 | 3 | 0.5000 | +0.0000 |"]
    assert list(differences(read_values(one), read_values(one)))[2] == "| t_oneword | 4 | 0 | 0.0000 | +0.0000 |"


def test_the_last_run_counts_and_unlike_runs_are_refused(tmp_path: Path) -> None:
    one = samples(tmp_path / "a", [1, 1], [1, 1])
    later = one / "samples_t_oneword_2026-01-02T00-00-00.000000.jsonl"
    later.write_text(next(one.glob("*.jsonl")).read_text().replace('"faithful": 1', '"faithful": 0'))
    assert {row["faithful"] for row in read_values(one)["t_oneword"].values()} == {0.0}
    with pytest.raises(UsageError, match="other texts"):
        list(differences(read_values(one), read_values(samples(tmp_path / "b", [1], [1]))))
    with pytest.raises(UsageError, match="only one of the two has t_oneword, u"):
        list(differences(read_values(one), read_values(samples(tmp_path / "c", [1], [1], "u"))))
    with pytest.raises(UsageError, match="no samples"):
        read_values(tmp_path / "none")


@pytest.mark.slow
def test_an_adapter_and_the_merged_model_differ_no_more_than_one_run_from_the_next(
    mini_base: Path, tmp_path: Path
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

    peft = f"pretrained={mini_base},peft={adapter}"
    one, again = read_values(evaluation("one", peft)), read_values(evaluation("again", peft))
    merged = read_values(evaluation("merged", f"pretrained={adapter / 'merged'}"))
    untrained = read_values(evaluation("untrained", f"pretrained={mini_base}"))
    noise, found = list(differences(one, again)), list(differences(one, merged))
    print("\n".join([*noise, *found]))
    assert found == noise
    assert list(differences(one, untrained)) != noise, "the adapter does nothing: nothing was compared"
