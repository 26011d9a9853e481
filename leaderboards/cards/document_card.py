"""A card from the transcripts of one document: its text in pieces, and what each checkpoint did with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from faithfulness_metrics.erasure import label_probability
from faithfulness_metrics.words import words_of
from leaderboards.board import Document, Entry, Segment, Task

# Of one transcript, and of one text in a card; longer ones end with a note.
MOST_TRANSCRIPT = 20_000
MOST_TEXT = 5_000


def document_of(task: Task, key: str, told: Mapping[str, tuple[dict[str, Any], float | None]]) -> Document | None:
    """A card from the transcripts of one document: checkpoint id -> (transcript, faithful)."""
    entries = []
    first: dict[str, Any] | None = None
    fields: dict[str, str] = {}
    for checkpoint, (transcript, faithful) in told.items():
        try:
            fields = fields or {str(name): str(text) for name, text in transcript["fields"].items()}
            entries.append(entry_of(checkpoint, transcript, faithful))
            first = first or transcript
        except (KeyError, TypeError, ValueError, AttributeError):
            continue  # a transcript of another shape: the numbers stand, the card cannot be made
    if first is None:
        return None
    return Document(
        task=task.id,
        key=key,
        fields=segments_of(fields, task.titles),
        gold=str(first.get("gold") or ""),
        rationale=rationale_of(first),
        entries=tuple(entries),
    )


def rationale_of(transcript: Mapping[str, Any]) -> tuple[int, ...] | None:
    """Positions of the words that people marked, over all fields; None where nobody did or they cannot be read."""
    match transcript.get("rationale"):
        case {"positions": [*positions]} if all(type(one) is int for one in positions):
            return tuple(positions)
    return None


def segments_of(fields: Mapping[str, str], titles: Sequence[str]) -> dict[str, tuple[Segment, ...]]:
    """Title -> the text in pieces: words with their position over all fields, and what stands between them."""
    names = list(titles) if len(set(titles)) == len(fields) else list(fields)
    found, position = {}, 0
    for title, (name, text) in zip(names, fields.items(), strict=True):
        pieces, last = [], 0
        for word in words_of({name: text}):
            if word.start < MOST_TEXT:
                if word.start > last:
                    pieces.append(Segment(text[last : word.start], None))
                pieces.append(Segment(word.text, position))
                last = word.end
            position += 1
        rest = text[last:]
        if len(text) > MOST_TEXT + 200:
            rest = rest[: max(0, MOST_TEXT - last)] + _cut(len(text))
        if rest:
            pieces.append(Segment(rest, None))
        found[title] = tuple(pieces)
    return found


def entry_of(checkpoint: str, transcript: Mapping[str, Any], faithful: float | None) -> Entry:
    """What one checkpoint did with a document."""
    explanation, perturbed = transcript.get("explanation") or {}, transcript.get("perturbed") or {}
    prediction = transcript.get("prediction") or {}
    edited = explanation.get("edited") or perturbed.get("fields") or {}
    return Entry(
        checkpoint=checkpoint,
        prediction=prediction.get("label"),
        explanation=_short(str(explanation.get("answer") or "")),
        valid=bool(explanation.get("valid")),
        reason=str(explanation.get("reason") or transcript.get("problem") or ""),
        words=tuple(_short(str(word)) for word in explanation.get("words") or ())[:100],
        positions=tuple(int(p) for p in explanation.get("positions") or ()),
        target=str(explanation.get("target") or ""),
        edited={str(name): _short(str(text)) for name, text in edited.items()},
        after=perturbed.get("label"),
        faithful=faithful,
        effects=effects_of(transcript),
        transcript=tuple(_conversation(transcript)),
    )


def effects_of(transcript: Mapping[str, Any]) -> dict[int, float]:
    """Position -> what masking that word alone does: 1 or 0 for another label; the drop of the predicted label's
    probability where there are probabilities."""
    singles = (transcript.get("oracle") or {}).get("singles") or []
    prediction = transcript.get("prediction") or {}
    label, whole = prediction.get("label"), _probability(prediction.get("logprobs"), prediction.get("label"))
    target = (transcript.get("explanation") or {}).get("target")
    effects: dict[int, float] = {}
    for row in singles:
        share = _probability(row.get("logprobs"), label)
        if whole is not None and share is not None:
            effect = round(whole - share, 4)
            if not math.isfinite(effect):
                continue
        else:
            after = row.get("label")
            effect = float(after == target if target else after is not None and after != label)
        for position in row["positions"]:  # a counterfactual's own places come first, then several at once
            effects.setdefault(int(position), effect)
    return effects


def _probability(logprobs: Mapping[str, float] | None, label: str | None) -> float | None:
    if not logprobs or label is None or label not in logprobs:
        return None
    return label_probability(logprobs, label)


def _conversation(transcript: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Prompts and answers in order; the classification is not told twice where the explanation repeats it."""
    turns: list[tuple[str, str]] = []
    prediction, explanation = transcript.get("prediction") or {}, transcript.get("explanation") or {}
    opening = [*_turns(prediction), ("assistant", str(prediction.get("answer") or ""))]
    asked = _turns(explanation)
    turns += opening
    if explanation:
        turns += asked[len(opening) :] if asked[: len(opening)] == opening else asked
        turns.append(("assistant", str(explanation.get("answer") or "")))
    if perturbed := transcript.get("perturbed"):
        turns += [*_turns(perturbed), ("assistant", str(perturbed.get("answer") or ""))]
    kept, left = [], MOST_TRANSCRIPT
    for role, text in turns:
        if len(text) > left:
            whole = sum(len(t) for _, t in turns)
            kept.append((role, text[:left]))
            kept.append(("note", f"cut here: the transcript has {whole} characters, {MOST_TRANSCRIPT} are shown"))
            break
        kept.append((role, text))
        left -= len(text)
    return kept


def _turns(part: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(str(turn["role"]), str(turn["content"])) for turn in part.get("messages") or ()]


def _short(text: str) -> str:
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + _cut(len(text))


def _cut(length: int) -> str:
    return f" … (cut: {length} characters)"
