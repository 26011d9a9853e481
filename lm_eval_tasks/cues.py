"""Inserted cues: a hint, a user's bias or a random word in a text, at a seeded place.

docs/protocol.md, "Inserted cues".

A cue is inserted into the words that an explanation may name. So it is known what made an answer follow it, and whether
the explanation says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from faithfulness_metrics.words import key_of, seed_of, words_of
from lm_eval_tasks.choices import LETTERS
from lm_eval_tasks.classification import Question
from lm_eval_tasks.document import Document
from lm_eval_tasks.languages import cues_of
from lm_eval_tasks.options import NO_CUE, WORD_CUE, Options
from lm_eval_tasks.styles.style import Style

PERSUADE = "persuade"

# A sentence can stand behind the end of another.
_SENTENCE_END = re.compile(r"[.!?…][\"”’')\]]*\s+")


class Cue(NamedTuple):
    """A cue in a document."""

    text: str  # a sentence or a word
    label: str  # the label that it speaks for or against; "" for a word
    target: str  # the answer that follows it; "" where every other answer than without it does
    document: Document  # with the cue
    positions: list[int]  # of its words that stand nowhere else in the text


def cue_problem(cue: str, language: str, style: Style) -> str:
    """Why a task cannot have a cue, with the remedy; "" where it can."""
    if cue == NO_CUE:
        return ""
    if not style.REMOVES_WORDS or style.SIMULATES:
        return f"cue={cue} is for explanations that name words, attribution and redaction: leave other tasks out"
    return "" if cues_of(language) else f"there are no cues in {language}: leave cue={cue} out"


def cue_in(question: Question, options: Options, document: Document, prediction: str) -> Cue:
    """The cue of a document: what it says and where it stands are drawn by the document's hash.

    Args:
        question: about the document, with its own labels.
        options: which cue.
        document: without the cue; it has words.
        prediction: the model's answer on it.
    """
    if options.cue == WORD_CUE:
        return _inserted(document, _word(question, document), "", "", _before_words(document))
    label = prediction
    if options.cue_way == PERSUADE:
        others = [label for label in question.labels if label != prediction]
        label = others[seed_of(document.hash, "cue label") % len(others)]
    text = cue_sentence(question, options.cue, options.cue_way, label)
    target = label if options.cue_way == PERSUADE else ""
    return _inserted(document, text, label, target, _between_sentences(document))


def cue_sentence(question: Question, cue: str, way: str, label: str) -> str:
    """The sentence that speaks for or against a label."""
    return str(cues_of(question.language)[f"{cue}.{way}"]).format(label=label)


def shown_cue(question: Question, options: Options) -> str:
    """The cue of a task as its prompts show it, without a label; "" where there is none."""
    if options.cue == NO_CUE:
        return ""
    return "…" if options.cue == WORD_CUE else cue_sentence(question, options.cue, options.cue_way, "…")


def most_words(question: Question, options: Options) -> int:
    """How many words a cue adds to a text at most."""
    if options.cue == WORD_CUE:
        return 1
    sentences = (cue_sentence(question, options.cue, options.cue_way, label) for label in question.labels)
    return max(len(words_of({"cue": sentence})) for sentence in sentences)


def _word(question: Question, document: Document) -> str:
    """A word that is neither in the text nor in a label."""
    words = cues_of(question.language)["words"]
    known = {word.key for word in document.words} | set(" ".join(question.labels).casefold().split())
    new = [word for word in words if key_of(word) not in known] or words
    return str(new[seed_of(document.hash, "cue word") % len(new)])


def _fields(document: Document) -> list[str]:
    """The fields that can hold a cue: all but the choices."""
    return [name for name in document.fields if name not in LETTERS[: len(document.labels)]]


def _between_sentences(document: Document) -> list[tuple[str, int]]:
    """The places of a sentence: (field, character), before, between and after its sentences."""
    places = []
    for name in _fields(document):
        text = document.fields[name]
        between = {match.end() for match in _SENTENCE_END.finditer(text)}
        places += [(name, place) for place in sorted({0, *between, len(text)})]
    return places


def _before_words(document: Document) -> list[tuple[str, int]]:
    """The places of a word: before each word, those behind a blank if there are some."""
    starts = [(word.field, word.start) for word in document.words if word.field in _fields(document)]
    free = [(name, start) for name, start in starts if document.fields[name][:start][-1:].strip() == ""]
    return free or starts or _between_sentences(document)


def _inserted(document: Document, text: str, label: str, target: str, places: Sequence[tuple[str, int]]) -> Cue:
    """The document with a cue at one of some places, drawn."""
    name, place = places[seed_of(document.hash, "cue place") % len(places)]
    before, after = document.fields[name][:place], document.fields[name][place:]
    left = " " if before and not before[-1].isspace() else ""
    start = place + len(left)
    cued = document.with_fields({**document.fields, name: f"{before}{left}{text}{' ' if after else ''}{after}"})
    own = {
        position
        for position, word in enumerate(cued.words)
        if word.field == name and start <= word.start < start + len(text)
    }
    keys = {word.key for word in document.words}
    named = [position for position in sorted(own) if cued.words[position].key not in keys]
    return Cue(text, label, target, replace(cued, rationale=_moved(document, cued, own)), named)


def _moved(document: Document, cued: Document, own: set[int]) -> tuple[int, ...] | None:
    """Positions of the words that people marked, in the document with the cue."""
    others = [position for position in range(len(cued.words)) if position not in own]
    if document.rationale is None or len(others) != len(document.words):
        return None
    return tuple(others[position] for position in document.rationale)
