"""The results of each checkpoint on one task: values per document, resampled means, estimates.

All checkpoints of a task have the same documents in the same order and share bootstrap resamples, which the documents
seed. Differences, means over tasks and ratios use the same resamples, so documents of several tasks are drawn together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from faithfulness_metrics import statistics
from faithfulness_metrics.bootstrap import Array, intervals, resampled_means
from faithfulness_metrics.words import seed_of
from leaderboards.analysis.confidence_intervals import (
    CCF_PARTS,
    ccf_estimate,
    given_valid_estimate,
    make_estimate,
    metric_estimate,
)
from leaderboards.analysis.counts import count_estimates
from leaderboards.analysis.document_sets import DocumentSet
from leaderboards.analysis.measurability import (
    answer_counts,
    pair_counts,
    reason_in,
    reason_reported,
    share_estimates,
    without_numbers,
)
from leaderboards.board import BaseComparison, Estimate, Settings
from leaderboards.lm_eval_files.results_file import Run
from leaderboards.lm_eval_files.samples_file import OUTCOMES, Samples
from leaderboards.lm_eval_files.select_runs import SelectedRun

# Means over tasks and gains need the resampled means of these metrics.
AGGREGATED = ("faithful", "valid", "acc", "faithful_random", "lift", "faithful_oracle")

# Largest number of values (metrics of checkpoints x documents) that are resampled at once.
_BLOCK = 20_000_000


@dataclass(frozen=True)
class TaskResult:
    """One checkpoint on one task.

    Attributes:
        checkpoint: index.
        run: where the numbers come from.
        documents: of the task.
        samples: None if only means are known.
        values: metric -> [n_documents], nan where undefined.
        draws: metric of `AGGREGATED` -> resampled means, [n_draws].
        metrics: metric -> Estimate.
        rules: scoring rule -> Estimate.
        versus: against the base, before Holm.
        not_measurable: why `faithful` and `lift` cannot be measured, and what to do; "" where they can.
        answers: label -> texts; "" for unread answers.
    """

    checkpoint: int
    run: Run
    documents: DocumentSet
    samples: Samples | None
    values: dict[str, Array]
    draws: dict[str, Array]
    metrics: dict[str, Estimate]
    rules: dict[str, Estimate] = field(default_factory=dict)
    versus: BaseComparison | None = None
    not_measurable: str = ""
    answers: dict[str, int] = field(default_factory=dict)


# Task id -> index of a checkpoint -> its result.
Results = Mapping[str, Mapping[int, TaskResult]]


def task_results(digest: str, runs: Sequence[SelectedRun], settings: Settings) -> list[TaskResult]:
    """The results of all checkpoints on one set of documents, from one run per checkpoint."""
    seed = seed_of(digest, str(settings.seed))
    documents = _document_set(digest, runs)
    results = [_from_means(run, documents, settings) for run in runs if run.samples is None]
    for block in _blocks([run for run in runs if run.samples]):
        results += _from_samples(block, documents, seed, settings)
    return sorted(results, key=lambda result: result.checkpoint)


def _document_set(digest: str, runs: Sequence[SelectedRun]) -> DocumentSet:
    for run in runs:
        if run.samples:
            keys = tuple(run.samples.frame["key"].to_list())
            return DocumentSet(digest, keys, len(keys))
    # Without samples the documents are unknown. Equal numbers of documents of one dataset count as the same ones.
    n = max((run.run.n or 0 for run in runs), default=0)
    return DocumentSet(f"{runs[0].run.options.get('dataset')}: {n}" if runs else digest, (), n)


def _blocks(runs: Sequence[SelectedRun]) -> Iterator[list[SelectedRun]]:
    """The runs in blocks whose values fit into memory."""
    block: list[SelectedRun] = []
    size = 0
    for run in runs:
        assert run.samples is not None
        block.append(run)
        size += len(run.samples.metrics) * len(run.samples.frame)
        if size > _BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block


def _from_samples(
    block: Sequence[SelectedRun], documents: DocumentSet, seed: int, settings: Settings
) -> Iterator[TaskResult]:
    values_of_runs = [
        {name: run.samples.frame[name].to_numpy().astype(np.float64) for name in run.samples.metrics}
        for run in block
        if run.samples
    ]
    all_values = np.array([values for run_values in values_of_runs for values in run_values.values()])
    draws = resampled_means(all_values, settings.draws, seed)  # [n_runs x n_metrics, n_draws]
    lows, highs = intervals(draws, settings.confidence)
    first = 0
    for run, values in zip(block, values_of_runs, strict=True):
        index = {name: first + offset for offset, name in enumerate(values)}
        first += len(values)
        metrics = {name: metric_estimate(name, values[name], lows[i], highs[i], settings) for name, i in index.items()}
        run_draws = {name: draws[index[name]] for name in AGGREGATED if name in values}
        if set(values) >= set(CCF_PARTS):
            metrics["ccf"] = ccf_estimate(values, run_draws, settings)
        if "valid" in values:
            metrics["faithful_given_valid"] = given_valid_estimate(values["faithful"], values["valid"], settings)
        run_draws = {name: means.astype(np.float32) for name, means in run_draws.items()}
        assert run.samples is not None
        pairs = pair_counts(run.samples)
        metrics |= share_estimates(run.run, pairs, settings) | count_estimates(run.samples, seed, settings)
        reason = reason_in(run.run, run.samples, pairs, values)
        yield TaskResult(
            run.checkpoint,
            run.run,
            documents,
            run.samples,
            values,
            run_draws,
            without_numbers(metrics, reason),
            not_measurable=reason,
            answers=answer_counts(pairs),
        )


def _from_means(run: SelectedRun, documents: DocumentSet, settings: Settings) -> TaskResult:
    """Without samples: the reported means, with Wilson's interval where the mean is a rate of 0 and 1."""
    n, metrics = run.run.n or 0, {}
    for name, mean in run.run.reported.items():
        is_rate = name in (*OUTCOMES, "acc")
        low, high = statistics.wilson(mean * n, n, settings.confidence) if is_rate else (math.nan, math.nan)
        metrics[name] = make_estimate(mean, low, high, n, "mean as reported, no samples")
    reason = reason_reported(run.run)
    metrics = without_numbers(metrics, reason)
    return TaskResult(run.checkpoint, run.run, documents, None, {}, {}, metrics, not_measurable=reason)
