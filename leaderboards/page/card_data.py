"""The cards' data: every text once, and no more documents than a page can hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from leaderboards.board import Board, Document, Entry
from leaderboards.main_table import ordered
from leaderboards.sanitize import visible

# Of JSON. Prompts repeat from checkpoint to checkpoint and are held once: 1,440 documents of 30 words fit with 30
# checkpoints each, 547 with 100. What is left out is said on the page.
BYTES = 7_000_000
# Of one text. A transcript beyond it is cut, and says so.
LONGEST = 100_000


@dataclass(frozen=True)
class Shown:
    """How many cards there are, of how many that there could be: one document in one task each."""

    cards: int
    total: int


@dataclass
class _Strings:
    """Distinct texts in order of first use."""

    places: dict[str, int] = field(default_factory=dict)
    bytes: int = 0

    def place(self, text: str) -> int:
        shown = visible(
            text if len(text) <= LONGEST else f"{text[:LONGEST]}\n… {len(text) - LONGEST:,} characters more"
        )
        if shown not in self.places:
            self.places[shown] = len(self.places)
            self.bytes += len(json.dumps(shown, ensure_ascii=False).encode()) + 1
        return self.places[shown]


def fit(board: Board, limit: int = BYTES) -> tuple[dict[str, Any], Shown]:
    """Cards in turns over the tasks until `limit` bytes are used: `{"strings", "documents"}` and how many."""
    strings, used, kept = _Strings(), 0, 0
    documents: list[dict[str, Any]] = []
    tasks = {task.id: i for i, task in enumerate(ordered(board.tasks))}
    people = {checkpoint.id: i for i, checkpoint in enumerate(board.checkpoints)}
    for document in in_turns(board.documents):
        value = _document(document, tasks, people, strings)
        used += len(json.dumps(value, separators=(",", ":"))) + 1
        if documents and used + strings.bytes > limit:
            break
        documents.append(value)
        kept = len(strings.places)
    documents.sort(key=lambda value: int(value["t"]))
    # The document that went over the limit has left its texts behind, as the last ones.
    texts = list(strings.places)[:kept]
    return {"strings": texts, "documents": documents}, Shown(
        len(documents), board.documents_total if board.pairs_total is None else board.pairs_total
    )


def in_turns(documents: Sequence[Document]) -> Iterator[Document]:
    """The first document of every task, then the second of every task, and so on."""
    tasks: dict[str, list[Document]] = {}
    for document in documents:
        tasks.setdefault(document.task, []).append(document)
    for row in zip_longest(*tasks.values()):
        yield from (document for document in row if document is not None)


def _document(document: Document, tasks: dict[str, int], people: dict[str, int], strings: _Strings) -> dict[str, Any]:
    fields = [
        [
            strings.place(title),
            [
                strings.place(segment.text)
                if segment.position is None
                else [strings.place(segment.text), segment.position]
                for segment in segments
            ],
        ]
        for title, segments in document.fields.items()
    ]
    return {
        "t": tasks[document.task],
        "k": strings.place(document.key),
        "f": fields,
        "g": strings.place(document.gold),
        "r": None if document.rationale is None else list(document.rationale),
        "e": [_entry(entry, people, strings) for entry in document.entries],
    }


def _entry(entry: Entry, people: dict[str, int], strings: _Strings) -> list[Any]:
    """The order is the one that `documents.js` reads."""
    place = strings.place
    return [
        people[entry.checkpoint],
        None if entry.prediction is None else place(entry.prediction),
        place(entry.explanation),
        int(entry.valid),
        place(entry.reason),
        [place(word) for word in entry.words],
        list(entry.positions),
        place(entry.target),
        [[place(title), place(text)] for title, text in entry.edited.items()],
        None if entry.after is None else place(entry.after),
        entry.faithful,
        [[position, round(value, 3)] for position, value in entry.effects.items() if round(value, 3)]
        if entry.effects
        else None,
        [[place(role), place(text)] for role, text in entry.transcript],
    ]
