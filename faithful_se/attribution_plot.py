"""A text with its words coloured by their scores, as an altair chart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import altair as alt

if TYPE_CHECKING:
    from faithful_se.attribution import Attribution
    from training.runs.artefacts import AttributionRow

LINE = 72  # characters
CHARACTER, HEIGHT = 8, 24  # pixels, of a monospaced font of size 13


class Piece(TypedDict):
    """A word, or what stands between words; a line break begins a new field."""

    text: str
    score: float | None
    named: bool  # whether an explanation names it


def plot_words(attribution: Attribution) -> alt.LayerChart:
    """The chart of one text: blue words speak for the answer, orange ones against it."""
    answer = attribution.problem or f"answer: {attribution.prediction}, top word: {attribution.top}"
    return plot_pieces(list(pieces_of(attribution.row)), answer)


def plot_pieces(text: Sequence[Piece], title: str | list[str]) -> alt.LayerChart:
    """The chart of a text in pieces. Words that an explanation names have a frame."""
    pieces: list[dict[str, Any]] = [
        {**piece, "line": line, "start": start, "end": start + len(piece["text"])}
        for line, start, piece in _lines(text)
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
    frames = (
        base.transform_filter("datum.named")
        .mark_rect(fill=None, stroke="black", strokeWidth=1.5, cornerRadius=2)
        .encode(x2="end:Q")
    )
    layers = [boxes, frames, words] if any(piece["named"] for piece in pieces) else [boxes, words]
    return alt.layer(*layers).properties(
        width=LINE * CHARACTER,
        height=lines * HEIGHT,
        title=alt.Title(title, anchor="start"),
        view=alt.ViewBackground(stroke=None),
    )


def pieces_of(row: AttributionRow) -> Iterator[Piece]:
    """The words of the text and what stands between them, in order; each field begins a line."""
    for number, (field, text) in enumerate(row["fields"].items()):
        if number:
            yield {"text": "\n", "score": None, "named": False}
        end = 0
        for word in (word for word in row["words"] if word["field"] == field):
            yield {"text": text[end : word["start"]], "score": None, "named": False}
            yield {"text": word["text"], "score": word["score"], "named": False}
            end = word["end"]
        yield {"text": text[end:], "score": None, "named": False}


def _lines(pieces: Iterable[Piece]) -> Iterator[tuple[int, int, Piece]]:
    """(line, first character on it, piece) of all pieces that are not empty; lines are filled up to `LINE`."""
    line, start = 0, 0
    for piece in pieces:
        if piece["text"] == "\n" or start + len(piece["text"]) > LINE:
            line, start = line + 1, 0
        text = piece["text"].replace("\n", " ")
        if not start:
            text = text.lstrip()
        if text:
            yield line, start, {**piece, "text": text}
            start += len(text)
