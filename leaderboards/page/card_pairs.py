"""Two documents for the first screen: one that the best checkpoint won over its base, and one that it lost.

They are not chosen by hand. The first is of the first task on which the best checkpoint is significantly better. It is
the first text there, in the order of a hash, on which only this checkpoint is faithful. The second is of the first task
on which it is significantly worse: the first text on which only its base is. Without such a task, the first text of the
kind is shown. Without a base, the first faithful and the first unfaithful text are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leaderboards.board import Board, CardEntry, Cell, DocumentCard, Segment
from leaderboards.number_format import counted
from leaderboards.page.page_data import task_label
from leaderboards.sanitize import one_line
from leaderboards.tables.main_table import sort_tasks

# Characters of a text on the first screen, and words shown around the first named one.
LONGEST = 170
LONGEST_ANSWER = 110


@dataclass(frozen=True)
class PairSide:
    """What one checkpoint did with the document: the words of one line of the card."""

    name: str
    prediction: str
    explanation: str
    target: str
    after: str
    problem: str
    faithful: bool


@dataclass(frozen=True)
class CardPair:
    """One document, and what two checkpoints did with it; without a base, what one did.

    Attributes:
        title: what the pair is an example of.
        count: on how many texts of this task it is so.
        text: pieces of the text, as (text, whether the best checkpoint named it).
        sides: the base first.
    """

    title: str
    task: str
    count: str
    text: tuple[tuple[str, bool], ...]
    sides: tuple[PairSide, ...]


def card_pairs(board: Board, best: str | None) -> list[CardPair]:
    """At most two pairs; none without cards of the best checkpoint."""
    rows = {row.id: row for row in board.checkpoints}
    if best is None or best not in rows:
        return []
    base = rows[best].base if rows[best].base in rows else None
    order = {task.id: i for i, task in enumerate(sort_tasks(board.tasks))}
    cells = {cell.task: cell for cell in board.cells if cell.checkpoint == best}
    labels = {task.id: task_label(task) for task in board.tasks}
    names = {row.id: one_line(row.name, 40) for row in board.checkpoints}
    pairs = []
    for won in (True, False):
        marker = "better" if won else "worse"
        significant = {task for task, cell in cells.items() if cell.versus and cell.versus.marker == marker}
        for card in sorted(board.documents, key=lambda card: (card.task not in significant, order[card.task])):
            entries = {entry.checkpoint: entry for entry in card.entries}
            if _shows(entries.get(best), entries.get(base) if base else None, base is not None, won):
                both = [entries[id] for id in (base, best) if id]
                title = _title(names[best], names[base] if base else "", won)
                sides = tuple(_side(names[entry.checkpoint], entry) for entry in both)
                named = entries[best] if won or base is None else entries[base]
                text = tuple(_excerpt(card, named))
                count = _count(cells.get(card.task), won, base is not None)
                pairs.append(CardPair(title, labels[card.task], count, text, sides))
                break
    return pairs


def _shows(own: CardEntry | None, base: CardEntry | None, has_base: bool, won: bool) -> bool:
    """Whether a document is one of the kind: won or lost, or faithful or not where there is no base."""
    if own is None or own.faithful is None or (has_base and (base is None or base.faithful is None)):
        return False
    is_faithful = own.faithful > 0
    return is_faithful is won and (base is None or bool(base.faithful) is not won)


def _title(best: str, base: str, won: bool) -> str:
    if not base:
        return "Faithful" if won else "Not faithful"
    return f"Won: only “{best}” is faithful" if won else f"Lost: only “{base}” is faithful"


def _count(cell: Cell | None, won: bool, has_base: bool) -> str:
    if cell is None or cell.versus is None or not has_base:
        return ""
    number = cell.versus.only_checkpoint if won else cell.versus.only_base
    return f"{number} of {counted(cell.versus.n, 'text')}"


def _side(name: str, entry: CardEntry) -> PairSide:
    after = entry.after if entry.after is not None else "unread" if entry.valid else ""
    return PairSide(
        name=name,
        prediction=one_line(entry.prediction or "unread", 30),
        explanation=one_line(entry.explanation, LONGEST_ANSWER),
        target=one_line(entry.target, 30),
        after=one_line(after, 30),
        problem="" if entry.valid else one_line(entry.reason, 60),
        faithful=bool(entry.faithful),
    )


def _excerpt(card: DocumentCard, entry: CardEntry) -> Iterator[tuple[str, bool]]:
    """The text around the first named word, cut to `LONGEST` characters; neighbours of one kind are one piece."""
    segments: list[Segment] = []
    for title, pieces in card.fields.items():
        if len(card.fields) > 1:
            segments.append(Segment(f"{' ' if segments else ''}{title}: ", None))
        segments += pieces
    named = set(entry.positions)
    first = next((i for i, segment in enumerate(segments) if segment.position in named), 0)
    start = max(0, first - 20) if sum(len(segment.text) for segment in segments) > LONGEST else 0
    pieces_out: list[tuple[str, bool]] = [("… ", False)] if start else []
    length = 0
    for segment in segments[start:]:
        is_named = segment.position is not None and segment.position in named
        pieces_out.append((one_line(segment.text, LONGEST) if is_named else segment.text[:LONGEST], is_named))
        length += len(segment.text)
        if length > LONGEST:
            pieces_out.append((" …", False))
            break
    return iter(_joined(pieces_out))


def _joined(pieces: Sequence[tuple[str, bool]]) -> list[tuple[str, bool]]:
    joined: list[tuple[str, bool]] = []
    for text, is_named in pieces:
        if joined and joined[-1][1] is is_named:
            joined[-1] = (joined[-1][0] + text, is_named)
        else:
            joined.append((text, is_named))
    return joined
