"""Charts with one point per checkpoint: what lift costs in accuracy, what rows bring, and what people marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import altair as alt

from leaderboards.board import Board, Checkpoint, Estimate
from leaderboards.number_format import rate
from leaderboards.page.charts import (
    CHANCE,
    FAITHFUL,
    MUTED,
    NO_LEADING_ZERO,
    TEXT,
    WIDTH,
    Chart,
    kind_scales,
    rate_axis,
    to_svg,
)
from leaderboards.sanitize import one_line
from leaderboards.tables.main_table import NO_ESTIMATE, ranking_metric

STANDINGS = ("trained", "control", "base")
HEIGHT = 240
# Checkpoints on the frontier that are named.
MOST_NAMED = 5


def overview_charts(board: Board) -> list[Chart]:
    """Those of the charts that this board has data for."""
    charts = [frontier_plot(board), rows_plot(board), plausibility_plot(board)]
    return [chart for chart in charts if chart is not None]


def frontier(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the points that no other one beats in both coordinates, from left to right.

    >>> frontier([(0.9, 0.1), (0.8, 0.5), (0.7, 0.4), (0.6, 0.7)])
    [3, 1, 0]
    """
    best, indices = float("-inf"), []
    for i in sorted(range(len(points)), key=lambda i: (-points[i][0], -points[i][1])):
        if points[i][1] > best:
            best = points[i][1]
            indices.append(i)
    return indices[::-1]


def frontier_plot(board: Board) -> Chart | None:
    """Mean accuracy against mean lift, over all tasks; None with fewer than two checkpoints."""
    metric = ranking_metric(board.checkpoints)
    rows, points = [], []
    for row in board.checkpoints:
        x, y = _mean(row, "acc").estimate, _mean(row, metric).estimate
        if x is not None and y is not None:
            rows.append(row)
            points.append((x, y))
    if len(rows) < 2:
        return None
    data = [
        {
            "x": x,
            "y": y,
            "standing": _standing(row),
            "tip": f"{one_line(row.name, 60)}: acc {rate(x)}, {metric} {rate(y)}",
        }
        for row, (x, y) in zip(rows, points, strict=True)
    ]
    on = frontier(points)
    steps = [{"x": points[i][0], "y": points[i][1], "name": one_line(rows[i].name, 24)} for i in on]
    line = [{"x": a["x"], "x2": b["x"], "y": a["y"], "y2": b["y"]} for a, b in pairwise(steps)]
    best = _apart(steps, max(y for _, y in points) - min(y for _, y in points))
    y_axis = _axis([0.0, *(y for _, y in points)])
    edge = alt.Chart(alt.Data(values=line)).mark_rule(color=MUTED, strokeDash=[4, 3], aria=False)
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    middle = (left + right) / 2
    names = [
        alt.Chart(alt.Data(values=[step for step in best if (step["x"] > middle) is is_right]))
        .mark_text(align=align, dx=dx, dy=-7, color=TEXT)
        .encode(x="x:Q", y="y:Q", text="name:N")
        for is_right, align, dx in ((True, "right", -7), (False, "left", 7))
    ]
    chart = alt.layer(
        edge.encode(x="x:Q", x2="x2:Q", y="y:Q", y2="y2:Q"),
        _marks(
            data,
            alt.X("x:Q", title="accuracy", **_axis([x for x, _ in points], 0.02)),
            alt.Y("y:Q", title=metric, **y_axis),
        ),
        *names,
    )
    title = f"Accuracy against {metric}, means over all tasks. Dashed: no other is better in both"
    return Chart(title, to_svg(chart.properties(width=WIDTH - 20, height=HEIGHT)))


def _apart(steps: Sequence[dict[str, Any]], height: float) -> list[dict[str, Any]]:
    """The steps that are named: from the highest down, none so near another that their names overlap."""
    named: list[dict[str, Any]] = []
    for step in steps:
        if len(named) < MOST_NAMED and all(abs(step["y"] - other["y"]) > 0.08 * height for other in named):
            named.append(step)
    return named


def rows_plot(board: Board) -> Chart | None:
    """Gain against the number of training rows; None unless one kind of training has two sizes.

    One kind: the same base, datasets, styles, budgets and arm.
    """
    series: dict[tuple[Any, ...], list[tuple[int, Checkpoint]]] = {}
    for row in board.checkpoints:
        training = row.training
        size = training.extra.get("rows") if training else None
        if training and row.base and type(size) is int and size > 0:
            kind = (row.base, training.datasets, training.styles, training.budget, training.arm)
            series.setdefault(kind, []).append((size, row))
    points = []
    for i, members in enumerate(series.values()):
        if len({size for size, _ in members}) > 1:
            points += [point for size, row in members for point in _gains(size, row, i)]
    if not points:
        return None
    values = [value for point in points for value in (point["y"], point["low"], point["high"]) if value is not None]
    x = alt.X(
        "x:Q",
        title="training rows",
        scale=alt.Scale(type="log"),
        axis=alt.Axis(format="~s", tickCount=4, ticks=False, domain=False),
    )
    y = alt.Y("y:Q", title="gain in faithful", **_axis([0.0, *values]))
    color = alt.Color(
        "on:N", scale=alt.Scale(domain=["trained", "unseen", "all"], range=[FAITHFUL, CHANCE, MUTED]), title=None
    )
    dash = alt.StrokeDash("arm:N", title=None, legend=alt.Legend(symbolStrokeColor=MUTED))
    base = alt.Chart(alt.Data(values=points)).encode(x=x, y=y, color=color)
    chart = alt.layer(
        base.mark_line(strokeWidth=2, aria=False).encode(detail="series:N", strokeDash=dash),
        base.mark_rule(strokeWidth=1, aria=False).encode(y="low:Q", y2="high:Q"),
        base.mark_point(filled=True, size=46, opacity=1).encode(description=alt.Description("tip:N")),
    )
    title = "Gain against training rows: datasets trained on and unseen ones, with intervals"
    return Chart(title, to_svg(chart.properties(width=WIDTH - 20, height=HEIGHT)))


def _gains(size: int, row: Checkpoint, series: int) -> Iterator[dict[str, Any]]:
    groups: list[str] = [group for group in ("trained", "unseen") if group in row.gains]
    arm = one_line(row.training.arm if row.training else "", 20)
    for group in groups or ["all"]:
        gain = row.gains.get(group, NO_ESTIMATE)
        if gain.estimate is not None:
            tip = f"{one_line(row.name, 60)}, {size} rows, {group}: {rate(gain.estimate, signed=True)}"
            point = {"x": size, "y": gain.estimate, "low": gain.low, "high": gain.high, "on": group, "arm": arm}
            yield point | {"series": f"{series} {group}", "tip": tip}


def plausibility_plot(board: Board) -> Chart | None:
    """Agreement with human rationales against faithfulness, means per checkpoint; None if no task has rationales."""
    positions: dict[str, list[tuple[float, float]]] = {}
    for cell in board.cells:
        plausible, faithful = (
            cell.metrics.get("plausibility_f1", NO_ESTIMATE),
            cell.metrics.get("faithful", NO_ESTIMATE),
        )
        if plausible.estimate is not None and faithful.estimate is not None:
            positions.setdefault(cell.checkpoint, []).append((plausible.estimate, faithful.estimate))
    if not positions:
        return None
    points = []
    for row in board.checkpoints:
        if own := positions.get(row.id):
            x, y = (sum(values) / len(own) for values in zip(*own, strict=True))
            tip = f"{one_line(row.name, 60)}: plausible {rate(x)}, faithful {rate(y)}"
            points.append({"x": x, "y": y, "standing": _standing(row), "tip": tip})
    x_axis = alt.X("x:Q", title="plausible: overlap with words people marked (F1)", **rate_axis())
    chart = _marks(points, x_axis, alt.Y("y:Q", title="faithful", **rate_axis()))
    title = "Plausible against faithful: different properties. Means over the tasks whose words people marked"
    return Chart(title, to_svg(chart.properties(width=WIDTH - 20, height=HEIGHT)))


def _marks(points: list[dict[str, Any]], x: alt.X, y: alt.Y) -> Any:
    color, shape = kind_scales(STANDINGS)
    base = alt.Chart(alt.Data(values=points)).mark_point(filled=True, size=46, opacity=0.8)
    colors, shapes = alt.Color("standing:N", scale=color, title=None), alt.Shape("standing:N", scale=shape, title=None)
    return base.encode(x=x, y=y, color=colors, shape=shapes, description=alt.Description("tip:N"))


def _axis(values: Sequence[float], margin: float = 0.0) -> dict[str, Any]:
    """The scale and the axis of these values, with a margin below and above."""
    domain = [min(values) - margin, max(values) + margin]
    label = f"replace({NO_LEADING_ZERO}, '-', '−')"
    return {
        "scale": alt.Scale(domain=domain, nice=True, zero=False),
        "axis": alt.Axis(tickCount=5, ticks=False, domain=False, labelExpr=label),
    }


def _mean(row: Checkpoint, metric: str) -> Estimate:
    return row.means.get("all", {}).get(metric, NO_ESTIMATE)


def _standing(row: Checkpoint) -> str:
    if row.base is None:
        return "base"
    return "control" if row.training is not None and row.training.control else "trained"
