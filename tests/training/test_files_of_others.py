"""Results, boards, attributions and rows of others are parsed: a pickle under their names runs nothing."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("polars")

from faithful_se.errors import UsageError
from leaderboards.lm_eval_files.find_results import find_results
from leaderboards.lm_eval_files.read_runs import read_files
from leaderboards.submission import report
from training.build.attributions import read_attributions
from training.trainer.rows import read_training_rows

DATE = "2026-01-01T00-00-00.000000"
RESULTS = {
    f"model/results_{DATE}.json",
    f"model/samples_faithful_se_snli_attribution_oneword_{DATE}.jsonl",
    "submission.json",
    "model/train_info.json",
}
FOLDER = {"manifest.json", "settings.json", "report.json", "snli.jsonl", "train.jsonl"}


class Planted:
    """A value that runs code when it is read."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize(
    ("names", "read"),
    [
        (RESULTS, lambda folder: report([folder])),
        (RESULTS, lambda folder: read_files(find_results([folder]))),
        (FOLDER, read_attributions),
        (FOLDER, lambda folder: read_training_rows(str(folder))),
    ],
)
def test_a_pickle_is_not_run(names: set[str], read: Callable[[Path], Any], tmp_path: Path) -> None:
    content = pickle.dumps(Planted(tmp_path / "trace"))
    for name in names:
        path = tmp_path / "others" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    with suppress(UsageError):
        read(tmp_path / "others")
    assert not (tmp_path / "trace").exists()
    pickle.loads(content)
    assert (tmp_path / "trace").exists()
