"""Cards: a sample of documents, and what the checkpoints did with them.

Which documents: those on which checkpoints differ in `faithful` first, then the others, each in the order of a hash, so
that the sample is the same on every machine. Only their transcripts are read.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from faithfulness_metrics.words import seed_of, words_of
from leaderboards import samples
from leaderboards.board import Document, Entry, Segment, Settings, Task
from leaderboards.cells import Analysis

# The page holds at most so many entries (a checkpoint on a document) and so many characters of them.
MOST_ENTRIES = 5_000
MOST_CHARACTERS = 7_000_000

# Of one document: the base and those that differ from it most.
MOST_CHECKPOINTS = 8

# Of one transcript, and of one text in a card; longer ones end with a note.
MOST_TRANSCRIPT = 20_000
MOST_TEXT = 5_000


def documents_of(
    tasks: Sequence[Task], bases: Sequence[int | None], done: Mapping[str, Analysis], settings: Settings
) -> tuple[tuple[Document, ...], int, list[str]]:
    """The cards, how many documents there are in all, and what was left out.

    Args:
        bases: row -> row of its base.
        done: task id -> its numbers.
    """
    shown: dict[str, list[int]] = {}
    chosen: dict[str, list[tuple[int, list[int]]]] = {}
    for task in tasks:
        rows = {row: column.values["faithful"] for row, column in done[task.id].columns.items() if column.values}
        if rows and settings.cards:
            shown[task.id] = _checkpoints_of(rows, bases)
            chosen[task.id] = [
                (index, shown[task.id]) for index in _indices(task, done[task.id].keys, rows, settings.cards)
            ]
    total = sum(len(done[task.id].keys) for task in tasks)
    per_task = _fair({name: len(its) for name, its in chosen.items()}, {name: len(its) for name, its in shown.items()})
    documents: list[Document] = []
    unread: list[str] = []
    for task in tasks:
        if task.id in chosen:
            its = chosen[task.id][: per_task[task.id]]
            documents += _read(task, its, done[task.id], unread)
    documents, cut = _within(documents)
    return tuple(documents), total, _notes(tasks, chosen, documents, total, done, shown, cut) + unread


def _indices(task: Task, keys: Sequence[str], rows: Mapping[int, Any], most: int) -> list[int]:
    """Documents of a task, in the order in which they are shown."""
    values = np.stack(list(rows.values()))
    differs = np.nanmax(values, axis=0, initial=0) != np.nanmin(values, axis=0, initial=1)
    if len(values) == 1:
        differs[:] = False
    order = sorted(range(len(keys)), key=lambda i: (not differs[i], seed_of(task.name, keys[i])))
    return order[:most]


def _checkpoints_of(rows: Mapping[int, Any], bases: Sequence[int | None]) -> list[int]:
    """At most `MOST_CHECKPOINTS` rows: all, or the bases and those that differ most from theirs."""
    if len(rows) <= MOST_CHECKPOINTS:
        return sorted(rows)

    def distance(row: int) -> float:
        base = bases[row]
        if base is None or base not in rows:
            return -1.0
        return float(np.nanmean(rows[row] != rows[base]))

    used = [row for row in sorted(rows) if row in set(bases)][:2]
    others = sorted((row for row in rows if row not in used), key=lambda row: (-distance(row), row))
    return sorted([*used, *others[: MOST_CHECKPOINTS - len(used)]])


def _fair(wanted: Mapping[str, int], width: Mapping[str, int]) -> dict[str, int]:
    """Documents per task so that all entries together stay below `MOST_ENTRIES`: the same cap for every task."""
    cap = max(wanted.values(), default=0)
    while cap > 1 and sum(min(n, cap) * width[name] for name, n in wanted.items()) > MOST_ENTRIES:
        cap -= 1
    return {name: min(n, cap) for name, n in wanted.items()}


def _read(task: Task, chosen: Sequence[tuple[int, list[int]]], done: Analysis, unread: list[str]) -> list[Document]:
    wanted: dict[int, list[str]] = {}
    for index, rows in chosen:
        for row in rows:
            wanted.setdefault(row, []).append(done.keys[index])
    told: dict[int, dict[str, dict[str, Any]]] = {}
    for row, keys in wanted.items():
        path = done.columns[row].run.samples
        if path is not None:
            try:
                told[row] = samples.transcripts(Path(path), keys)
            except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
                unread.append(f"{path.name}: no cards, its transcripts could not be read ({error}).")
    hashes = Counter(key.split(":")[0] for key in done.keys)
    documents = []
    for index, rows in chosen:
        key = done.keys[index]
        its = {row: told[row][key] for row in rows if key in told.get(row, {})}
        name = key if hashes[key.split(":")[0]] > 1 else key.split(":")[0]
        made = document_of(task, name, {f"c{row}": (t, _value(done, row, index)) for row, t in its.items()})
        if made:
            documents.append(made)
    return documents


def _value(done: Analysis, row: int, index: int) -> float | None:
    value = float(done.columns[row].values["faithful"][index])
    return None if math.isnan(value) else value


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
    effects = {}
    for row in singles:
        share = _probability(row.get("logprobs"), label)
        if whole is not None and share is not None:
            effect = round(whole - share, 4)
            if not math.isfinite(effect):
                continue
        else:
            after = row.get("label")
            effect = float(after == target if target else after is not None and after != label)
        effects.update({int(position): effect for position in row["positions"]})
    return effects


def _probability(logprobs: Mapping[str, float] | None, label: str | None) -> float | None:
    if not logprobs or label is None or label not in logprobs:
        return None
    top = max(logprobs.values())
    return math.exp(logprobs[label] - top) / sum(math.exp(value - top) for value in logprobs.values())


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


def _within(documents: list[Document]) -> tuple[list[Document], bool]:
    """As many documents as `MOST_CHARACTERS` allows, taken from all tasks in turn."""
    sizes = [len(json.dumps(asdict(document), ensure_ascii=False)) for document in documents]
    if sum(sizes) <= MOST_CHARACTERS:
        return documents, False
    rank: dict[str, int] = {}
    turns = []
    for i, document in enumerate(documents):
        rank[document.task] = rank.get(document.task, 0) + 1
        turns.append((rank[document.task], i))
    kept, used = set(), 0
    for _, i in sorted(turns):
        if used + sizes[i] <= MOST_CHARACTERS:
            kept.add(i)
            used += sizes[i]
    return [document for i, document in enumerate(documents) if i in kept], True


def _notes(
    tasks: Sequence[Task],
    chosen: Mapping[str, Sequence[Any]],
    documents: Sequence[Document],
    total: int,
    done: Mapping[str, Analysis],
    shown: Mapping[str, Sequence[int]],
    cut: bool,
) -> list[str]:
    notes = []
    if chosen and len(documents) < total:
        per_task = max(sum(document.task == task.id for document in documents) for task in tasks)
        notes.append(
            f"Cards: {len(documents)} of {total} documents, at most {per_task} a task, those first on which "
            "checkpoints differ in faithful, else in the order of a hash. They are no random sample: rates are in the "
            "table."
        )
    if cut:
        notes.append("Cards: fewer documents than asked for, so that the page stays small.")
    if any(len(shown[name]) < sum(bool(c.values) for c in done[name].columns.values()) for name in shown):
        notes.append(
            f"Cards: at most {MOST_CHECKPOINTS} checkpoints a document, the bases and those "
            "that differ most from theirs."
        )
    return notes
