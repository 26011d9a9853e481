"""In how many cells does the way of removing words change the verdict? From results with several operators.

```
python benchmarks/operators.py RESULTS [RESULTS …] [--draws N]
```

The README.md of this folder explains the columns.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path

from faithful_se.errors import UsageError
from faithfulness_metrics.statistics import wilson
from leaderboards.analysis.operators import depends_on_operator, operator_lifts
from leaderboards.board import Board, Estimate, Settings
from leaderboards.build import make_board


def table(board: Board) -> Iterator[str]:
    """The lifts of each cell with several operators, and in how many the verdict depends on the operator."""
    names = {checkpoint.id: checkpoint.name for checkpoint in board.checkpoints}
    cells = {
        (cell.task, names[cell.checkpoint]): lifts for cell in board.cells if (lifts := operator_lifts(cell.metrics))
    }
    if not cells:
        raise UsageError("no results with several operators: evaluate with --metadata operator=mask+delete+infill")
    operators = list(dict.fromkeys(operator for lifts in cells.values() for operator in lifts))
    yield f"| task | checkpoint | {' | '.join(operators)} | largest gap | verdict |"
    yield "|---" * (len(operators) + 4) + "|"
    for (task, checkpoint), lifts in cells.items():
        verdict = "depends" if depends_on_operator(lifts) else "the same"
        numbers = " | ".join(_interval(lifts[operator]) if operator in lifts else "–" for operator in operators)
        yield f"| {task} | {checkpoint} | {numbers} | {gap(lifts):.3f} | {verdict} |"
    yield ""
    yield share(f"{len(operators)} operators", list(cells.values()))
    for pair in combinations(operators, 2):
        both = [{name: lifts[name] for name in pair} for lifts in cells.values() if lifts.keys() >= set(pair)]
        yield share(" and ".join(pair), both)


def gap(lifts: Mapping[str, Estimate]) -> float:
    """The largest difference between the lifts of two operators."""
    values = [lift.estimate for lift in lifts.values() if lift.estimate is not None]
    return max(values) - min(values)


def share(what: str, cells: list[dict[str, Estimate]]) -> str:
    """In how many cells the verdict depends on the operator, with Wilson's interval."""
    changed = sum(map(depends_on_operator, cells))
    low, high = wilson(changed, len(cells))
    return (
        f"{what}: the operator changes the verdict in {changed} of {len(cells)} cells: {changed / len(cells):.0%} "
        f"[{low:.0%}, {high:.0%}], largest gap {max(map(gap, cells)):.3f}"
    )


def _interval(lift: Estimate) -> str:
    bounds = "" if lift.low is None else f" [{lift.low:.3f}, {lift.high:.3f}]"
    return f"{lift.estimate:.3f}{bounds}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", type=Path, help="folders that lm_eval wrote, with --log_samples")
    parser.add_argument("--draws", type=int, default=2000, help="draws of the bootstrap")
    arguments = parser.parse_args()
    board, _ = make_board(arguments.results, settings=Settings(draws=arguments.draws))
    print("\n".join(table(board)))
