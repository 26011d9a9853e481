"""The verdict of a board in a few plain sentences, good and bad, from the board's own numbers and tests.

Nothing is tested here. "Significant" are the markers of the cells: exact McNemar tests on the same documents, after
Holm. "Above chance" means that the interval of `lift` lies above 0. Checkpoints whose intervals overlap are not told
apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from leaderboards import verdict_sentences as sentences
from leaderboards.board import Board, Cell, Checkpoint
from leaderboards.number_format import counted, interval, rate
from leaderboards.tables.explainer_table import whose_knowledge
from leaderboards.tables.main_table import ranking_metric
from leaderboards.verdict_caveats import accuracy, controls, mean_over_tasks, quoted_name, rivals
from leaderboards.verdict_groups import group_cells, is_measured


@dataclass(frozen=True)
class Verdict:
    """What came out.

    Attributes:
        best: id of the checkpoint that the sentences are about; None where nothing could be measured.
        headline: which checkpoint, by how much, and on how many tasks it is significant.
        better: which tasks gained; empty without any.
        worse: which lost, and where fewer explanations are valid.
        neither: styles and datasets without a gain, the lift, and whether the answers changed.
        caveats: control arms, what others' explanations reach, rivals that are as good, and what was not measured.
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
    own, limits = cells[best.id], list(rivals(ranked, metric, left_out, measured))
    if unmeasured := len(tasks) - len(measured[best.id]):
        limits.append(f"{counted(unmeasured, 'task')} of {len(tasks)} could not be measured for it, or did not run")
    markers = [cell.versus.marker for cell in own if cell.versus and cell.versus.faithful.estimate is not None]
    if markers and (untested := len(measured[best.id]) - len(markers)) > 0:
        limits.append(
            f"{counted(untested, 'task')} more could not be compared: its base has no results of the same texts"
        )
    if metric == "faithful":
        limits.append("no random control was run: a model that any change confuses looks faithful here too")
    base = {cell.task: cell for cell in cells.get(best.base or "", [])} if markers else {}
    groups = group_cells(best, own, tasks, base)
    knowledge = whose_knowledge(board, best.id).removesuffix(".").replace("Lift", "lift", 1)
    if not markers:
        headline = _headline_alone(best, metric, len(ranked), len(measured[best.id]))
        if best.base:
            limits.insert(0, "it was not tested against its base: they have no samples of the same documents")
        better, worse, neither = (tuple(_joined([side])) for side in sentences.against_chance(groups))
        return Verdict(best.id, headline, better, worse, neither, tuple(_joined([knowledge], limits)))
    names = {checkpoint.id: quoted_name(checkpoint) for checkpoint in board.checkpoints}
    return Verdict(
        best.id,
        _headline(best, names[best.base or ""], metric, len(ranked), markers, board.settings.alpha),
        better=tuple(_joined([sentences.changes(groups, "better")])),
        worse=tuple(_joined([sentences.changes(groups, "worse"), sentences.fewer_valid(groups)])),
        neither=tuple(_joined([sentences.no_gain_and_lift(groups)], accuracy(own, tasks))),
        caveats=tuple(_joined([*controls(board, best), knowledge], limits)),
    )


def _joined(*clauses: Iterable[str]) -> Iterator[str]:
    """A sentence of each group of clauses."""
    for group in clauses:
        text = "; ".join(part for part in group if part)
        if text:
            yield f"{text[0].upper()}{text[1:]}."


def _ranked(rows: Sequence[Checkpoint], measured: Mapping[str, set[str]]) -> tuple[list[Checkpoint], list[Checkpoint]]:
    """The checkpoints that can be compared, best first, and the others, which were measured on other tasks."""
    rows = [row for row in rows if measured[row.id]]
    trained = [row for row in rows if row.base and not (row.training and row.training.control)]
    candidates = trained or [row for row in rows if row.base is None] or rows
    widest = max((measured[row.id] for row in candidates), key=len, default=set())
    ranked = [row for row in candidates if measured[row.id] == widest]
    metric = ranking_metric(ranked)
    best_first = sorted(ranked, key=lambda row: -(mean_over_tasks(row, metric).estimate or 0.0))
    return best_first, [row for row in candidates if row not in ranked]


def _headline(best: Checkpoint, base: str, metric: str, ranked: int, markers: Sequence[str], alpha: float) -> str:
    better, worse, neither = (markers.count(marker) for marker in ("better", "worse", ""))
    gain, value, signed = best.gains.get("all"), mean_over_tasks(best, metric), metric == "lift"
    lead = quoted_name(best)
    if ranked > 1:
        mean = f"{rate(value.estimate, signed)} {interval(value, signed)}".rstrip()
        lead += f" has the highest {metric} of {ranked} trained checkpoints, {mean}. It"
    tasks, test = counted(len(markers), "task"), f"(exact McNemar, {alpha * 100:g} % after Holm)"
    if better or worse:
        first, second = ("more", "less") if better else ("less", "more")
        rest = worse if better else 0
        tests = f"{lead} is faithful significantly {first} often than {base} on {better or worse} of {tasks}"
        tests += f", {second} often on {rest or 'none'} {test}" if rest or neither else f" {test}"
        tests += f"; on {neither} no difference is shown" if neither else ""
    else:
        where = f"any of {tasks}" if neither > 1 else "its only task"
        tests = f"{lead} does not differ significantly in faithful from {base} on {where} {test}"
    mean = f"; mean change in faithful {rate(gain.estimate, True)} {interval(gain, True)}".rstrip() if gain else ""
    return f"{tests}{mean}."


def _headline_alone(best: Checkpoint, metric: str, ranked: int, tasks: int) -> str:
    value = mean_over_tasks(best, metric)
    number = f"{rate(value.estimate, metric == 'lift')} {interval(value, metric == 'lift')}".rstrip()
    what = f"the highest {metric} of {ranked} models" if ranked > 1 else f"a mean {metric}"
    meaning = " (faithful minus chance)" if metric == "lift" else ""
    return f"{quoted_name(best)} has {what}{meaning}: {number} over {counted(tasks, 'task')}."
