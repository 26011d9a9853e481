"""The chart of gain against training rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import altair as alt

from leaderboards.board import Board, Checkpoint
from leaderboards.number_format import rate
from leaderboards.page.charts import CHANCE, FAITHFUL, MUTED, WIDTH, Chart, fitted_axis, to_svg
from leaderboards.sanitize import one_line
from leaderboards.tables.main_table import NO_ESTIMATE

HEIGHT = 240


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
    y = alt.Y("y:Q", title="gain in faithful", **fitted_axis([0.0, *values]))
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
