"""Reading an answer that holds a whole document: what redactions and counterfactuals have in common."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping

from lm_eval_tasks.classification import Question
from lm_eval_tasks.styles.unwrap import readings, unquoted

# A title stands in the text itself now and then ("Hypothesis:" inside a premise); so many places are tried for each.
_MOST_PLACES = 4


def documents(answer: str, question: Question) -> Iterator[dict[str, str]]:
    """The documents an answer can be read as, strictest reading first, each once.

    One field: the text, with or without its title. Several fields: each after its title; where an answer has no titles,
    one line per field; a field whose title is missing makes the reading fall away.
    """
    seen = []
    for text in readings(answer):
        for fields in _split(text, question):
            if fields not in seen and any(value.strip() for value in fields.values()):
                seen.append(fields)
                yield fields


def too_long(document: Mapping[str, str], fields: Mapping[str, str], mask: str = "") -> bool:
    """Whether a document is too long to be a rewriting of `fields`: several times the text is talk, not the text.

    >>> too_long({"text": "love " * 1000}, {"text": "I love it."})
    True
    """
    original = sum(map(len, fields.values()))
    # Every second character a word of one letter, masked.
    return sum(map(len, document.values())) > 3 * original + original * (len(mask) + 4) // 2 + 200


def mask_pattern(mask: str, endings: frozenset[str] = frozenset(), bare: bool = False) -> re.Pattern[str]:
    """The mask as models write it.

    Args:
        mask: the mask text.
        endings: what may hang on a mask and belongs to the masked word ("'s").
        bare: whether the mask counts without its brackets, too.
    """
    core = mask.strip("[]<>(){}")
    shapes = [_whole(mask)]
    if core:
        # [REDACTED] | [redacted] | \[REDACTED\] | [ REDACTED ] | <REDACTED> | (REDACTED)
        shapes.insert(0, rf"\\?[\[<({{]\s{{0,3}}{re.escape(core)}\s{{0,3}}\\?[\]>)}}]")
    if core and bare:
        # REDACTED, in the mask's own case: "redacted" may be a word
        shapes.append(f"(?-i:{_whole(core)})")
    # [REDACTED]'s: a word of the text with its ending left over
    ending = "|".join(re.escape(ending).replace("'", "['’]") for ending in sorted(endings))
    ending = rf"(?:(?:{ending})(?!\w))?" if ending else ""
    return re.compile(f"(?:{'|'.join(shapes)}){ending}", re.IGNORECASE)


def _whole(text: str) -> str:
    """A pattern for `text` that does not begin or end inside a word."""
    before = r"(?<![^\W_])" if text[:1].isalnum() else ""
    after = r"(?![^\W_])" if text[-1:].isalnum() else ""
    return before + re.escape(text) + after


def _split(text: str, question: Question) -> Iterator[dict[str, str]]:
    if len(question.fields) == 1:
        yield {question.fields[0]: text}
    places = [_places(title, text) for title in question.titles]
    for marks in itertools.product(*places):
        begins = sorted(mark.start() for mark in marks)
        if len(marks) == 1 and text[: begins[0]].strip():
            continue
        ends = dict(zip(begins, [*begins[1:], len(text)], strict=True))
        if len(ends) == len(marks):
            values = [text[mark.end() : max(mark.end(), ends[mark.start()])].strip() for mark in marks]
            yield dict(zip(question.fields, values, strict=True))
            # Premise: "A man sleeps."\nHypothesis: "A dog barks."
            yield dict(zip(question.fields, map(unquoted, values), strict=True))
    # A man sleeps.\nA dog barks.
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(question.fields) > 1 and not any(places) and len(lines) == len(question.fields):
        yield dict(zip(question.fields, lines, strict=True))


def _places(title: str, text: str) -> list[re.Match[str]]:
    """Where a title may stand: at the beginnings of lines, else within a line after the end of a sentence."""
    # Premise: | **Premise:** | - Premise: | 1. Premise: | Redacted premise: | "premise": | Tweet (edited):
    adjective = r"(?:(?:the )?(?:redacted|edited|changed|new|modified|revised|rewritten|updated) )?"
    after = r"(?: \((?:redacted|edited|changed|new|modified)\))?[*_\"]{0,3}\s?:[*_]{0,3}[ \t]*"
    line = rf"(?:^|(?<=\n))[^\w\n\[]{{0,20}}(?:\d[.)]\s?)?[*_\"]{{0,3}}{adjective}{re.escape(title)}{after}"
    at_line = itertools.islice(re.finditer(line, text, re.IGNORECASE), _MOST_PLACES)
    # Premise: A man. Hypothesis: A dog.
    within = rf"(?<=[\s.!?\"”])[*_\"]{{0,3}}{re.escape(title)}{after}"
    return list(at_line) or list(itertools.islice(re.finditer(within, text), _MOST_PLACES))
