"""Reading an answer that holds a whole document, as redactions and counterfactuals do."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Collection, Iterator, Mapping

from faithfulness_metrics.words import find_words, words_of
from lm_eval_tasks.classification import Question
from lm_eval_tasks.styles.markup import without_document_markup
from lm_eval_tasks.styles.unwrap import BULLET, readings, unquoted, without_phrases
from lm_eval_tasks.thoughts import after_thinking

# A title may be part of the text itself ("Hypothesis:" inside a premise). So many occurrences are tried for each.
_MOST_OCCURRENCES = 4


def documents(answer: str, question: Question, original: Mapping[str, str] | None = None) -> Iterator[dict[str, str]]:
    """The documents that an answer can be read as, strictest reading first, each once.

    One field: the text, with or without its title. Several fields: each after its title, or one line per field where
    the answer has no titles at all. Where only some titles are missing, there is no such reading. An answer with markup
    is read as it stands, then without the markup. A title in front of a text holds no word of the `original`.
    """
    seen: list[dict[str, str]] = []
    keys = {word.key for word in words_of(original or {})}
    text = after_thinking(answer)
    plain = without_document_markup(text, question.titles)
    local = without_phrases(plain, question)
    others = [readings(other) for other in dict.fromkeys((plain, local)) if other != text]
    texts = itertools.chain(readings(answer), *others)
    split = (
        fields for text in texts for variant in _variants(text, question, keys) for fields in _split(variant, question)
    )
    for fields in itertools.chain(split, _json_documents(text, question)):
        if fields not in seen and any(value.strip() for value in fields.values()):
            seen.append(fields)
            yield fields


def _variants(text: str, question: Question, keys: Collection[str]) -> Iterator[str]:
    yield text
    if len(question.fields) > 1:
        return
    # - I love it | 1. I love it
    if bullet := BULLET.match(text):
        yield text[bullet.end() :]
    # Positive sentiment: I love it
    title = _SHORT_TITLE.match(text)
    if title and not any(word.key in keys for word in find_words(title.group())):
        yield text[title.end() :]
    # [I love it] | (I love it)
    if text[:1] + text[-1:] in ("[]", "()"):
        yield text[1:-1]


# A label or another title in front of a text.
_SHORT_TITLE = re.compile(r"[^\w\n]{0,4}\w[^\n:\[]{0,40}(?::[*_]{0,3}[ \t]+|：)")


def _json_documents(text: str, question: Question) -> Iterator[dict[str, str]]:
    """The documents in an answer of JSON: ``{"tweet": "I love it"}``, ``{"premise": "…", "hypothesis": "…"}``."""
    start, end = text.find("{"), text.rfind("}")
    try:
        values = json.loads(text[start : end + 1]) if 0 <= start < end else None
    except (ValueError, RecursionError):
        return
    if not isinstance(values, dict):
        return
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    if len(question.fields) == 1:
        yield from ({question.fields[0]: value} for value in texts.values())
        return
    matching = [
        [value for name, value in texts.items() if title.casefold() in name.casefold().replace("_", " ")]
        for title in question.titles
    ]
    if all(len(values) == 1 for values in matching):
        yield dict(zip(question.fields, itertools.chain(*matching), strict=True))


def too_long(document: Mapping[str, str], fields: Mapping[str, str], mask: str = "") -> bool:
    """Whether a document is too long to be a rewriting of `fields`, because it holds comments as well.

    >>> too_long({"text": "love " * 1000}, {"text": "I love it."})
    True
    """
    original = sum(map(len, fields.values()))
    # The longest rewriting masks every second character, each a word of one letter.
    return sum(map(len, document.values())) > 3 * original + original * (len(mask) + 4) // 2 + 200


def mask_pattern(mask: str, endings: frozenset[str] = frozenset(), bare: bool = False) -> re.Pattern[str]:
    """The mask in the spellings of models, `bare` also without its brackets.

    `endings` after a mask belong to the masked word ("'s").
    """
    core = mask.strip("[]<>(){}")
    shapes = [_as_whole_word(mask)]
    if core:
        # [REDACTED] | [redacted] | \[REDACTED\] | [ REDACTED ] | <REDACTED> | (REDACTED)
        shapes.insert(0, rf"\\?[\[<({{]\s{{0,3}}{re.escape(core)}\s{{0,3}}\\?[\]>)}}]")
    if core and bare:
        # REDACTED, in the mask's own case: "redacted" may be a word
        shapes.append(f"(?-i:{_as_whole_word(core)})")
    # [REDACTED]'s | [REDACTED] 's: a word of the text with its ending left over
    ending = "|".join(re.escape(ending).replace("'", "['’]") for ending in sorted(endings))
    ending = rf"(?:[ \t]?(?:{ending})(?!\w))?" if ending else ""
    return re.compile(f"(?:{'|'.join(shapes)}){ending}", re.IGNORECASE)


def _as_whole_word(text: str) -> str:
    """A pattern for `text` that does not begin or end inside a word."""
    no_letter_before = r"(?<![^\W_])" if text[:1].isalnum() else ""
    no_letter_after = r"(?![^\W_])" if text[-1:].isalnum() else ""
    return no_letter_before + re.escape(text) + no_letter_after


def _split(text: str, question: Question) -> Iterator[dict[str, str]]:
    if len(question.fields) == 1:
        yield {question.fields[0]: text}
    matches = [_title_matches(title, text, question) for title in question.titles]
    for titles in itertools.product(*matches):
        starts = sorted(title.start() for title in titles)
        if len(titles) == 1 and text[: starts[0]].strip():
            continue
        ends = dict(zip(starts, [*starts[1:], len(text)], strict=True))
        if len(ends) == len(titles):
            values = [text[title.end() : max(title.end(), ends[title.start()])].strip() for title in titles]
            yield dict(zip(question.fields, values, strict=True))
            # Premise: "A man sleeps."\nHypothesis: "A dog barks."
            yield dict(zip(question.fields, map(unquoted, values), strict=True))
    # A man sleeps.\nA dog barks.
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(question.fields) > 1 and not any(matches) and len(lines) == len(question.fields):
        yield dict(zip(question.fields, lines, strict=True))


def _title_matches(title: str, text: str, question: Question) -> list[re.Match[str]]:
    """Occurrences of a title at the beginnings of lines, else within a line after the end of a sentence."""
    if title in question.letters:  # A) kitchen | **A)** kitchen | (A) kitchen | A. kitchen | - A: kitchen | A）厨房
        line = rf"^[^\w\n\[]{{0,20}}{title}[*_]{{0,3}}[:.)：．）][*_]{{0,3}}[ \t]*"
        return list(itertools.islice(re.finditer(line, text, re.MULTILINE), _MOST_OCCURRENCES))
    # Premise: | **Premise:** | - Premise: | 1. Premise: | Redacted premise: | "premise": | Tweet (edited):
    adjective = r"(?:(?:the )?(?:redacted|edited|changed|new|modified|revised|rewritten|updated) )?"
    ending = r"(?: \((?:redacted|edited|changed|new|modified)\))?[*_\"]{0,3}\s?[:：][*_]{0,3}[ \t]*"
    line = rf"^[^\w\n\[]{{0,20}}(?:\d[.)]\s?)?[*_\"]{{0,3}}{adjective}{re.escape(title)}{ending}"
    own = question.line(title).partition("{text}")[0].strip()  # as the language or the dataset writes it
    line = rf"{line}|^{re.escape(own)}[ \t]*"
    at_line = itertools.islice(re.finditer(line, text, re.IGNORECASE | re.MULTILINE), _MOST_OCCURRENCES)
    # Premise: A man. Hypothesis: A dog.
    within = rf"(?<=[\s.!?\"”。！？])[*_\"]{{0,3}}{re.escape(title)}{ending}"
    return list(at_line) or list(itertools.islice(re.finditer(within, text), _MOST_OCCURRENCES))
