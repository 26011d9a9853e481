"""Charts with one point per checkpoint: what lift costs in accuracy, what rows bring, and what people marked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import altair as alt

from leaderboards.board import Board, Checkpoint
from leaderboards.number_format import rate
from leaderboards.page.charts import MUTED, TEXT, WIDTH, Chart, fitted_axis, kind_scales, to_svg
from leaderboards.page.common_tasks import CommonMeans, common_means
from leaderboards.page.rows_chart import HEIGHT, rows_plot
from leaderboards.sanitize import one_line
from leaderboards.tables.main_table import ranking_metric

STANDINGS = ("trained", "control", "base")
# Checkpoints that are named.
MOST_NAMED = 8


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
    """Mean accuracy against mean lift, over the tasks of all drawn checkpoints; None with fewer than two."""
    metric = ranking_metric(board.checkpoints)
    common = common_means(board, ("acc", metric))
    if len(common.means) < 2:
        return None
    points = [(own["acc"], own[metric]) for _, own in common.means]
    data = _points(common, "acc", metric)
    on = frontier(points)
    line = [{"x": points[a][0], "x2": points[b][0], "y": points[a][1], "y2": points[b][1]} for a, b in pairwise(on)]
    edge = alt.Chart(alt.Data(values=line)).mark_rule(color=MUTED, strokeDash=[4, 3], aria=False)
    marks = _marks(
        data,
        alt.X("x:Q", title="accuracy", **fitted_axis([x for x, _ in points], 0.02)),
        alt.Y("y:Q", title=metric, **fitted_axis([0.0, *(y for _, y in points)])),
    )
    # Of few checkpoints all are named, of many those on the frontier.
    named = data if len(data) <= MOST_NAMED else [data[i] for i in on]
    chart = alt.layer(edge.encode(x="x:Q", x2="x2:Q", y="y:Q", y2="y2:Q"), marks, *_names(named, data))
    title = f"Accuracy against {metric}, means over {common.tasks}. Dashed: no other is better in both"
    return Chart(title, to_svg(chart.properties(width=WIDTH - 20, height=HEIGHT)), common.left_out)


def _names(named: Sequence[dict[str, Any]], data: Sequence[dict[str, Any]]) -> list[Any]:
    """The names of points: on their right in the left half and on their left in the right one, below a near one."""
    xs, ys = [point["x"] for point in data], [point["y"] for point in data]
    middle = (min(xs) + max(xs)) / 2
    above = _apart(named, max(xs) - min(xs), max(ys) - min(ys))
    below = _apart([point for point in named if point not in above], max(xs) - min(xs), max(ys) - min(ys))
    return [
        alt.Chart(alt.Data(values=[point for point in points if (point["x"] > middle) is is_right]))
        .mark_text(align=align, dx=dx, dy=dy, color=TEXT)
        .encode(x="x:Q", y="y:Q", text="name:N")
        for points, dy in ((above, -7), (below, 11))
        for is_right, align, dx in ((True, "right", -7), (False, "left", 7))
    ]


def _apart(points: Sequence[dict[str, Any]], width: float, height: float) -> list[dict[str, Any]]:
    """The points that are named: from the highest down, none so near another that their names overlap."""
    named: list[dict[str, Any]] = []
    for point in sorted(points, key=lambda point: -point["y"]):
        near = (
            abs(point["y"] - other["y"]) < 0.08 * height and abs(point["x"] - other["x"]) < 0.4 * width
            for other in named
        )
        if len(named) < MOST_NAMED and not any(near):
            named.append(point)
    return named


def plausibility_plot(board: Board) -> Chart | None:
    """Agreement with human rationales against faithfulness, means per checkpoint; None if no task has rationales."""
    common = common_means(board, ("plausibility_f1", "faithful"))
    if not common.means:
        return None
    data = _points(common, "plausibility_f1", "faithful")
    x_axis, y_axis = (fitted_axis([0.0, *(point[name] for point in data)]) for name in ("x", "y"))
    marks = _marks(
        data,
        alt.X("x:Q", title="plausible: overlap with words people marked (F1)", **x_axis),
        alt.Y("y:Q", title="faithful", **y_axis),
    )
    # Names of many points would hide them; their tooltips have them.
    chart = alt.layer(marks, *(_names(data, data) if len(data) <= MOST_NAMED else ()))
    title = f"Plausible against faithful: different properties. Means over {common.tasks} whose words people marked"
    return Chart(title, to_svg(chart.properties(width=WIDTH - 20, height=HEIGHT)), common.left_out)


def _points(common: CommonMeans, x: str, y: str) -> list[dict[str, Any]]:
    words = {"plausibility_f1": "plausible"}
    return [
        {
            "x": own[x],
            "y": own[y],
            "name": one_line(row.name, 24),
            "standing": _standing(row),
            "tip": f"{one_line(row.name, 60)}: {words.get(x, x)} {rate(own[x])}, {y} {rate(own[y])}",
        }
        for row, own in common.means
    ]


def _marks(points: list[dict[str, Any]], x: alt.X, y: alt.Y) -> Any:
    color, shape = kind_scales(STANDINGS)
    base = alt.Chart(alt.Data(values=points)).mark_point(filled=True, size=46, opacity=0.8)
    colors, shapes = alt.Color("standing:N", scale=color, title=None), alt.Shape("standing:N", scale=shape, title=None)
    return base.encode(x=x, y=y, color=colors, shape=shapes, description=alt.Description("tip:N"))


def _standing(row: Checkpoint) -> str:
    if row.base is None:
        return "base"
    return "control" if row.training is not None and row.training.control else "trained"
