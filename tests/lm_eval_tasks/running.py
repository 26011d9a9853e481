"""What the tests of the seam to lm-eval share: names of tasks, a local model, the scores of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NINE = ",".join(f"faithful_se_{name}_*_oneword" for name in ("sentiment140", "snli", "agnews"))
TWEETS = "faithful_se_sentiment140_*_oneword"
ONE = "faithful_se_sentiment140_attribution_oneword"
SHORT = {"gen_kwargs": {"max_gen_toks": 8}}


def load(folder: Path, **kwargs: Any) -> Any:
    from lm_eval.models.huggingface import HFLM

    return HFLM(pretrained=str(folder), device="cpu", batch_size=8, **kwargs)


def scores(results: dict[str, Any]) -> dict[str, Any]:
    """The metric values of a run, per task and per document, and the transcripts."""
    samples = {
        task: [[row["resps"], *(row[key] for key in row["metrics"])] for row in rows]
        for task, rows in results["samples"].items()
    }
    return json.loads(json.dumps({"results": results["results"], "samples": samples}))
