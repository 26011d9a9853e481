"""All numbers of one task: the results of every checkpoint, under every scoring rule, against its base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from leaderboards.analysis.base_comparison import compare_with_base
from leaderboards.analysis.scoring_rules import scoring_rules
from leaderboards.analysis.task_results import TaskResult, task_results
from leaderboards.board import Settings
from leaderboards.lm_eval_files.select_runs import SelectedRun


def analyse_task(
    digest: str, runs: Sequence[SelectedRun], bases: Sequence[int | None], settings: Settings
) -> dict[int, TaskResult]:
    """Analyse one set of documents. Samples, and values other than `faithful`, are dropped to save memory.

    Args:
        digest: of the documents.
        runs: one per checkpoint.
        bases: index of a checkpoint -> index of its base.
        settings: of the board.

    Returns:
        index of a checkpoint -> its result.
    """
    results = {result.checkpoint: result for result in task_results(digest, runs, settings)}
    summaries = {}
    for checkpoint, result in results.items():
        base = bases[checkpoint]
        summaries[checkpoint] = replace(
            result,
            samples=None,
            values={name: values for name, values in result.values.items() if name == "faithful"},
            rules=scoring_rules(result, settings),
            versus=compare_with_base(result, results[base], settings) if base in results else None,
        )
    return summaries
