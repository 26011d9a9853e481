"""The main table and its dot plot as one PNG."""

from __future__ import annotations

from typing import Any

import altair as alt
import vl_convert

from leaderboards.board import Board
from leaderboards.main_table import Row, narrow, rows
from leaderboards.page.charts import CHANCE, FAITHFUL, FONT, GRID, MUTED, ORACLE, TEXT, ZERO
from leaderboards.sanitize import one_line

# Rows that stay legible in one picture.
MOST = 40
# Columns of text: (head, width in pixels, of a row).
WIDTHS = {
    "checkpoint": 230,
    "arm": 130,
    "faithful": 110,
    "against base": 120,
    "lift": 120,
    "ccf": 110,
    "valid": 50,
    "acc": 50,
}


def picture(board: Board) -> bytes:
    """PNG of the best checkpoints over all tasks: names, numbers, dots."""
    there = rows(board)
    values = [value for place, row in enumerate(there[:MOST]) for value in _values(place, row)]
    shown = min(len(there), MOST)
    charts = [_text(name, width) for name, width in WIDTHS.items()]
    charts.insert(2, _dots())
    few = f"The {shown} best of {len(there)} checkpoints. " if shown < len(there) else ""
    about = (
        f"{few}Means over all tasks, {board.settings.confidence * 100:g} % intervals. {one_line(board.created[:10])}"
    )
    title = alt.Title(
        one_line(board.title, 90), subtitle=about, anchor="start", color=TEXT, subtitleColor=MUTED, font=FONT, offset=12
    )
    chart = alt.hconcat(*charts, data=alt.Data(values=values), spacing=8, title=title)
    chart = chart.configure(background="white", font=FONT, padding=16).configure_view(stroke=None)
    chart = chart.configure_axis(labelColor=MUTED, gridColor=GRID, labelFont=FONT)
    chart = chart.configure_legend(labelColor=TEXT, labelFont=FONT)
    return bytes(vl_convert.vegalite_to_png(chart.to_dict(), scale=2))


def _values(place: int, row: Row) -> list[dict[str, Any]]:
    values = [{"place": place, "column": name, "text": text} for name, text in narrow(row, 34).items()]
    for kind, found in (("faithful", row.means["faithful"]), ("chance", row.chance), ("oracle", row.oracle)):
        if found.estimate is not None:
            point = {"place": place, "kind": kind, "value": found.estimate, "low": found.low, "high": found.high}
            values.append({**point, "column": "dots"})
    return values


def _text(name: str, width: int) -> alt.Chart:
    left = name in ("checkpoint", "arm")
    return (
        alt.Chart(title=alt.Title(name, anchor="start" if left else "end", color=TEXT, fontSize=12))
        .transform_filter(alt.datum.column == name)
        .mark_text(align="left" if left else "right", fontSize=12, color=TEXT, limit=width)
        .encode(y=alt.Y("place:O", axis=None), x=alt.value(0 if left else width), text="text:N")
        .properties(width=width, height=alt.Step(22))
    )


def _dots() -> alt.LayerChart:
    colors = alt.Scale(domain=["faithful", "chance", "oracle"], range=[FAITHFUL, CHANCE, ORACLE])
    shapes = alt.Scale(domain=["faithful", "chance", "oracle"], range=["circle", "cross", "diamond"])
    axis = alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], labelExpr=ZERO, ticks=False, domain=False, labelFlush=False)
    base = alt.Chart().encode(
        y=alt.Y("place:O", axis=alt.Axis(labels=False, title=None, ticks=False, domain=False, grid=True)),
        color=alt.Color("kind:N", scale=colors, legend=alt.Legend(orient="bottom", title=None)),
    )
    scale = alt.Scale(domain=[0, 1], clamp=True)
    lines = base.transform_filter(alt.datum.kind == "faithful").mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q")
    points = base.transform_filter(alt.datum.column == "dots").mark_point(filled=True, opacity=1, size=50)
    points = points.encode(
        x=alt.X("value:Q", title=None, scale=scale, axis=axis), shape=alt.Shape("kind:N", scale=shapes, title=None)
    )
    return alt.layer(lines, points).properties(width=260, height=alt.Step(22))
