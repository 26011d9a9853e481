"""How far the trainings of studies carry over: `python -m training.study.arms_table OUT …`, a folder for each seed.

Each cell is a mean over tasks, from `board.json`. A task without a measurable answer counts as 0: no gain there.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lm_eval_tasks.styles import BUDGETS, EXPLANATION_STYLES
from training.study.evaluations import Evaluations, arms_of

if TYPE_CHECKING:
    from leaderboards.board import Board, Task, Training

ONE_WORD = BUDGETS[0]
Wanted = Callable[["Task", "Training | None"], bool]


def _trained_style(task: Task, training: Training | None) -> bool:
    return training is None or task.style in (training.styles or EXPLANATION_STYLES)


# Column -> the tasks in it. `trained_on` is a dataset of the trainings.
GROUPS: dict[str, Wanted] = {
    "trained": lambda task, by: task.trained_on and task.budget == ONE_WORD and _trained_style(task, by),
    "other styles": lambda task, by: task.trained_on and task.budget == ONE_WORD and not _trained_style(task, by),
    "several words": lambda task, by: task.trained_on and task.budget != ONE_WORD and _trained_style(task, by),
    "unseen": lambda task, by: not task.trained_on and task.budget == ONE_WORD and _trained_style(task, by),
}
METRICS = ("lift", "valid", "acc")


def main(argv: list[str] | None = None) -> int:
    """Print one table a metric, as Markdown."""
    from leaderboards.board_json import load

    parser = argparse.ArgumentParser("python -m training.study.arms_table", description=__doc__)
    parser.add_argument("studies", nargs="+", type=Path, metavar="OUT", help="folder of a study; one for each seed")
    parser.add_argument("--metrics", nargs="+", default=list(METRICS), metavar="METRIC", help="of the tasks")
    arguments = parser.parse_args(argv)
    boards = [load(folder / "board" / "board.json") for folder in arguments.studies]
    for metric in arguments.metrics:
        print("\n".join(["", *table(boards, metric)]))
    return 0


def table(boards: Sequence[Board], metric: str) -> Iterator[str]:
    """The means of a metric: a row for each arm, a column for each group with any tasks, a value for each board."""
    arms = list(dict.fromkeys(arm for board in boards for arm in _trainings(board)))
    columns = {
        name: [[_mean(board, arm, metric, wanted) for board in boards] for arm in arms]
        for name, wanted in GROUPS.items()
    }
    columns = {name: means for name, means in columns.items() if any(map(any, means))}
    yield f"| {metric} | {' | '.join(columns)} |"
    yield "|---|" + "---|" * len(columns)
    for arm, *means in zip(arms, *columns.values(), strict=True):
        yield f"| {arm} | {' | '.join(' / '.join(values) if any(values) else '' for values in means)} |"


def _trainings(board: Board) -> dict[str, Training | None]:
    """Arm -> what it was trained on, in the order of the board."""
    return {arm: checkpoint.training for arm, checkpoint in arms_of(board).items()}


def _mean(board: Board, arm: str, metric: str, wanted: Wanted) -> str:
    from leaderboards.number_format import rate

    trainings, results = _trainings(board), Evaluations.of(board)
    tasks = [task for task in board.tasks if not task.is_variant and wanted(task, trainings.get(arm))]
    cells = [cell for task in tasks if (cell := results.cells.get((arm, task.id)))]
    values = [cell.metrics[metric].estimate for cell in cells if metric in cell.metrics]
    return rate(sum(value or 0.0 for value in values) / len(values)) if values else ""


if __name__ == "__main__":
    raise SystemExit(main())
