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

from faithfulness_metrics.words import seed_of
from leaderboards import samples
from leaderboards.board import Document, Settings, Task
from leaderboards.cells import Analysis
from leaderboards.transcripts import document_of

# The page holds at most so many entries (a checkpoint on a document) and so many characters of them.
MOST_ENTRIES = 5_000
MOST_CHARACTERS = 7_000_000

# Of one document: the base and those that differ from it most.
MOST_CHECKPOINTS = 8


def documents_of(
    tasks: Sequence[Task], bases: Sequence[int | None], done: Mapping[str, Analysis], settings: Settings
) -> tuple[tuple[Document, ...], int, list[str]]:
    """The cards (one document in one task each), how many there could be, and what was left out.

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
                (index, shown[task.id]) for index in _indices(task, done[task.id].documents.keys, rows, settings.cards)
            ]
    total = sum(len(done[task.id].documents.keys) for task in tasks)
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
            wanted.setdefault(row, []).append(done.documents.keys[index])
    told: dict[int, dict[str, dict[str, Any]]] = {}
    for row, keys in wanted.items():
        path = done.columns[row].run.samples
        if path is not None:
            try:
                told[row] = samples.transcripts(Path(path), keys)
            except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
                unread.append(f"{path.name}: no cards, its transcripts could not be read ({error}).")
    hashes = Counter(key.split(":")[0] for key in done.documents.keys)
    documents = []
    for index, rows in chosen:
        key = done.documents.keys[index]
        its = {row: told[row][key] for row in rows if key in told.get(row, {})}
        name = key if hashes[key.split(":")[0]] > 1 else key.split(":")[0]
        made = document_of(task, name, {f"c{row}": (t, _value(done, row, index)) for row, t in its.items()})
        if made:
            documents.append(made)
    return documents


def _value(done: Analysis, row: int, index: int) -> float | None:
    value = float(done.columns[row].values["faithful"][index])
    return None if math.isnan(value) else value


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
            f"Cards: {len(documents):,} of {total:,}, each a document in one task, at most {per_task} a task: those "
            "first on which checkpoints differ in faithful, else in the order of a hash. They are no random sample: "
            "rates are in the table."
        )
    if cut:
        notes.append("Cards: fewer documents than asked for, so that the page stays small.")
    if any(len(shown[name]) < sum(bool(c.values) for c in done[name].columns.values()) for name in shown):
        notes.append(
            f"Cards: at most {MOST_CHECKPOINTS} checkpoints a document, the bases and those "
            "that differ most from theirs."
        )
    return notes
