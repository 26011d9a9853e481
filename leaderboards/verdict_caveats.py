"""What a reader must know beside the changes: the classifier, the control arms, and rivals.

Each part is a clause without a full stop; `leaderboards/verdict.py` joins them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from leaderboards.board import Board, Cell, Checkpoint, Estimate, Task
from leaderboards.number_format import counted, interval, rate
from leaderboards.sanitize import one_line
from leaderboards.tables.main_table import NO_ESTIMATE

# The best of so many looks better than it is.
_MANY = 10
# Below this share of equal answers on a task, an equal accuracy hides another classifier.
EQUAL_ANSWERS = 0.8
# So many datasets, and checkpoints that are not ranked, are named.
MOST_LISTED = 3
# Arm of a control -> what it was trained on.
CONTROL_WORDS = {
    "answers": "trained on answers without explanations",
    "random": "trained on random words",
    "lowest": "trained on the least important words",
}


def mean_over_tasks(row: Checkpoint, metric: str) -> Estimate:
    """The mean of a checkpoint over all tasks."""
    return row.means.get("all", {}).get(metric) or NO_ESTIMATE


def quoted_name(row: Checkpoint) -> str:
    """The name of a checkpoint in a sentence."""
    return f"“{one_line(row.name, 60)}”"


def accuracy(cells: Sequence[Cell], tasks: Mapping[str, Task]) -> Iterator[str]:
    """Whether the classifier changed: then what is explained changed too."""
    changes = [cell.versus.acc for cell in cells if cell.versus and cell.versus.acc.estimate is not None]
    up = sum(change.low is not None and change.low > 0 for change in changes)
    down = sum(change.high is not None and change.high < 0 for change in changes)
    answers = _changed_answers(cells, tasks)
    if up or down:
        parts = [f"{word} on {n}" for word, n in (("higher", up), ("lower", down)) if n]
        yield f"its accuracy is {' and '.join(parts)} of {counted(len(changes), 'task')}: the classifier changed too"
        if answers:
            yield answers
    elif changes:
        yield "no change of its accuracy is shown" + (f", but {answers}" if answers else "")


def _changed_answers(cells: Sequence[Cell], tasks: Mapping[str, Task]) -> str:
    """The datasets on which few answers equal the base's, the fewest first: an equal accuracy can hide it."""
    agreement: dict[str, float] = {}
    for cell in cells:
        if cell.versus and cell.versus.agreement is not None and cell.versus.agreement < EQUAL_ANSWERS:
            dataset = tasks[cell.task].dataset
            agreement[dataset] = min(cell.versus.agreement, agreement.get(dataset, 1.0))
    order = sorted(agreement, key=lambda dataset: agreement[dataset])
    parts = [f"{100 * (1 - agreement[name]):.0f} % on {one_line(name, 40)}" for name in order[:MOST_LISTED]]
    if not parts:
        return ""
    more = [f"many on {len(order) - MOST_LISTED} more datasets"] if len(order) > MOST_LISTED else []
    return f"{', '.join([parts[0].replace(' on ', ' of its answers changed on ', 1), *parts[1:], *more])}"


def controls(board: Board, best: Checkpoint) -> Iterator[str]:
    """How far the best checkpoint is ahead of trainings on useless explanations of the same base, the nearest first."""
    rows = {row.id: row for row in board.checkpoints}
    known = {id: lead for id, lead in best.over_controls.items() if id in rows and lead.estimate is not None}
    if not known:
        if not any(row.base == best.base and row.training and row.training.control for row in board.checkpoints):
            yield "no control arm was trained, so a part of the change may be practice with the format"
        return
    arms: set[str] = set()
    for id in sorted(known, key=lambda id: known[id].estimate or 0.0):
        lead, training = known[id], rows[id].training
        arm = training.arm if training else ""
        if arm in arms:  # of each kind of control, the nearest one
            continue
        words = CONTROL_WORDS.get(arm, "trained without useful explanations")
        which = (
            "" if arms else "lead in faithful over " + ("the nearest control, " if len(known) > 1 else "the control, ")
        )
        which = which or "over the control "
        number = f"{rate(lead.estimate, signed=True)} {interval(lead, signed=True)}".rstrip()
        overlap = lead.low is not None and lead.high is not None and lead.low <= 0 <= lead.high
        yield f"{which}{words}: {number} {lead.note}".rstrip() + (", not told apart from it" if overlap else "")
        arms.add(arm)


def rivals(
    ranked: Sequence[Checkpoint], metric: str, left_out: Sequence[Checkpoint], measured: Mapping[str, set[str]]
) -> Iterator[str]:
    """Which others are as good, and which were not ranked, as they were measured on other tasks."""
    low = mean_over_tasks(ranked[0], metric).low
    bounds = [mean_over_tasks(row, metric).high for row in ranked[1:]]
    close = sum(low is None or high is None or high >= low for high in bounds)
    if close:
        others = quoted_name(ranked[1]) if len(ranked) == 2 else f"{close} of {len(ranked) - 1} others"
        yield f"by {metric} it is not told apart from {others}: their intervals overlap"
    elif len(ranked) > 1:
        yield f"by {metric} its interval lies above that of every other"
    if len(ranked) >= _MANY:
        yield f"the best of {len(ranked)} looks a little better than it is"
    if left_out:
        names = [f"{quoted_name(row)} ({counted(len(measured[row.id]), 'task')})" for row in left_out[:MOST_LISTED]]
        more = [f"{len(left_out) - MOST_LISTED} more"] if len(left_out) > MOST_LISTED else []
        yield f"measured on other tasks and not ranked: {', '.join([*names, *more])}"
