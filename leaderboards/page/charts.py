"""The charts, as SVG. Colours are stand-ins that `page.css` replaces by those of the light or dark theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert
from markupsafe import Markup

from leaderboards import number_format
from leaderboards.board import Board, Cell, Checkpoint, Estimate, Task
from leaderboards.main_table import BUDGETS, groups, ordered, rows
from leaderboards.page.view import label
from leaderboards.sanitize import one_line

# page.css names the same colours: `[fill="#0b5cad"] { fill: var(--faithful) }`.
TEXT, MUTED, GRID = "#15191d", "#59616b", "#d9dde2"
FAITHFUL, CHANCE, ORACLE = "#0b5cad", "#a84b00", "#3d7a4f"
KINDS = {"faithful": FAITHFUL, "chance": CHANCE, "oracle": ORACLE}
SHAPES = {"faithful": "circle", "chance": "cross", "oracle": "diamond"}
# Fonts of one width: what is measured here is what a browser draws.
FONT = "Arial, Helvetica, 'Liberation Sans', sans-serif"
# `.25`, as everywhere else.
ZERO = "replace(format(datum.value, '.2~f'), '0.', '.')"
# Checkpoints in one chart: what fits on a screen. The best are taken, and every base of theirs.
MOST = 24
MOST_IN_PANELS = 12
MOST_POINTS = 400


@dataclass(frozen=True)
class Chart:
    """A chart of a selection; `summary` says what is in it for who cannot see it."""

    title: str
    summary: str
    svg: Markup


def dots(board: Board) -> list[Chart]:
    """Faithful, chance and oracle: first means over groups of tasks, then a chart per dataset."""
    names = {checkpoint.id: one_line(checkpoint.name, 34) for checkpoint in board.checkpoints}
    charts = [_means(board, group, names) for group in groups(board)]
    for dataset in dict.fromkeys(task.dataset for task in ordered(board.tasks)):
        charts.append(_dataset(board, dataset, names))
    return [chart for chart in charts if chart is not None]


def _means(board: Board, group: str, names: dict[str, str]) -> Chart | None:
    found = [row for row in rows(board, group) if row.means["faithful"].estimate is not None]
    if not found:
        return None
    taken = _taken([row.checkpoint for row in found], MOST)
    values = []
    for row in found:
        if row.checkpoint in taken:
            estimates = {"faithful": row.means["faithful"], "chance": row.chance, "oracle": row.oracle}
            values += _points(names[row.checkpoint.id], estimates)
    order = [names[row.checkpoint.id] for row in found if row.checkpoint in taken]
    title = {"all": "all tasks"}.get(group, group)
    chart = _panel(order).properties(width=640, height=alt.Step(22), data=alt.Data(values=values))
    return Chart(f"mean, {title}", _summary(len(order), len(board.checkpoints)), _svg(chart))


def _dataset(board: Board, dataset: str, names: dict[str, str]) -> Chart | None:
    tasks = {task.id: task for task in ordered(board.tasks) if task.dataset == dataset}
    cells: dict[str, list[Cell]] = {}
    for cell in board.cells:
        if cell.task in tasks and "faithful" in cell.metrics and cell.metrics["faithful"].estimate is not None:
            cells.setdefault(cell.checkpoint, []).append(cell)
    if not cells:
        return None
    best = sorted(
        (checkpoint for checkpoint in board.checkpoints if checkpoint.id in cells),
        key=lambda checkpoint: -_mean(cells[checkpoint.id]),
    )
    taken = _taken(best, MOST_IN_PANELS)
    order = [names[checkpoint.id] for checkpoint in taken]
    values = []
    for checkpoint in taken:
        for cell in cells[checkpoint.id]:
            metrics = {
                "faithful": cell.metrics["faithful"],
                "chance": cell.metrics.get("faithful_random"),
                "oracle": cell.metrics.get("faithful_oracle"),
            }
            place = {"style": one_line(tasks[cell.task].style, 40), "budget": _budget(tasks[cell.task])}
            values += _points(names[checkpoint.id], metrics, place)
    styles = list(dict.fromkeys(one_line(task.style, 40) for task in tasks.values()))
    budgets = list(dict.fromkeys(_budget(task) for task in tasks.values()))
    panels = _panel(order).properties(width=250, height=alt.Step(18))
    data = alt.Data(values=values)
    head = alt.Header(title=None, labelColor=TEXT, labelFont=FONT, labelFontSize=12, labelFontWeight=600)
    # A title above each row of panels: text that is turned is hard to read.
    chart = alt.vconcat(
        *(
            panels.facet(
                data=data,
                column=alt.Column("style:N", sort=styles, header=head),
                title=alt.Title(budget, color=MUTED, font=FONT, fontSize=12, fontWeight="normal", anchor="start"),
            ).transform_filter(alt.FieldEqualPredicate(field="budget", equal=budget))
            for budget in budgets
        ),
        spacing=18,
    )
    return Chart(one_line(dataset, 60), _summary(len(order), len(cells)), _svg(chart))


def plausibility(board: Board) -> Chart | None:
    """Agreement with people's rationales against faithfulness; None without any.

    A point per checkpoint and task, or per checkpoint (means over its tasks) where that would be too many to see.
    """
    names = {checkpoint.id: one_line(checkpoint.name, 60) for checkpoint in board.checkpoints}
    tasks = {task.id: label(task) for task in board.tasks}
    pairs: dict[str, list[tuple[str, float, float]]] = {}
    for cell in board.cells:
        found, faithful = cell.metrics.get("plausibility_f1"), cell.metrics.get("faithful")
        if found and faithful and found.estimate is not None and faithful.estimate is not None:
            pairs.setdefault(cell.checkpoint, []).append((tasks[cell.task], found.estimate, faithful.estimate))
    if not pairs:
        return None
    many = sum(map(len, pairs.values())) > MOST_POINTS
    if many:
        pairs = {person: [_middle(found)] for person, found in pairs.items()}
    standing = {checkpoint.id: _standing(checkpoint) for checkpoint in board.checkpoints}
    values = [
        {
            "x": x,
            "y": y,
            "standing": standing[person],
            "tip": f"{names[person]} on {where}: plausible {number_format.rate(x)}, faithful {number_format.rate(y)}",
        }
        for person, found in pairs.items()
        for where, x, y in found
    ]
    standings = {"trained": FAITHFUL, "control": CHANCE, "base": ORACLE}
    scale = alt.Scale(domain=list(standings), range=list(standings.values()))
    shape = alt.Scale(domain=list(standings), range=["circle", "cross", "diamond"])
    chart = (
        alt.Chart(alt.Data(values=values))
        .mark_point(filled=True, size=42, opacity=0.75)
        .encode(
            x=alt.X("x:Q", title="plausible: overlap with the words people marked (token F1)", **_rates()),
            y=alt.Y("y:Q", title="faithful", **_rates()),
            color=alt.Color("standing:N", scale=scale, title=None),
            shape=alt.Shape("standing:N", scale=shape, title=None),
            description=alt.Description("tip:N"),
        )
        .properties(width=460, height=340)
    )
    summary = f"{len(values)} {'checkpoints, means over tasks' if many else 'pairs of checkpoint and task'}."
    return Chart("plausible and faithful", summary, _svg(chart))


def _middle(found: Sequence[tuple[str, float, float]]) -> tuple[str, float, float]:
    n = len(found)
    return f"{n} tasks", sum(x for _, x, _ in found) / n, sum(y for _, _, y in found) / n


def _panel(order: Sequence[str]) -> alt.LayerChart:
    y = alt.Y(
        "name:N", sort=list(order), title=None, axis=alt.Axis(labelLimit=240, ticks=False, domain=False, grid=True)
    )
    x = alt.X("value:Q", title=None, **_rates())
    color = alt.Color("kind:N", scale=alt.Scale(domain=list(KINDS), range=list(KINDS.values())), title=None)
    shape = alt.Shape("kind:N", scale=alt.Scale(domain=list(SHAPES), range=list(SHAPES.values())), title=None)
    tip = alt.Description("tip:N")
    base = alt.Chart().encode(y=y)
    whole = alt.datum.kind == "faithful"
    lines = base.transform_filter(whole).mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q", color=color)
    strokes = base.mark_point(filled=True, size=56, opacity=1, strokeWidth=2).encode(
        x=x, color=color, shape=shape, description=tip
    )
    return alt.layer(lines, strokes)


def _points(
    name: str, estimates: Mapping[str, Estimate | None], place: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    found = []
    for kind, estimate in estimates.items():
        if estimate is not None and estimate.estimate is not None:
            where = f" · {' · '.join(place.values())}" if place else ""
            found.append(
                {
                    "name": name,
                    "kind": kind,
                    "value": estimate.estimate,
                    "low": estimate.low,
                    "high": estimate.high,
                    "tip": f"{name}{where}: {kind} {number_format.with_interval(estimate)}, {estimate.n} documents",
                    **(place or {}),
                }
            )
    return found


def _taken(best: Sequence[Checkpoint], most: int) -> list[Checkpoint]:
    """The first ones, and the bases of them, in the order given."""
    head = list(best[:most])
    bases = {checkpoint.base for checkpoint in head}
    return [checkpoint for checkpoint in best if checkpoint in head or checkpoint.id in bases]


def _summary(shown: int, there: int) -> str:
    few = f"The {shown} best of {there} checkpoints, bases included." if shown < there else f"{shown} checkpoints."
    return f"{few} The numbers are in the table above."


def _mean(cells: Sequence[Cell]) -> float:
    return sum(cell.metrics["faithful"].estimate or 0.0 for cell in cells) / len(cells)


def _budget(task: Task) -> str:
    words = BUDGETS.get(task.budget, task.budget)
    return one_line(f"{words} · {task.variant}" if task.variant else words, 60)


def _standing(checkpoint: Checkpoint) -> str:
    if checkpoint.base is None:
        return "base"
    return "control" if checkpoint.training is not None and checkpoint.training.control else "trained"


def _rates() -> dict[str, Any]:
    return {
        "scale": alt.Scale(domain=[0, 1], clamp=True),
        "axis": alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], ticks=False, domain=False, labelFlush=False, labelExpr=ZERO),
    }


def _svg(chart: Any) -> Markup:
    """Drawn by vl-convert, which escapes text; without a ground, so that the page's shows."""
    axis = {"labelColor": TEXT, "titleColor": MUTED, "gridColor": GRID, "labelFont": FONT, "titleFont": FONT}
    sizes = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
    legend = {"labelColor": TEXT, "labelFont": FONT, "labelFontSize": 12, "orient": "top", "symbolStrokeWidth": 2}
    drawn = chart.configure(background="transparent", font=FONT, padding=4).configure_view(stroke=None)
    drawn = drawn.configure_axis(**axis, **sizes).configure_legend(**legend)
    return Markup(vl_convert.vegalite_to_svg(drawn.to_dict()))
