"""A text with its words coloured by their scores, as an altair chart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import altair as alt

if TYPE_CHECKING:
    from faithful_se.attribution import Attribution

LINE = 72  # characters
CHARACTER, HEIGHT = 8, 24  # pixels, of a monospaced font of size 13


def plot_words(attribution: Attribution) -> alt.LayerChart:
    """The chart of one text: blue words speak for the answer, orange ones against it."""
    pieces = [
        piece | {"line": line, "start": start, "end": start + len(piece["text"])}
        for line, start, piece in _lines(_pieces(attribution))
    ]
    largest = max((abs(piece["score"]) for piece in pieces if piece["score"] is not None), default=0.0) or 1.0
    lines = 1 + max((piece["line"] for piece in pieces), default=0)
    base = alt.Chart(alt.Data(values=pieces)).encode(
        x=alt.X("start:Q", axis=None, scale=alt.Scale(domain=[0, LINE], nice=False)),
        y=alt.Y("line:O", axis=None, scale=alt.Scale(domain=list(range(lines)), padding=0.1)),
    )
    scale = alt.Scale(scheme="blueorange", domain=[-largest, largest], domainMid=0, reverse=True)
    boxes = (
        base.transform_filter("datum.score !== null")
        .mark_rect()
        .encode(
            x2="end:Q",
            color=alt.Color("score:Q", title="score", scale=scale),
            tooltip=["text:N", alt.Tooltip("score:Q", format=".3f")],
        )
    )
    words = base.mark_text(align="left", baseline="middle", font="monospace", fontSize=13).encode(
        text="text:N",
        color=alt.condition(f"abs(datum.score) > {0.6 * largest}", alt.value("white"), alt.value("black")),
    )
    answer = attribution.problem or f"answer: {attribution.prediction}, top word: {attribution.top}"
    return alt.layer(boxes, words).properties(
        width=LINE * CHARACTER,
        height=lines * HEIGHT,
        title=alt.Title(answer, anchor="start"),
        view=alt.ViewBackground(stroke=None),
    )


def _pieces(attribution: Attribution) -> Iterator[dict[str, Any]]:
    """The words of the text and what stands between them, in order; each field begins a line."""
    for number, (field, text) in enumerate(attribution.row["fields"].items()):
        if number:
            yield {"text": "\n", "score": None}
        end = 0
        for word in (word for word in attribution.words if word["field"] == field):
            yield {"text": text[end : word["start"]], "score": None}
            yield {"text": word["text"], "score": word["score"]}
            end = word["end"]
        yield {"text": text[end:], "score": None}


def _lines(pieces: Iterable[dict[str, Any]]) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """(line, first character on it, piece) of all pieces that are not empty; lines are filled up to `LINE`."""
    line, start = 0, 0
    for piece in pieces:
        if piece["text"] == "\n" or start + len(piece["text"]) > LINE:
            line, start = line + 1, 0
        text = piece["text"].replace("\n", " ")
        if not start:
            text = text.lstrip()
        if text:
            yield line, start, piece | {"text": text}
            start += len(text)
