"""Explanations that the model did not give: whose knowledge of a model is it?

`open_source` reads the option `explanations=SOURCE`. The protocol then takes each explanation from there instead of
asking for it. Everything else is as with the model's own. docs/metrics.md, "9. Own-vs-other and the word list".
"""

from __future__ import annotations

from pathlib import Path

from faithful_se.errors import UsageError
from lm_eval_tasks.options import RATIONALES, SELF
from lm_eval_tasks.sources.attributions import MANIFEST, AttributionsSource
from lm_eval_tasks.sources.rationales import RationalesSource
from lm_eval_tasks.sources.results import ResultsSource, has_samples
from lm_eval_tasks.sources.source import Source, TaskOfSource
from lm_eval_tasks.sources.word_list import WordListSource

__all__ = ["Source", "TaskOfSource", "open_source"]


def open_source(explanations: str, task: TaskOfSource) -> Source | None:
    """Where a task's explanations come from; None where the model itself gives them.

    Args:
        explanations: the value of the option.
        task: what the explanations are of.

    Raises:
        UsageError: there is no such source, or it does not fit the task.
    """
    if explanations == SELF:
        return None
    if explanations == RATIONALES:
        return RationalesSource(task)
    path = Path(explanations).expanduser()
    if path.is_file():
        return WordListSource(path, task)
    if (path / MANIFEST).is_file():
        return AttributionsSource(path, task)
    if has_samples(path):
        return ResultsSource(path, task)
    what = "holds no results with samples and no finished attributions" if path.is_dir() else "is no file or folder"
    raise UsageError(
        f"explanations={explanations}: {what}: give --output_path of a run with --log_samples, --out of faithful-se "
        f"attribute, its word_list.json, or {RATIONALES}"
    )
