"""Which hint or bias a text holds, for the rule-based models. The sentences are those of `lm_eval_tasks.cues`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from faithfulness_metrics.flips import UNKNOWN
from faithfulness_metrics.words import find_words
from lm_eval_tasks.classification import Question
from lm_eval_tasks.cues import PERSUADE, cue_sentence
from lm_eval_tasks.languages import cues_of
from lm_eval_tasks.options import CHOICES, NO_CUE, WORD_CUE


class ReadCue(NamedTuple):
    """A cue in a text."""

    text: str
    label: str  # that it speaks for, or against
    persuades: bool  # whether it speaks for it
    whole: bool  # whether none of its words is masked
    fields: dict[str, str]  # the document with it
    place: str  # the first and the last word of the text without it, and how many blanks before and behind it


def split_cue(question: Question, fields: Mapping[str, str], mask: str) -> tuple[dict[str, str], ReadCue] | None:
    """A document without its cue, and the cue; None where there is none."""
    for name, text in fields.items():
        for pattern, label, persuades in _patterns(question, mask):
            if match := pattern.search(text):
                before, after = text[: match.start()], text[match.end() :]
                words = (before + after).split()
                place = " ".join([*words[:1], *words[-1:], str(before.count(" ")), str(after.count(" "))])
                whole = mask not in match["cue"]
                cue = ReadCue(match["cue"], label, persuades, whole, dict(fields), place)
                return {**fields, name: before + after}, cue
    return None


@lru_cache(maxsize=1 << 10)
def _patterns(question: Question, mask: str) -> tuple[tuple[re.Pattern[str], str, bool], ...]:
    """Each possible cue, of which any word may be masked, with its label and whether it speaks for it."""
    if not cues_of(question.language):
        return ()
    kinds = [cue for cue in CHOICES["cue"] if cue not in (NO_CUE, WORD_CUE)]
    return tuple(
        (_pattern(cue_sentence(question, cue, way, label), mask), label, way == PERSUADE)
        for cue in kinds
        for way in CHOICES["cue_way"]
        for label in (*question.labels, UNKNOWN)
    )


def _pattern(sentence: str, mask: str) -> re.Pattern[str]:
    """A sentence with the blank that parts it from the text: behind it, or before it at the end of a text."""
    parts, last = [], 0
    for word in find_words(sentence):
        parts += [re.escape(sentence[last : word.start]), f"(?:{re.escape(word.text)}|{re.escape(mask)})"]
        last = word.end
    cue = "".join([*parts, re.escape(sentence[last:])])
    return re.compile(rf"(?P<cue>{cue})(?: |$)")
