"""The last lines of a study on a terminal: what came out, a table of 80 columns, where the page is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import isnan
from textwrap import fill
from typing import TYPE_CHECKING

from leaderboards.analysis.task_columns import BUDGETS
from leaderboards.number_format import rate
from leaderboards.verdict import verdict
from lm_eval_tasks.styles import EXPLANATION_STYLES
from training.study.evaluations import Evaluations
from training.study.recipe import BASE
from training.study.stages import Study

if TYPE_CHECKING:
    from leaderboards.board import Board, Task

WIDTH = 80

LEGEND = """\
Share of texts whose explanation is faithful: the answer changes as it says.
chance: for random words, in the model of {first}; oracle: for the best word."""


def terminal_report(board: Board, study: Study) -> str:
    """The verdict of the board, and the table: one word first, datasets trained on before unseen ones."""
    headline, *others = verdict(board).sentences
    sentences = [fill(headline, WIDTH, break_long_words=False)]
    sentences += [fill(f"- {text}", WIDTH, subsequent_indent="  ", break_long_words=False) for text in others]
    arms = [BASE, *study.arms]
    lines = list(_table(Evaluations.of(board), study, arms))
    return "\n".join(["\n".join(sentences), "", *lines, "", LEGEND.format(first=first_arm(study))])


def first_arm(study: Study) -> str:
    """The arm that the others are compared with."""
    return next(iter(study.arms), BASE)


def in_order(tasks: Sequence[Task], study: Study) -> list[Task]:
    """Tasks in the order of reading: one word first, datasets trained on, then as the recipe and the styles go."""
    datasets, budgets, styles = list(study.recipe.datasets), list(BUDGETS), EXPLANATION_STYLES

    def place(names: Sequence[str], name: str) -> int:
        return names.index(name) if name in names else len(names)

    return sorted(
        tasks,
        key=lambda task: (
            place(budgets, task.budget),
            place(datasets, task.dataset),
            task.dataset,
            place(styles, task.style),
        ),
    )


def _table(results: Evaluations, study: Study, arms: Sequence[str]) -> Iterator[str]:
    tasks = in_order(results.tasks, study)
    names = {
        task.id: f"  {task.dataset} {task.style}{'' if not task.variant else f' ({task.variant})'}" for task in tasks
    }
    label = max(map(len, names.values()), default=0)
    controls = {"chance": "faithful_random", "oracle": "faithful_oracle"}
    room = WIDTH - label - sum(map(_width, controls))
    visible = [arm for index, arm in enumerate(arms) if sum(map(_width, arms[: index + 1])) <= room]
    for (budget, trained), group in groupby(tasks, lambda task: (task.budget, task.dataset in study.recipe.datasets)):
        title = f"{BUDGETS.get(budget, budget)}, {'trained on' if trained else 'unseen'}"
        heads = "".join(f"  {name:>{_width(name) - 2}}" for name in (*visible, *controls))
        yield f"{title:<{label}}{heads}"
        for task in group:
            rates = [results.rate(arm, task.id) for arm in visible]
            rates += [results.rate(first_arm(study), task.id, metric) for metric in controls.values()]
            cells = zip((*visible, *controls), rates, strict=True)
            numbers = "".join(f"  {'' if isnan(value) else rate(value):>{_width(name) - 2}}" for name, value in cells)
            yield f"{names[task.id]:<{label}}{numbers}".rstrip()
    if hidden := len(arms) - len(visible):
        yield f"({hidden} more arms: {study.out / 'README.md'})"


def _width(name: str) -> int:
    """Characters of a column, with the two blanks before it."""
    return max(len(name), 4) + 2
