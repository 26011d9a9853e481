"""Analyses the runs of all rows, one task after the other: what each column of a board holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from leaderboards.analysis.base_comparison import compare_with_base
from leaderboards.analysis.scoring_rules import scoring_rules
from leaderboards.analysis.task_columns import TaskColumn
from leaderboards.analysis.task_results import TaskResult, task_results
from leaderboards.board import BaseComparison, Settings
from leaderboards.checkpoints.group_runs import CheckpointRuns
from leaderboards.lm_eval_files.read_runs import ReadLog
from leaderboards.lm_eval_files.select_runs import candidates_by_task, group_messages, select_runs


def analyse(
    checkpoints: Sequence[CheckpointRuns], explainers: Sequence[CheckpointRuns], settings: Settings, log: ReadLog
) -> list[TaskColumn]:
    """The columns of the board, without samples and values that no table needs: they fill the memory."""
    columns: list[TaskColumn] = []
    oddities: list[tuple[str, str]] = []
    rows = [*checkpoints, *explainers]
    for task_runs in select_runs(candidates_by_task(row.runs for row in rows)):
        for selection in task_runs.selections:
            log.skipped += selection.skipped
            log.bytes_read += selection.bytes_read
            oddities += selection.oddities
        for digest, runs in task_runs.by_documents.items():
            results = {result.checkpoint: result for result in task_results(digest, runs, settings)}
            summaries = {}
            for index, result in results.items():
                base_index = rows[index].base
                base = None if base_index is None else results.get(base_index)
                summaries[index] = replace(
                    result,
                    samples=None,
                    values={name: values for name, values in result.values.items() if name == "faithful"},
                    rules=scoring_rules(result, settings),
                    versus=_versus(result, base, index >= len(checkpoints), settings) if base else None,
                )
            own = {index: result for index, result in summaries.items() if index < len(checkpoints)}
            others = {index: result for index, result in summaries.items() if index not in own}
            columns += [TaskColumn(task_runs.key, own, others)] if own else []
    log.notes += [f"{file}: {oddity}." for oddity, file in group_messages(oddities).items()]
    return columns


def _versus(result: TaskResult, base: TaskResult, of_explainer: bool, settings: Settings) -> BaseComparison | None:
    """A checkpoint minus its base; of an explainer, the checkpoint's own explanations minus these."""
    return compare_with_base(*((base, result) if of_explainer else (result, base)), settings)
