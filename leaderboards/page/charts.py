"""The charts of the page, as SVG. `page.css` replaces their colours by those of the light or dark theme."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert
from markupsafe import Markup

from leaderboards.board import Board, Cell, Checkpoint, Estimate, Task
from leaderboards.number_format import rate, with_interval
from leaderboards.page.page_data import task_label
from leaderboards.sanitize import one_line
from leaderboards.tables.main_table import describe_budget, groups_with_means, sort_tasks, table_rows

# page.css names the same colours: `[fill="#0b5cad"] { fill: var(--faithful) }`.
TEXT, MUTED, GRID = "#15191d", "#59616b", "#d9dde2"
FAITHFUL, CHANCE, ORACLE = "#0b5cad", "#a84b00", "#3d7a4f"
KINDS = ("faithful", "chance", "oracle")
# Fonts with the same character widths, so that the browser's text is as wide as measured here.
FONT = "Arial, Helvetica, 'Liberation Sans', sans-serif"
# Axis labels such as `.25`, as everywhere else.
NO_LEADING_ZERO = "replace(format(datum.value, '.2~f'), '0.', '.')"
# What fits on a screen: checkpoints in one chart and in one row of panels, points in the plausibility plot. The best
# checkpoints are shown, and their bases.
MOST_CHECKPOINTS = 24
MOST_IN_PANELS = 12
MOST_POINTS = 400

# Names that every JavaScript object has.
_OBJECT_MEMBERS = frozenset(
    {
        *("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString"),
        *("valueOf", "__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"),
    }
)


@dataclass(frozen=True)
class Chart:
    """A drawing with its title for the selection, and a summary in words for readers who cannot see it."""

    title: str
    summary: str
    svg: Markup


def dot_plots(board: Board) -> list[Chart]:
    """Faithful, chance and oracle: a chart of means per group of tasks, then a chart per dataset."""
    names = {checkpoint.id: one_line(checkpoint.name, 34) for checkpoint in board.checkpoints}
    datasets = dict.fromkeys(task.dataset for task in sort_tasks(board.tasks))
    charts = [_means_chart(board, group, names) for group in groups_with_means(board)]
    charts += [_dataset_chart(board, dataset, names) for dataset in datasets]
    return [chart for chart in charts if chart is not None]


def _means_chart(board: Board, group: str, names: Mapping[str, str]) -> Chart | None:
    rows = [row for row in table_rows(board, group) if row.means["faithful"].estimate is not None]
    if not rows:
        return None
    selected = _best_and_bases([row.checkpoint for row in rows], MOST_CHECKPOINTS)
    points = []
    for row in rows:
        if row.checkpoint in selected:
            estimates = {"faithful": row.means["faithful"], "chance": row.chance, "oracle": row.oracle}
            points += _points(names[row.checkpoint.id], estimates)
    order = [names[checkpoint.id] for checkpoint in selected]
    title = "all tasks" if group == "all" else group
    chart = _panel(order).properties(width=640, height=alt.Step(22), data=alt.Data(values=points))
    return Chart(f"mean, {title}", _summary(len(order), len(board.checkpoints)), _to_svg(chart))


def _dataset_chart(board: Board, dataset: str, names: Mapping[str, str]) -> Chart | None:
    tasks = {task.id: task for task in sort_tasks(board.tasks) if task.dataset == dataset}
    cells: dict[str, list[Cell]] = {}
    for cell in board.cells:
        faithful = cell.metrics.get("faithful")
        if cell.task in tasks and faithful and faithful.estimate is not None:
            cells.setdefault(cell.checkpoint, []).append(cell)
    if not cells:
        return None
    blank = sum(cell.task in tasks and bool(cell.not_measurable) for cell in board.cells)

    def mean_faithful(checkpoint: Checkpoint) -> float:
        values = [cell.metrics["faithful"].estimate or 0.0 for cell in cells[checkpoint.id]]
        return sum(values) / len(values)

    with_cells = (checkpoint for checkpoint in board.checkpoints if checkpoint.id in cells)
    selected = _best_and_bases(sorted(with_cells, key=mean_faithful, reverse=True), MOST_IN_PANELS)
    points = []
    for checkpoint in selected:
        for cell in cells[checkpoint.id]:
            estimates = {
                "faithful": cell.metrics["faithful"],
                "chance": cell.metrics.get("faithful_random"),
                "oracle": cell.metrics.get("faithful_oracle"),
            }
            panel = {"style": one_line(tasks[cell.task].style, 40), "budget": _panel_title(tasks[cell.task])}
            points += _points(names[checkpoint.id], estimates, panel)
    order = [names[checkpoint.id] for checkpoint in selected]
    chart = _facets(tasks.values(), order, points)
    remark = f" {blank} cells are not measurable and have no dot." if blank else ""
    return Chart(one_line(dataset, 60), _summary(len(order), len(cells)) + remark, _to_svg(chart))


def _facets(tasks: Iterable[Task], order: Sequence[str], points: Sequence[dict[str, Any]]) -> Any:
    """A row of panels per budget, with one panel per style."""
    tasks = list(tasks)
    styles = list(dict.fromkeys(one_line(task.style, 40) for task in tasks))
    budgets = list(dict.fromkeys(_panel_title(task) for task in tasks))
    panels = _panel(order).properties(width=250, height=alt.Step(18))
    data = alt.Data(values=list(points))
    header = alt.Header(title=None, labelColor=TEXT, labelFont=FONT, labelFontSize=12, labelFontWeight=600)
    # The budget is a title above each row of panels, because rotated text is hard to read.
    return alt.vconcat(
        *(
            panels.facet(
                data=data,
                column=alt.Column("style:N", sort=styles, header=header),
                title=alt.Title(budget, color=MUTED, font=FONT, fontSize=12, fontWeight="normal", anchor="start"),
            ).transform_filter(alt.FieldEqualPredicate(field="budget", equal=budget))
            for budget in budgets
        ),
        spacing=18,
    )


def plausibility_plot(board: Board) -> Chart | None:
    """Agreement with human rationales against faithfulness; None if no task has rationales.

    One point per checkpoint and task. If these are too many to see, one point per checkpoint, its mean over tasks.
    """
    names = {checkpoint.id: one_line(checkpoint.name, 60) for checkpoint in board.checkpoints}
    tasks = {task.id: task_label(task) for task in board.tasks}
    positions: dict[str, list[tuple[str, float, float]]] = {}  # checkpoint -> (task, plausible, faithful)
    for cell in board.cells:
        plausible, faithful = cell.metrics.get("plausibility_f1"), cell.metrics.get("faithful")
        if plausible and faithful and plausible.estimate is not None and faithful.estimate is not None:
            position = (tasks[cell.task], plausible.estimate, faithful.estimate)
            positions.setdefault(cell.checkpoint, []).append(position)
    if not positions:
        return None
    use_means = sum(map(len, positions.values())) > MOST_POINTS
    if use_means:
        positions = {checkpoint: [_mean_position(by_task)] for checkpoint, by_task in positions.items()}
    kinds = {checkpoint.id: _kind(checkpoint) for checkpoint in board.checkpoints}
    points = []
    for checkpoint, by_task in positions.items():
        for task, x, y in by_task:
            tip = f"{names[checkpoint]} on {task}: plausible {rate(x)}, faithful {rate(y)}"
            points.append({"x": x, "y": y, "standing": kinds[checkpoint], "tip": tip})
    color, shape = kind_scales(("trained", "control", "base"))
    chart = (
        alt.Chart(alt.Data(values=points))
        .mark_point(filled=True, size=42, opacity=0.75)
        .encode(
            x=alt.X("x:Q", title="plausible: overlap with the words people marked (token F1)", **rate_axis()),
            y=alt.Y("y:Q", title="faithful", **rate_axis()),
            color=alt.Color("standing:N", scale=color, title=None),
            shape=alt.Shape("standing:N", scale=shape, title=None),
            description=alt.Description("tip:N"),
        )
        .properties(width=460, height=340)
    )
    summary = f"{len(points)} {'checkpoints, means over tasks' if use_means else 'pairs of checkpoint and task'}."
    return Chart("plausible and faithful", summary, _to_svg(chart))


def _mean_position(by_task: Sequence[tuple[str, float, float]]) -> tuple[str, float, float]:
    n = len(by_task)
    return f"{n} tasks", sum(x for _, x, _ in by_task) / n, sum(y for _, _, y in by_task) / n


def _panel(order: Sequence[str]) -> alt.LayerChart:
    """Dots with intervals, one line per checkpoint, from data that `_points` makes."""
    y = alt.Y(
        "name:N", sort=list(order), title=None, axis=alt.Axis(labelLimit=240, ticks=False, domain=False, grid=True)
    )
    x = alt.X("value:Q", title=None, **rate_axis())
    colors, shapes = kind_scales()
    color, shape = alt.Color("kind:N", scale=colors, title=None), alt.Shape("kind:N", scale=shapes, title=None)
    base = alt.Chart().encode(y=y)
    is_faithful = alt.datum.kind == "faithful"
    intervals = base.transform_filter(is_faithful).mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q", color=color)
    dots = base.mark_point(filled=True, size=56, opacity=1, strokeWidth=2).encode(
        x=x, color=color, shape=shape, description=alt.Description("tip:N")
    )
    return alt.layer(intervals, dots)


def _points(
    name: str, estimates: Mapping[str, Estimate | None], panel: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """The data of one checkpoint: a point per kind that is defined. Style and budget select the panel."""
    panel = panel or {}
    panel_name = f" · {' · '.join(panel.values())}" if panel else ""
    return [
        {
            "name": name,
            "kind": kind,
            "value": estimate.estimate,
            "low": estimate.low,
            "high": estimate.high,
            "tip": f"{name}{panel_name}: {kind} {with_interval(estimate)}, {estimate.n} documents",
            **panel,
        }
        for kind, estimate in estimates.items()
        if estimate is not None and estimate.estimate is not None
    ]


def _best_and_bases(best_first: Sequence[Checkpoint], most: int) -> list[Checkpoint]:
    """The first checkpoints and their bases, in the given order."""
    best = list(best_first[:most])
    bases = {checkpoint.base for checkpoint in best}
    return [checkpoint for checkpoint in best_first if checkpoint in best or checkpoint.id in bases]


def _summary(selected: int, total: int) -> str:
    if selected == total:
        return f"{total} checkpoints. The numbers are in the table above."
    return f"The {selected} best of {total} checkpoints, bases included. The numbers are in the table above."


def _panel_title(task: Task) -> str:
    return one_line(" · ".join(filter(None, (describe_budget(task.budget, task.unit), task.variant))), 60)


def _kind(checkpoint: Checkpoint) -> str:
    if checkpoint.base is None:
        return "base"
    return "control" if checkpoint.training is not None and checkpoint.training.control else "trained"


def kind_scales(kinds: Sequence[str] = KINDS) -> tuple[alt.Scale, alt.Scale]:
    """The colours and the shapes of three kinds of dots."""
    domain = list(kinds)
    shapes = alt.Scale(domain=domain, range=["circle", "cross", "diamond"])
    return alt.Scale(domain=domain, range=[FAITHFUL, CHANCE, ORACLE]), shapes


def rate_axis() -> dict[str, Any]:
    """The scale and the axis of a share."""
    ticks = [0, 0.25, 0.5, 0.75, 1]
    axis = alt.Axis(values=ticks, ticks=False, domain=False, labelFlush=False, labelExpr=NO_LEADING_ZERO)
    return {"scale": alt.Scale(domain=[0, 1], clamp=True), "axis": axis}


def _to_svg(chart: Any) -> Markup:
    """Draw with vl-convert, which escapes text. The background is transparent, so that the page's shows."""
    axis = {"labelColor": TEXT, "titleColor": MUTED, "gridColor": GRID, "labelFont": FONT, "titleFont": FONT}
    sizes = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
    legend = {"labelColor": TEXT, "labelFont": FONT, "labelFontSize": 12, "orient": "top", "symbolStrokeWidth": 2}
    chart = chart.configure(background="transparent", font=FONT, padding=4).configure_view(stroke=None)
    chart = chart.configure_axis(**axis, **sizes).configure_legend(**legend)
    return Markup(vl_convert.vegalite_to_svg(drawable(chart.to_dict())))


def drawable(specification: Any) -> Any:
    """The specification of a chart, with a space after each text that Vega would mistake for a method of its objects.

    Vega looks names up in plain JavaScript objects, where `constructor` is always found.
    """
    if isinstance(specification, dict):
        return {name: drawable(item) for name, item in specification.items()}
    if isinstance(specification, list):
        return [drawable(item) for item in specification]
    return f"{specification} " if isinstance(specification, str) and specification in _OBJECT_MEMBERS else specification
