"""The charts of the page, as SVG. `page.css` replaces their colours by those of the light or dark theme."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import altair as alt
import vl_convert
from markupsafe import Markup

from leaderboards.board import Board, Cell, Checkpoint, Estimate, Task
from leaderboards.number_format import counted, with_interval
from leaderboards.sanitize import one_line
from leaderboards.tables.main_table import describe_budget, groups_with_means, sort_tasks, table_rows
from leaderboards.verdict_groups import is_measured

# page.css names the same colours: `[fill="#0b5cad"] { fill: var(--faithful) }`.
TEXT, MUTED, GRID = "#15191d", "#59616b", "#d9dde2"
FAITHFUL, CHANCE, ORACLE = "#0b5cad", "#a84b00", "#3d7a4f"
KINDS = ("faithful", "chance", "oracle")
_METRICS = {"faithful": "faithful", "chance": "faithful_random", "oracle": "faithful_oracle"}
# Fonts with the same character widths, so that the browser's text is as wide as measured here.
FONT = "Arial, Helvetica, 'Liberation Sans', sans-serif"
# Axis labels such as `.25`, as everywhere else.
NO_LEADING_ZERO = "replace(format(datum.value, '.2~f'), '0.', '.')"
# Checkpoints of one chart: the best ones, and their bases.
MOST_CHECKPOINTS = 12
# Pixels of a chart: with its axis, what a screen of 400 has.
WIDTH = 300

# Names that every JavaScript object has.
_OBJECT_MEMBERS = frozenset(
    {
        *("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString"),
        *("valueOf", "__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"),
    }
)


@dataclass(frozen=True)
class Chart:
    """A drawing with its title, and what it leaves out."""

    title: str
    svg: Markup
    note: str = ""


@dataclass(frozen=True)
class Choice:
    """The charts that one entry of the selection shows, and in words what they hold."""

    title: str
    summary: str
    charts: tuple[Chart, ...]


def dot_plots(board: Board) -> list[Choice]:
    """Faithful, chance and oracle: means by style, means of groups of tasks, then one choice per dataset."""
    datasets = dict.fromkeys(task.dataset for task in sort_tasks(board.tasks))
    choices = [_style_means(board), _group_means(board), *(_of_dataset(board, dataset) for dataset in datasets)]
    return [choice for choice in choices if choice is not None]


def _style_means(board: Board) -> Choice | None:
    """A chart per style: means over its tasks, without intervals."""
    charts, count = [], 0
    for style in dict.fromkeys(task.style for task in sort_tasks(board.tasks)):
        ids = {task.id for task in board.tasks if task.style == style and not task.is_variant}
        estimates: dict[str, dict[str, Estimate]] = {}
        for checkpoint, cells in _measured(board, ids).items():
            means = {kind: _mean(cells, metric) for kind, metric in _METRICS.items()}
            estimates[checkpoint] = {kind: mean for kind, mean in means.items() if mean is not None}
        if estimates:
            charts.append(_dots(board, one_line(style, 40), estimates))
            count = max(count, len(estimates))
    return Choice("means by style", _summary(count), tuple(charts)) if charts else None


def _group_means(board: Board) -> Choice | None:
    charts, count = [], 0
    for group in groups_with_means(board):
        estimates = {
            row.checkpoint.id: {"faithful": row.means["faithful"], "chance": row.chance, "oracle": row.oracle}
            for row in table_rows(board, group)
            if row.means["faithful"].estimate is not None
        }
        if estimates:
            charts.append(_dots(board, "all tasks" if group == "all" else group, estimates))
            count = max(count, len(estimates))
    return Choice("means by group of tasks", _summary(count), tuple(charts)) if charts else None


def _of_dataset(board: Board, dataset: str) -> Choice | None:
    """A chart per task of a dataset."""
    charts, count = [], 0
    tasks = [task for task in sort_tasks(board.tasks) if task.dataset == dataset]
    for task in tasks:
        measured = _measured(board, {task.id})
        if measured:
            title = one_line(" · ".join(filter(None, (task.style, _budget(task), task.variant))), 60)
            charts.append(_dots(board, title, {id: _of_cell(cells[0]) for id, cells in measured.items()}))
            count = max(count, len(measured))
    if not charts:
        return None
    ids = {task.id for task in tasks}
    blank = sum(cell.task in ids and bool(cell.not_measurable) for cell in board.cells)
    remark = f" {counted(blank, 'cell')} not measurable, without a dot." if blank else ""
    return Choice(one_line(dataset, 60), _summary(count) + remark, tuple(charts))


def _measured(board: Board, tasks: Collection[str]) -> dict[str, list[Cell]]:
    """Checkpoint -> its cells on these tasks that have a number."""
    cells: dict[str, list[Cell]] = {}
    for cell in board.cells:
        if cell.task in tasks and is_measured(cell):
            cells.setdefault(cell.checkpoint, []).append(cell)
    return cells


def _of_cell(cell: Cell) -> dict[str, Estimate]:
    return {kind: cell.metrics[metric] for kind, metric in _METRICS.items() if metric in cell.metrics}


def _mean(cells: Sequence[Cell], metric: str) -> Estimate | None:
    values = [cell.metrics[metric].estimate for cell in cells if metric in cell.metrics]
    defined = [value for value in values if value is not None]
    if len(defined) < len(cells):
        return None
    return Estimate(sum(defined) / len(defined), None, None, max(cell.metrics[metric].n for cell in cells))


def _dots(board: Board, title: str, estimates: Mapping[str, Mapping[str, Estimate]]) -> Chart:
    best_first = [row.checkpoint for row in table_rows(board) if row.checkpoint.id in estimates]
    selected = _best_and_bases(best_first, MOST_CHECKPOINTS)
    names = {checkpoint.id: one_line(checkpoint.name, 44) for checkpoint in selected}
    points = [point for id, name in names.items() for point in _points(name, title, estimates[id])]
    labels = [{"name": name, "zero": 0} for name in names.values()]
    return Chart(title, _draw({**_dots_specification(), "datasets": {"labels": labels, "points": points}}))


@cache
def _dots_specification() -> dict[str, Any]:
    """Dots with intervals, one line per checkpoint in the order of `labels`, its name above: as wide as a phone.

    Made once: altair checks a specification for longer than it takes to draw.
    """
    colors, shapes = kind_scales()
    color, shape = alt.Color("kind:N", scale=colors, title=None), alt.Shape("kind:N", scale=shapes, title=None)
    y = alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labels=False, ticks=False, domain=False))
    base = alt.Chart(alt.NamedData("points")).encode(y=y)
    is_faithful = alt.datum.kind == "faithful"
    intervals = (
        base.transform_filter(is_faithful)
        .mark_rule(strokeWidth=2, aria=False)
        .encode(x="low:Q", x2="high:Q", color=color)
    )
    dots = base.mark_point(filled=True, size=56, opacity=1, strokeWidth=2).encode(
        x=alt.X("value:Q", title=None, **rate_axis()), color=color, shape=shape, description=alt.Description("tip:N")
    )
    text = alt.Chart(alt.NamedData("labels")).mark_text(align="left", dy=-12, color=TEXT, font=FONT, fontSize=12)
    named = text.encode(x="zero:Q", y=y, text="name:N")
    return _specification(alt.layer(named, intervals, dots).properties(width=WIDTH, height=alt.Step(34)))


def _points(name: str, title: str, estimates: Mapping[str, Estimate]) -> list[dict[str, Any]]:
    """The data of one checkpoint: a point per kind that is defined."""
    return [
        {
            "name": name,
            "kind": kind,
            "value": estimate.estimate,
            "low": estimate.low,
            "high": estimate.high,
            "tip": f"{name} · {title}: {kind} {with_interval(estimate)}, {estimate.n} documents",
        }
        for kind, estimate in estimates.items()
        if estimate.estimate is not None
    ]


def _best_and_bases(best_first: Sequence[Checkpoint], most: int) -> list[Checkpoint]:
    """The first checkpoints and their bases, in the order of the table."""
    best = list(best_first[:most])
    bases = {checkpoint.base for checkpoint in best}
    return [checkpoint for checkpoint in best_first if checkpoint in best or checkpoint.id in bases]


def _summary(total: int) -> str:
    if total <= MOST_CHECKPOINTS:
        return f"{counted(total, 'checkpoint')}. A line through a dot is its interval. The numbers are in the table."
    return f"The {MOST_CHECKPOINTS} best of {total} checkpoints, and their bases. The numbers are in the table."


def _budget(task: Task) -> str:
    return describe_budget(task.budget, task.unit)


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


def fitted_axis(values: Sequence[float], margin: float = 0.0) -> dict[str, Any]:
    """The scale and the axis of these values, with a margin below and above."""
    domain = [min(values) - margin, max(values) + margin]
    label = f"replace({NO_LEADING_ZERO}, '-', '−')"
    return {
        "scale": alt.Scale(domain=domain, nice=True, zero=False),
        "axis": alt.Axis(tickCount=5, ticks=False, domain=False, labelExpr=label),
    }


def to_svg(chart: Any) -> Markup:
    """Draw a chart."""
    return _draw(_specification(chart))


def _specification(chart: Any) -> dict[str, Any]:
    """The chart with the fonts and colours of the page. Its background is transparent, so that the page's shows."""
    axis = {"labelColor": TEXT, "titleColor": MUTED, "gridColor": GRID, "labelFont": FONT, "titleFont": FONT}
    sizes = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
    legend = {"labelColor": TEXT, "labelFont": FONT, "labelFontSize": 12, "orient": "top", "symbolSize": 50}
    chart = chart.configure(background="transparent", font=FONT, padding=4).configure_view(stroke=None)
    specification: dict[str, Any] = chart.configure_axis(**axis, **sizes).configure_legend(**legend).to_dict()
    return specification


def _draw(specification: Mapping[str, Any]) -> Markup:
    """Draw with vl-convert, which escapes text."""
    return Markup(vl_convert.vegalite_to_svg(drawable(dict(specification))))


def drawable(specification: Any) -> Any:
    """The specification of a chart, with a space after each text that Vega would mistake for a method of its objects.

    Vega looks names up in plain JavaScript objects, where `constructor` is always found.
    """
    if isinstance(specification, dict):
        return {name: drawable(item) for name, item in specification.items()}
    if isinstance(specification, list):
        return [drawable(item) for item in specification]
    return f"{specification} " if isinstance(specification, str) and specification in _OBJECT_MEMBERS else specification
