"""Standard errors of the metrics that are no plain mean, in lm-eval's results.

lm-eval computes the standard error of its own aggregations and writes "N/A" for any other. `install` lets an
`Aggregation` bring its own, so that `ccf_stderr` stands beside `ccf` in the table and in the results file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lm_eval import evaluator_utils
from lm_eval.api import metrics

Statistic = Callable[[Sequence[Any]], float | str]


@dataclass(frozen=True)
class Aggregation:
    """A statistic over the values of all documents, and its standard error. Both may return a reason instead."""

    statistic: Statistic
    stderr: Statistic

    def __call__(self, values: Sequence[Any]) -> float | str:
        """The statistic, as lm-eval calls any aggregation."""
        return self.statistic(values)


def stderr_for_metric(metric: Callable[..., Any], bootstrap_iters: int) -> Statistic | None:
    """The function that computes the standard error of an aggregation; None if there is none.

    Takes the place of lm-eval's function of that name, which is not called with `bootstrap_iters=0`.
    """
    if isinstance(metric, Aggregation):
        return metric.stderr
    stderr: Statistic | None = metrics.stderr_for_metric(metric, bootstrap_iters)
    return stderr


def install() -> None:
    """Let lm-eval find the standard errors of our aggregations."""
    evaluator_utils.stderr_for_metric = stderr_for_metric
