"""One row per text: what is written to the files, and how a top word is chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypedDict

from faithful_se.errors import UsageError
from lm_eval_tasks.document import Document
from training.attribution.engine.document_batch import Chunk
from training.attribution.methods import ADDITIVE, METHODS
from training.runs.versions import package_versions

# Scores closer than this share of the largest one, or of the log-probabilities that they are differences of, are the
# same: batches of another size change the last digits.
TIE, TIE_LOGPROB = 1e-5, 1e-6
# Significant digits that are written: they tell any two numbers in float32 apart.
DIGITS = 9


class WordScore(TypedDict):
    """One occurrence: characters `start` to `end` of `field`. `score` is None where the method did not look at it."""

    text: str
    field: str
    start: int
    end: int
    key: str
    score: float | None


class TopWord(TypedDict):
    """The word with the highest score: as first written, its key, the positions of all its occurrences."""

    text: str
    key: str
    positions: list[int]
    score: float


class Row(TypedDict):
    """One text. training/README.md says what every field is."""

    hash: str
    dataset: str
    index: int
    fields: dict[str, str]
    gold: str | None
    problem: str
    prediction: str | None
    logprobs: dict[str, float]
    words: list[WordScore]
    types: dict[str, float]
    top: TopWord | None
    gap: float | None
    flips: bool | None
    flipped_to: str | None
    delta: float | None
    method: str
    options: dict[str, Any]
    model: str
    versions: dict[str, str]


@cache
def versions() -> dict[str, str]:
    """Versions of what decides the numbers."""
    return package_versions("faithful-se", "torch", "transformers", "captum")


def bare(document: Document, index: int, told: Mapping[str, Any], problem: str) -> Row:
    """The row of a text without scores."""
    return Row(
        hash=document.hash,
        dataset=told["dataset"],
        index=index,
        fields=dict(document.fields),
        gold=document.gold,
        problem=problem,
        prediction=None,
        logprobs={},
        words=[],
        types={},
        top=None,
        gap=None,
        flips=None,
        flipped_to=None,
        delta=None,
        method=told["options"]["method"],
        options=told["options"],
        model=told["model"],
        versions=versions(),
    )


def rows_of(chunk: Chunk, indices: Sequence[int], told: Mapping[str, Any]) -> list[Row]:
    """Attribute a chunk.

    Args:
        chunk: the documents.
        indices: their numbers in the dataset.
        told: what all rows say: dataset, options, model.

    Raises:
        UsageError: a score or a probability is not a number. Names the text.
    """
    labels = chunk.forward.tree.labels
    _finite(chunk, chunk.logprobs.tolist())
    scores, deltas = METHODS[chunk.options.method](chunk)
    _finite(chunk, scores)
    tops = [_rank(chunk, index, row) for index, row in enumerate(scores)]
    wanted = [(i, frozenset(chunk.prompts[i].types[ranked[0][0]])) for i, ranked in enumerate(tops)]
    known = [pair for pair in wanted if chunk.options.check_flips or pair in chunk.variants_asked]
    flipped = {}
    if known:
        after = chunk.masked(known)
        _finite(chunk, after.tolist(), [index for index, _ in known])
        flipped = {index: int(label) for (index, _), label in zip(known, after.argmax(1).tolist(), strict=True)}
    rows = []
    for i, (prompt, ranked) in enumerate(zip(chunk.prompts, tops, strict=True)):
        label, words = int(chunk.label[i]), prompt.document.words
        key, best = ranked[0]
        positions = list(prompt.types[key])
        row = bare(prompt.document, indices[i], told, "")
        row["prediction"] = labels[label]
        row["logprobs"] = dict(zip(labels, map(_short, chunk.logprobs[i].tolist()), strict=True))
        row["words"] = [
            WordScore(text=w.text, field=w.field, start=w.start, end=w.end, key=w.key, score=_short(score))
            for w, score in zip(words, scores[i], strict=True)
        ]
        row["types"] = {name: _short(value) for name, value in ranked}
        row["top"] = TopWord(text=words[positions[0]].text, key=key, positions=positions, score=_short(best))
        row["gap"] = _short(max(0.0, best - ranked[1][1])) if len(ranked) > 1 else None
        row["delta"] = _short(deltas[i])
        if i in flipped:
            row["flips"] = flipped[i] != label
            row["flipped_to"] = labels[flipped[i]] if row["flips"] else None
        rows.append(row)
    return rows


def _rank(chunk: Chunk, index: int, scores: Sequence[float | None]) -> list[tuple[str, float]]:
    """Words and their scores, the highest first; of equal ones, the one that stands first in the text."""
    prompt = chunk.prompts[index]
    summed = chunk.options.method in ADDITIVE or not chunk.options.pool
    found: dict[str, float] = {}
    for key, positions in prompt.types.items():
        values = [value for value in (scores[position] for position in positions) if value is not None]
        if values:
            found[key] = math.fsum(values) if summed and chunk.options.method != "random" else values[0]
    ranked = sorted(found.items(), key=lambda pair: -pair[1])
    noise = TIE_LOGPROB * float(chunk.logprobs[index].abs().max())
    if chunk.options.target == "normalized":
        # An answer that nothing shakes is 1 to many digits: its errors shrink with what is left to 1.
        noise *= min(1.0, max(map(abs, found.values())) - float(chunk.values()[index]))
    slack = max(TIE * max(abs(value) for value in found.values()), noise)
    order = list(prompt.types)
    tied = [pair for pair in ranked if pair[1] >= ranked[0][1] - slack]
    first = min(tied, key=lambda pair: order.index(pair[0]))
    return [first, *(pair for pair in ranked if pair is not first)]


def _short(value: float | None) -> Any:
    return None if value is None else float(f"{value:.{DIGITS}g}")


def _finite(chunk: Chunk, rows: Sequence[Sequence[float | None]], documents: Sequence[int] | None = None) -> None:
    for place, row in enumerate(rows):
        if any(value is not None and not math.isfinite(value) for value in row):
            text = chunk.prompts[documents[place] if documents else place].document.hash
            raise UsageError(
                f"text {text}: the model's numbers are not finite in {chunk.forward.dtype}: try --dtype float32"
            )
