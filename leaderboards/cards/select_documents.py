"""Selects the documents that a board shows as cards, and reads their transcripts.

Documents on which checkpoints differ in `faithful` come first, then the others. Both are sorted by a hash, so that the
selection is the same on every machine.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from faithful_se.transcript import Transcript
from faithfulness_metrics.bootstrap import Array
from faithfulness_metrics.words import seed_of
from leaderboards.analysis.task_results import TaskResult
from leaderboards.board import DocumentCard, Settings, Task
from leaderboards.cards.document_card import document_card
from leaderboards.lm_eval_files.samples_file import read_transcripts


@dataclass(frozen=True)
class CardLimits:
    """What keeps the page small.

    Attributes:
        entries: of all cards. An entry is one checkpoint on one document.
        characters: of all cards, as JSON.
        checkpoints: of one card.
    """

    entries: int = 5_000
    characters: int = 7_000_000
    checkpoints: int = 8


@dataclass(frozen=True)
class _Selection:
    """What is shown of one task."""

    task: Task
    results: dict[int, TaskResult]  # of all checkpoints with samples, by index
    keys: tuple[str, ...]  # of all documents
    documents: list[int]  # indices, in the order of the page
    checkpoints: list[int]


def select_documents(
    results: Mapping[str, Mapping[int, TaskResult]],
    tasks: Sequence[Task],
    bases: Sequence[int | None],
    settings: Settings,
    limits: CardLimits | None = None,
    first: Sequence[int] = (),
) -> tuple[tuple[DocumentCard, ...], int, list[str]]:
    """Make the cards of a board.

    Args:
        results: task id -> index of a checkpoint -> its result.
        tasks: of the board.
        bases: index of a checkpoint -> index of its base.
        settings, limits: how many there may be.
        first: indices of checkpoints that are on every card.

    Returns:
        The cards, the number of possible cards, and notes on what was left out.
    """
    limits = limits or CardLimits()
    selections = []
    total = 0
    for task in tasks:
        keys = next(iter(results[task.id].values())).documents.keys
        total += len(keys)
        with_samples = {index: result for index, result in results[task.id].items() if result.values}
        if with_samples and settings.cards:
            values = {index: result.values["faithful"] for index, result in with_samples.items()}
            documents = _informative_first(task, keys, list(values.values()))[: settings.cards]
            checkpoints = _select_checkpoints(values, bases, limits.checkpoints, first)
            selections.append(_Selection(task, with_samples, keys, documents, checkpoints))
    per_task = _documents_per_task(selections, limits.entries)
    unreadable: list[str] = []
    cards = [card for selection in selections for card in _make_cards(selection, per_task, unreadable)]
    fitting = _fit(cards, limits.characters)
    return tuple(fitting), total, _notes(selections, cards, fitting, total, limits) + unreadable


def _informative_first(task: Task, keys: Sequence[str], faithful: Sequence[Array]) -> list[int]:
    """Indices of all documents of a task: those on which checkpoints differ first."""
    values = np.stack(faithful)  # [n_checkpoints, n_documents]
    differs = np.nanmax(values, axis=0, initial=0) != np.nanmin(values, axis=0, initial=1)
    if len(values) == 1:
        differs[:] = False
    return sorted(range(len(keys)), key=lambda i: (not differs[i], seed_of(task.name, keys[i])))


def _select_checkpoints(
    faithful: Mapping[int, Array], bases: Sequence[int | None], most: int, first: Sequence[int]
) -> list[int]:
    """All checkpoints; if they are too many, `first`, some bases, and those that differ most from their base."""
    if len(faithful) <= most:
        return sorted(faithful)

    def distance(checkpoint: int) -> float:
        base = bases[checkpoint]
        if base is None or base not in faithful:
            return -1.0
        return float(np.nanmean(faithful[checkpoint] != faithful[base]))

    used_bases = [checkpoint for checkpoint in sorted(faithful) if checkpoint in set(bases)][:2]
    by_distance = sorted(faithful, key=lambda checkpoint: (-distance(checkpoint), checkpoint))
    ordered = dict.fromkeys([*(index for index in first if index in faithful), *used_bases, *by_distance])
    return sorted(list(ordered)[:most])


def _documents_per_task(selections: Sequence[_Selection], most_entries: int) -> int:
    """The largest cap on documents per task with which all tasks together stay below the limit on entries."""
    cap = max((len(selection.documents) for selection in selections), default=0)
    while cap > 1 and sum(min(len(s.documents), cap) * len(s.checkpoints) for s in selections) > most_entries:
        cap -= 1
    return cap


def _make_cards(selection: _Selection, most: int, unreadable: list[str]) -> list[DocumentCard]:
    documents = selection.documents[:most]
    transcripts: dict[int, dict[str, Transcript]] = {}
    for checkpoint in selection.checkpoints:
        source = selection.results[checkpoint].run.samples
        assert source is not None
        try:
            transcripts[checkpoint] = read_transcripts(source, [selection.keys[document] for document in documents])
        except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
            unreadable.append(f"{source.path.name}: no cards, its transcripts could not be read ({error}).")
    hashes = Counter(key.split(":")[0] for key in selection.keys)
    cards = []
    for document in documents:
        key = selection.keys[document]
        doc_hash = key.split(":")[0]
        entries = {
            f"c{checkpoint}": (of_run[key], _faithful(selection.results[checkpoint], document))
            for checkpoint, of_run in transcripts.items()
            if key in of_run
        }
        if card := document_card(selection.task, key if hashes[doc_hash] > 1 else doc_hash, entries):
            cards.append(card)
    return cards


def _faithful(result: TaskResult, document: int) -> float | None:
    value = float(result.values["faithful"][document])
    return None if math.isnan(value) else value


def _fit(cards: list[DocumentCard], most_characters: int) -> list[DocumentCard]:
    """As many cards as the limit on characters allows, from all tasks in turns."""
    sizes = [len(json.dumps(asdict(card), ensure_ascii=False)) for card in cards]
    if sum(sizes) <= most_characters:
        return cards
    counts: Counter[str] = Counter()
    turns = []
    for i, card in enumerate(cards):
        counts[card.task] += 1
        turns.append((counts[card.task], i))
    fitting, used = set(), 0
    for _, i in sorted(turns):
        if used + sizes[i] <= most_characters:
            fitting.add(i)
            used += sizes[i]
    return [card for i, card in enumerate(cards) if i in fitting]


def _notes(
    selections: Sequence[_Selection],
    cards: Sequence[DocumentCard],
    fitting: Sequence[DocumentCard],
    total: int,
    limits: CardLimits,
) -> list[str]:
    notes = []
    if selections and len(fitting) < total:
        per_task = max(Counter(card.task for card in fitting).values(), default=0)
        notes.append(
            f"Cards: {len(fitting):,} of {total:,} pairs of document and task, at most {per_task} per task. Documents "
            "on which checkpoints differ in faithful come first, the others in the order of a hash. This is no random "
            "sample; rates are in the table."
        )
    if len(fitting) < len(cards):
        notes.append("Cards: fewer documents than --cards asks for, so that the page stays small.")
    if any(len(selection.checkpoints) < len(selection.results) for selection in selections):
        notes.append(
            f"Cards: at most {limits.checkpoints} checkpoints per document, namely the best with its base, two "
            "bases, and those that differ most from their base."
        )
    return notes
