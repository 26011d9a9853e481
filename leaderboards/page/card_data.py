"""The cards as compact JSON for the page: every text once, and no more cards than a page can hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from leaderboards.board import Board, CardEntry, DocumentCard
from leaderboards.sanitize import visible
from leaderboards.tables.main_table import sort_tasks

# Bytes of JSON. Prompts repeat from checkpoint to checkpoint and are stored once: 1,440 documents of 30 words fit with
# 30 checkpoints each, 547 documents with 100. The page says how many are left out.
MOST_BYTES = 7_000_000
# Characters of one text. A longer one is cut, with a note.
LONGEST_TEXT = 100_000


@dataclass(frozen=True)
class CardCounts:
    """How many cards the page shows, and how many there could be. A card is one document of one task."""

    cards: int
    possible: int


@dataclass
class _Strings:
    """Different texts, in the order of their first use.

    Attributes:
        index: text -> position in the list.
        bytes: size as JSON.
    """

    index: dict[str, int] = field(default_factory=dict)
    bytes: int = 0

    def add(self, text: str) -> int:
        """Position of the text in the list."""
        cut = len(text) - LONGEST_TEXT
        text = visible(text if cut <= 0 else f"{text[:LONGEST_TEXT]}\n… {cut:,} characters more")
        if text not in self.index:
            self.index[text] = len(self.index)
            self.bytes += len(json.dumps(text, ensure_ascii=False).encode()) + 1
        return self.index[text]

    def add_optional(self, text: str | None) -> int | None:
        """The same for a text that may be None."""
        return None if text is None else self.add(text)


def compress_cards(board: Board, most_bytes: int = MOST_BYTES) -> tuple[dict[str, Any], CardCounts]:
    """The cards that fit into so many bytes of JSON, taken from all tasks in turns.

    Returns:
        {"strings": texts, "documents": cards that refer to texts by their index}, and how many cards there are.
    """
    strings, used, complete_strings = _Strings(), 0, 0
    cards: list[dict[str, Any]] = []
    task_index = {task.id: i for i, task in enumerate(sort_tasks(board.tasks))}
    checkpoint_index = {checkpoint.id: i for i, checkpoint in enumerate(board.checkpoints)}
    for document in _in_turns(board.documents):
        card = _card(document, task_index, checkpoint_index, strings)
        used += len(json.dumps(card, separators=(",", ":"))) + 1
        if cards and used + strings.bytes > most_bytes:
            break
        cards.append(card)
        complete_strings = len(strings.index)
    cards.sort(key=lambda card: int(card["t"]))
    # The texts of the card that exceeded the limit are the last ones.
    texts = list(strings.index)[:complete_strings]
    possible = board.documents_total if board.pairs_total is None else board.pairs_total
    return {"strings": texts, "documents": cards}, CardCounts(len(cards), possible)


def _in_turns(documents: Sequence[DocumentCard]) -> Iterator[DocumentCard]:
    """The first document of every task, then the second of every task, and so on."""
    by_task: dict[str, list[DocumentCard]] = {}
    for document in documents:
        by_task.setdefault(document.task, []).append(document)
    for turn in zip_longest(*by_task.values()):
        yield from (document for document in turn if document is not None)


def _card(
    document: DocumentCard, task_index: dict[str, int], checkpoint_index: dict[str, int], strings: _Strings
) -> dict[str, Any]:
    """The card with the keys that card_data.js reads. A segment is its text, or [text, position] if it is a word."""
    fields = []
    for title, segments in document.fields.items():
        title_index = strings.add(title)
        pieces: list[Any] = []
        for segment in segments:
            text = strings.add(segment.text)
            pieces.append(text if segment.position is None else [text, segment.position])
        fields.append([title_index, pieces])
    return {
        "t": task_index[document.task],
        "k": strings.add(document.key),
        "f": fields,
        "g": strings.add(document.gold),
        "r": None if document.rationale is None else list(document.rationale),
        "e": [_entry(entry, checkpoint_index, strings) for entry in document.entries],
    }


def _entry(entry: CardEntry, checkpoint_index: dict[str, int], strings: _Strings) -> list[Any]:
    """The entry in the order in which card_data.js reads it."""
    effects = [[position, round(value, 3)] for position, value in entry.effects.items() if round(value, 3)]
    return [
        checkpoint_index[entry.checkpoint],
        strings.add_optional(entry.prediction),
        strings.add(entry.explanation),
        int(entry.valid),
        strings.add(entry.reason),
        list(entry.positions),
        strings.add(entry.target),
        [[strings.add(title), strings.add(text)] for title, text in entry.edited.items()],
        strings.add_optional(entry.after),
        entry.faithful,
        effects if entry.effects else None,
        [[strings.add(role), strings.add(text)] for role, text in entry.transcript],
    ]
