"""The lift of a cell under each operator of a run with several: docs/metrics.md, "14. Operators"."""

from __future__ import annotations

from collections.abc import Mapping

from leaderboards.board import Estimate
from leaderboards.lm_eval_files.option_defaults import OPERATORS


def operator_lifts(metrics: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """Operator -> lift, from the metrics of a cell; empty of a run with one operator.

    The smallest and the largest of them are the band over operators.
    """
    lifts = {operator: metrics.get(f"lift_{operator}") for operator in OPERATORS}
    return {operator: lift for operator, lift in lifts.items() if lift and lift.estimate is not None}


def depends_on_operator(lifts: Mapping[str, Estimate]) -> bool:
    """Whether some operators show that the named words do more than random ones, and others do not.

    Shown is a lift whose interval is above 0. ICE counts configurations whose verdict changes so (arXiv 2603.18579).
    """
    return len({lift.low is not None and lift.low > 0 for lift in lifts.values()}) > 1
