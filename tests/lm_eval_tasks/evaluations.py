"""Evaluations in tests of the connection to lm-eval: names of tasks, a local model, the scores of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lm_eval.models.huggingface import HFLM

STYLES = ("attribution", "redaction", "counterfactual")
NINE_TASKS = ",".join(
    f"faithful_se_{name}_{style}_oneword" for name in ("sentiment140", "snli", "agnews") for style in STYLES
)
TWEET_TASKS = ",".join(f"faithful_se_sentiment140_{style}_oneword" for style in STYLES)
TASK = "faithful_se_sentiment140_attribution_oneword"
SHORT_ANSWERS = {"gen_kwargs": {"max_gen_toks": 8}}


def load_model(folder: Path) -> HFLM:
    """lm-eval's Hugging Face model of a folder, on the CPU."""
    from lm_eval.models.huggingface import HFLM

    return HFLM(pretrained=str(folder), device="cpu", batch_size=8)


def scores(results: dict[str, Any]) -> dict[str, Any]:
    """The metric values of a run, per task and per document, and the transcripts."""
    samples = {
        task: [[row["resps"], *(row[key] for key in row["metrics"])] for row in rows]
        for task, rows in results["samples"].items()
    }
    return json.loads(json.dumps({"results": results["results"], "samples": samples}))
