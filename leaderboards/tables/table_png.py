"""The main table with a dot plot, as one PNG."""

from __future__ import annotations

from typing import Any

import altair as alt
import vl_convert

from leaderboards.board import Board
from leaderboards.page.charts import FONT, GRID, MUTED, TEXT, drawable, kind_scales, rate_axis
from leaderboards.sanitize import one_line
from leaderboards.tables.main_table import TableRow, has_majority, narrow_row, table_rows

# More rows are not legible in one picture.
MOST_ROWS = 40
# Width of each entry of a row, in pixels.
WIDTHS = {
    "checkpoint": 230,
    "arm": 130,
    "faithful": 110,
    "against base": 120,
    "lift": 120,
    "ccf": 110,
    "valid": 50,
    "acc": 76,
}


def table_png(board: Board) -> bytes:
    """A PNG of the best checkpoints over all tasks: names, numbers and dots."""
    rows = table_rows(board)
    values = [value for index, row in enumerate(rows[:MOST_ROWS]) for value in _chart_data(index, row)]
    charts = [_text_chart(name, width) for name, width in WIDTHS.items()]
    charts.insert(2, _dot_plot())
    selection = f"The {MOST_ROWS} best of {len(rows)} checkpoints. " if len(rows) > MOST_ROWS else ""
    confidence = f"{board.settings.confidence * 100:g} %"
    majority = "In brackets after acc: always answering the most frequent label. " if has_majority(board) else ""
    subtitle = f"{selection}Means over all tasks, {confidence} intervals. {majority}{one_line(board.created[:10])}"
    style = {"anchor": "start", "color": TEXT, "subtitleColor": MUTED, "font": FONT, "offset": 12}
    title = alt.Title(one_line(board.title, 90), subtitle=subtitle, **style)
    chart = alt.hconcat(*charts, data=alt.Data(values=values), spacing=8, title=title)
    chart = chart.configure(background="white", font=FONT, padding=16).configure_view(stroke=None)
    chart = chart.configure_axis(labelColor=MUTED, gridColor=GRID, labelFont=FONT)
    chart = chart.configure_legend(labelColor=TEXT, labelFont=FONT)
    return bytes(vl_convert.vegalite_to_png(drawable(chart.to_dict()), scale=2))


def _chart_data(index: int, row: TableRow) -> list[dict[str, Any]]:
    values = [{"row": index, "entry": name, "text": text} for name, text in narrow_row(row, 34).items()]
    for kind, estimate in (("faithful", row.means["faithful"]), ("chance", row.chance), ("oracle", row.oracle)):
        if estimate.estimate is not None:
            point = {"row": index, "kind": kind, "value": estimate.estimate, "low": estimate.low}
            values.append({**point, "high": estimate.high, "entry": "dots"})
    return values


def _text_chart(name: str, width: int) -> alt.Chart:
    left = name in ("checkpoint", "arm")
    return (
        alt.Chart(title=alt.Title(name, anchor="start" if left else "end", color=TEXT, fontSize=12))
        .transform_filter(alt.datum.entry == name)
        .mark_text(align="left" if left else "right", fontSize=12, color=TEXT, limit=width)
        .encode(y=alt.Y("row:O", axis=None), x=alt.value(0 if left else width), text="text:N")
        .properties(width=width, height=alt.Step(22))
    )


def _dot_plot() -> alt.LayerChart:
    colors, shapes = kind_scales()
    base = alt.Chart().encode(
        y=alt.Y("row:O", axis=alt.Axis(labels=False, title=None, ticks=False, domain=False, grid=True)),
        color=alt.Color("kind:N", scale=colors, legend=alt.Legend(orient="bottom", title=None)),
    )
    lines = base.transform_filter(alt.datum.kind == "faithful").mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q")
    points = base.transform_filter(alt.datum.entry == "dots").mark_point(filled=True, opacity=1, size=50)
    points = points.encode(
        x=alt.X("value:Q", title=None, **rate_axis()), shape=alt.Shape("kind:N", scale=shapes, title=None)
    )
    return alt.layer(lines, points).properties(width=260, height=alt.Step(22))
