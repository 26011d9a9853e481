"""The verdict of a board in a few plain sentences, good and bad, from the board's own numbers and tests.

Nothing is tested here. "Significant" are the markers of the cells: exact McNemar tests on the same documents, after
Holm. "Above chance" means that the interval of `lift` lies above 0. Checkpoints whose intervals overlap are not told
apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from leaderboards import verdict_sentences as sentences
from leaderboards.board import Board, Cell, Checkpoint, Estimate
from leaderboards.number_format import counted, interval, rate
from leaderboards.sanitize import one_line
from leaderboards.tables.explainer_table import whose_knowledge
from leaderboards.tables.main_table import ranking_metric
from leaderboards.verdict_groups import group_cells, is_measured

_NONE = Estimate(None, None, None, 0)
# The best of so many looks better than it is.
_MANY = 10


@dataclass(frozen=True)
class Verdict:
    """What came out.

    Attributes:
        best: id of the checkpoint that the sentences are about; None where nothing could be measured.
        headline: which checkpoint, by how much, and on how many tasks it is significant.
        better, worse, neither: a sentence per group of datasets; empty without any.
        caveats: chance, control arms, accuracy, rivals that are as good, what was not measured, and what others'
            explanations reach.
    """

    best: str | None
    headline: str
    better: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()
    neither: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of it, in the order of reading."""
        return (self.headline, *self.better, *self.worse, *self.neither, *self.caveats)


def verdict(board: Board) -> Verdict:
    """The verdict on the best checkpoint of a board.

    The best one has the highest mean `lift` over all tasks; without a control, the highest mean `faithful`. Control
    arms and bases count only where there is no other. Checkpoints that were measured on fewer tasks are not ranked.
    """
    tasks = {task.id: task for task in board.tasks if not task.is_variant}
    cells: dict[str, list[Cell]] = {checkpoint.id: [] for checkpoint in board.checkpoints}
    for cell in board.cells:
        if cell.task in tasks:
            cells[cell.checkpoint].append(cell)
    measured = {id: {cell.task for cell in own if is_measured(cell)} for id, own in cells.items()}
    ranked, left_out = _ranked(board.checkpoints, measured)
    if not ranked:
        return Verdict(None, "Nothing could be measured: no task has a number for faithful. The notes say why.")
    best, metric = ranked[0], ranking_metric(ranked)
    own, rivals = cells[best.id], list(_rivals(ranked, metric, left_out))
    if unmeasured := len(tasks) - len(measured[best.id]):
        rivals.append(f"{counted(unmeasured, 'task')} of {len(tasks)} could not be measured for it, or did not run.")
    markers = [cell.versus.marker for cell in own if cell.versus and cell.versus.faithful.estimate is not None]
    if markers and (untested := len(measured[best.id]) - len(markers)) > 0:
        rivals.append(
            f"{counted(untested, 'task')} more could not be compared: its base has no results of the same texts."
        )
    if metric == "faithful":
        rivals.append("No random control was run: a model that any change confuses looks faithful here too.")
    if comparison := whose_knowledge(board, best.id):
        rivals.append(comparison)
    base = {cell.task: cell for cell in cells.get(best.base or "", [])} if markers else {}
    groups = group_cells(best, own, tasks, base)
    if not markers:
        headline = _headline_alone(best, metric, len(ranked), len(measured[best.id]))
        above, below, unclear = sentences.against_chance(groups)
        if best.base:
            rivals.insert(0, "It was not tested against its base: they have no samples of the same documents.")
        return Verdict(best.id, headline, above, below, unclear, tuple(rivals))
    names = {checkpoint.id: _name(checkpoint) for checkpoint in board.checkpoints}
    caveats = (*sentences.by_chance(groups), *_accuracy(own), *_controls(board, best), *rivals)
    return Verdict(
        best.id,
        _headline(best, names[best.base or ""], metric, len(ranked), markers),
        better=tuple(sentences.changes(groups, "better")),
        worse=tuple(sentences.changes(groups, "worse")),
        neither=tuple(sentences.changes(groups, "")),
        caveats=caveats,
    )


def _ranked(rows: Sequence[Checkpoint], measured: Mapping[str, set[str]]) -> tuple[list[Checkpoint], int]:
    """The checkpoints that can be compared, best first, and how many others were measured on fewer tasks."""
    rows = [row for row in rows if measured[row.id]]
    trained = [row for row in rows if row.base and not (row.training and row.training.control)]
    candidates = trained or [row for row in rows if row.base is None] or rows
    widest = max((measured[row.id] for row in candidates), key=len, default=set())
    ranked = [row for row in candidates if measured[row.id] == widest]
    metric = ranking_metric(ranked)
    return sorted(ranked, key=lambda row: -(_mean(row, metric).estimate or 0.0)), len(candidates) - len(ranked)


def _mean(row: Checkpoint, metric: str) -> Estimate:
    return row.means.get("all", {}).get(metric) or _NONE


def _name(row: Checkpoint) -> str:
    return f"“{one_line(row.name, 60)}”"


def _headline(best: Checkpoint, base: str, metric: str, ranked: int, markers: Sequence[str]) -> str:
    better, worse, neither = (markers.count(marker) for marker in ("better", "worse", ""))
    gain, value, signed = best.gains.get("all"), _mean(best, metric), metric == "lift"
    lead = _name(best)
    if ranked > 1:
        mean = f"{rate(value.estimate, signed)} {interval(value, signed)}".rstrip()
        lead += f" has the highest {metric} of {ranked} trained checkpoints, {mean}. It"
    tasks = counted(len(markers), "task")
    if better or worse:
        first, second = ("more", "less") if better else ("less", "more")
        tests = f"{lead} is faithful significantly {first} often than {base} on {better or worse} of {tasks}"
        rest = worse if better else 0
        tests += f", {second} often on {rest or 'none'}" if rest or neither else ""
        tests += f"; on {neither} no difference is shown." if neither else "."
    else:
        where = f"any of {tasks}" if neither > 1 else "its only task"
        tests = f"{lead} does not differ significantly in faithful from {base} on {where}."
    return tests + (
        f" Mean change in faithful: {rate(gain.estimate, True)} {interval(gain, True)}".rstrip() + "." if gain else ""
    )


def _headline_alone(best: Checkpoint, metric: str, ranked: int, tasks: int) -> str:
    value = _mean(best, metric)
    number = f"{rate(value.estimate, metric == 'lift')} {interval(value, metric == 'lift')}".rstrip()
    what = f"the highest {metric} of {ranked} models" if ranked > 1 else f"a mean {metric}"
    meaning = " (faithful minus chance)" if metric == "lift" else ""
    return f"{_name(best)} has {what}{meaning}: {number} over {counted(tasks, 'task')}."


def _accuracy(cells: Sequence[Cell]) -> Iterator[str]:
    """Whether the classifier changed: then what is explained changed too."""
    changes = [cell.versus.acc for cell in cells if cell.versus and cell.versus.acc.estimate is not None]
    up = sum(change.low is not None and change.low > 0 for change in changes)
    down = sum(change.high is not None and change.high < 0 for change in changes)
    if up or down:
        parts = [f"{word} on {n}" for word, n in (("higher", up), ("lower", down)) if n]
        yield f"Its accuracy is {' and '.join(parts)} of {counted(len(changes), 'task')}: the classifier changed too."
    elif changes:
        yield "No change of its accuracy is shown."


def _controls(board: Board, best: Checkpoint) -> Iterator[str]:
    """How far the best checkpoint is ahead of trainings on useless explanations of the same base."""
    names = {row.id: _name(row) for row in board.checkpoints}
    known = {id: lead for id, lead in best.over_controls.items() if id in names and lead.estimate is not None}
    if not known:
        if not any(row.base == best.base and row.training and row.training.control for row in board.checkpoints):
            yield "No control arm was trained, so a part of the change may be practice with the format."
        return
    nearest = min(known, key=lambda id: known[id].estimate or 0.0)
    lead = known[nearest]
    which = "the control arm" if len(known) == 1 else f"the nearest of {len(known)} control arms,"
    number = f"{rate(lead.estimate, signed=True)} {interval(lead, signed=True)}".rstrip()
    overlap = lead.low is not None and lead.high is not None and lead.low <= 0 <= lead.high
    remark = ": not told apart from it" if overlap else ""
    what = f"Faithful minus that of {which} {names[nearest]}, trained without useful explanations"
    yield f"{what}: {number} {lead.note}".rstrip() + f"{remark}."


def _rivals(ranked: Sequence[Checkpoint], metric: str, left_out: int) -> Iterator[str]:
    low = _mean(ranked[0], metric).low
    bounds = [_mean(row, metric).high for row in ranked[1:]]
    close = sum(low is None or high is None or high >= low for high in bounds)
    if close:
        others = _name(ranked[1]) if len(ranked) == 2 else f"{close} of {len(ranked) - 1} others"
        yield f"By {metric} it is not told apart from {others}: their intervals overlap."
    elif len(ranked) > 1:
        yield f"By {metric} its interval lies above that of every other."
    if len(ranked) >= _MANY:
        yield f"The best of {len(ranked)} looks a little better than it is."
    if left_out:
        verb = "is" if left_out == 1 else "are"
        yield f"{counted(left_out, 'checkpoint')} measured on other tasks {verb} not ranked."
