"""The notes of a board: what its numbers do not show, what cannot be measured, and which means cannot be compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leaderboards.analysis.operators import depends_on_operator, operator_lifts
from leaderboards.analysis.task_results import Results
from leaderboards.board import Cell, Task
from leaderboards.checkpoints.group_runs import CheckpointRuns
from leaderboards.number_format import counted

# Longest list of reasons or names in the notes.
_MOST_LISTED = 12


def board_notes(
    checkpoints: Sequence[CheckpointRuns], tasks: Sequence[Task], results: Results, cells: Sequence[Cell]
) -> Iterator[str]:
    """What the numbers do not show: missing samples, cut data, and checkpoints that no mean over tasks can show."""
    if count := sum(result.run.samples is None for of_task in results.values() for result in of_task.values()):
        yield (
            f"{count} of {len(cells)} cells come from results without samples: means as reported, no paired tests, "
            "no cards."
        )
    yield from _limit_notes(tasks)
    if units := {task.unit for task in tasks} - {"word"}:
        count = sum(task.unit != "word" for task in tasks)
        yield f"{count} of {len(tasks)} columns are about {units.pop()}s: what is called one word is one of them there."
    if several := list(filter(None, (operator_lifts(cell.metrics) for cell in cells))):
        count = sum(map(depends_on_operator, several))
        yield (
            f"Of {counted(len(several), 'cell')} with several operators, {count} have a lift above 0 by some operators "
            "and not by others."
        )
    yield from _not_measurable_notes(checkpoints, tasks, cells)
    yield from _coverage_notes(checkpoints, tasks, results)
    with_means = {index for task in tasks if not task.is_variant for index in results[task.id]}
    with_numbers = {index for task_results in results.values() for index in task_results}
    if only_variants := [checkpoints[index].name for index in sorted(with_numbers - with_means)]:
        yield f"{', '.join(only_variants)}: only in columns kept apart, so without means."
    if without_numbers := [row.name for index, row in enumerate(checkpoints) if index not in with_numbers]:
        yield f"{', '.join(without_numbers)}: no complete run, so without numbers."


def _limit_notes(tasks: Sequence[Task]) -> Iterator[str]:
    """Which columns hold a part of their data, by the order in which `--limit` took it."""
    held = {
        "file": "the first documents of their data only",
        "balanced": "a part of their data only, drawn with every label equally often",
    }
    for order, words in held.items():
        limits = [task.limit for task in tasks if task.limit is not None and task.options.get("order", "file") == order]
        if limits:
            values = ", ".join(map(str, sorted(set(limits))))
            option = "" if order == "file" else f", order={order}"
            yield f"{len(limits)} of {len(tasks)} columns hold {words} (--limit {values}{option})."


def _not_measurable_notes(
    checkpoints: Sequence[CheckpointRuns], tasks: Sequence[Task], cells: Sequence[Cell]
) -> Iterator[str]:
    """A sentence per checkpoint, dataset and reason why `faithful` and `lift` cannot be measured; of many the first."""
    datasets = {task.id: task.dataset for task in tasks}
    counts: dict[str, int] = {}
    for cell in cells:
        if reason := cell.not_measurable:
            line = f"{checkpoints[int(cell.checkpoint[1:])].name}, {datasets[cell.task]}: {reason}"
            counts[line] = counts.get(line, 0) + 1
    for line in list(counts)[:_MOST_LISTED]:
        yield f"{line} ({counted(counts[line], 'task')})."
    if more := sum(list(counts.values())[_MOST_LISTED:]):
        yield f"{more} more cells are not measurable; board.csv says why."


def _coverage_notes(checkpoints: Sequence[CheckpointRuns], tasks: Sequence[Task], results: Results) -> Iterator[str]:
    """Which rows average `faithful` over other tasks than the others, so that their means cannot be compared."""
    main_tasks = [task.id for task in tasks if not task.is_variant]
    tasks_of: dict[int, set[str]] = {}
    for task in main_tasks:
        for index, result in results[task].items():
            if not result.not_measurable:
                tasks_of.setdefault(index, set()).add(task)
    if len(set(map(frozenset, tasks_of.values()))) > 1:
        partial = [index for index in sorted(tasks_of) if len(tasks_of[index]) < len(main_tasks)]
        names = [f"{checkpoints[index].name} {len(tasks_of[index])}" for index in partial]
        listed = ", ".join(names[:_MOST_LISTED]) + (", …" if len(names) > _MOST_LISTED else "")
        yield (
            "Rows average different tasks, so their means cannot be compared. Compare single tasks. "
            f"Of {len(main_tasks)} tasks they have: {listed}."
        )
