"""Standard errors of the metrics that are no plain mean, in lm-eval's results.

lm-eval computes the standard error of its own aggregations and writes "N/A" for any other. `install` lets an
`Aggregation` bring its own, so that `ccf_stderr` stands beside `ccf` in the table and in the results file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lm_eval import evaluator_utils
from lm_eval.api.metrics import stderr_for_metric

Statistic = Callable[[Sequence[Any]], float | str]


@dataclass(frozen=True)
class Aggregation:
    """A statistic over the values of all documents, and its standard error. Both may return a reason instead."""

    statistic: Statistic
    stderr: Statistic

    def __call__(self, values: Sequence[Any]) -> float | str:
        """The statistic, as lm-eval calls any aggregation."""
        return self.statistic(values)


def stderr_of(aggregation: Callable[..., Any], bootstrap_iters: int) -> Statistic | None:
    """The function that computes the standard error of an aggregation; None if there is none.

    lm-eval asks for none with `bootstrap_iters=0`.
    """
    if isinstance(aggregation, Aggregation):
        return aggregation.stderr
    lm_eval_stderr: Statistic | None = stderr_for_metric(aggregation, bootstrap_iters)
    return lm_eval_stderr


def install() -> None:
    """Let lm-eval ask `stderr_of`."""
    evaluator_utils.stderr_for_metric = stderr_of
