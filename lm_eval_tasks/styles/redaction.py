"""Redaction: the model rewrites the text and masks the words that are most important for its answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from faithfulness_metrics.segmentation import is_unspaced
from faithfulness_metrics.units import WORD_UNIT, unit_key
from faithfulness_metrics.words import Fields, Word, find_words, mask_out, occurrences, parts_of, words_of
from lm_eval_tasks.styles import word_removal
from lm_eval_tasks.styles.explanation import Explanation, Request, invalid, types_of
from lm_eval_tasks.styles.rewritten_text import documents, mask_pattern, too_long
from lm_eval_tasks.styles.sentence_lists import PART, whole_sentences
from lm_eval_tasks.styles.unwrap import is_refusal

# Beside the text itself: "Sure! Here is the tweet:", titles, quotes.
MAX_TOKENS = {"oneword": 32, "multiword": 32}
WANTS_TARGET = False
REMOVES_WORDS = True
ANSWERS_WITH_TEXT = True
SIMULATES = False

target = word_removal.no_target
perturb = word_removal.perturb
perturb_at = word_removal.perturb_at
random_sets = word_removal.random_sets
single_word_sets = word_removal.single_word_sets


def ask(request: Request) -> str:
    """The sentence that asks for the explanation."""
    template, question = request.prompt("redaction"), request.question
    return template.format(noun=question.noun, mask=request.mask, format_hint=question.format_hint())


def write(fields: Fields, words: Sequence[str], request: Request, new_word: str = "") -> str:
    """The answer that redacts `words`, as honest explainers and training data write it."""
    spans, keys = request.units(fields), {unit_key(word, request.unit) for word in words}
    masked = mask_out(fields, spans, occurrences(spans, keys), request.mask)
    return request.question.as_answer(masked)


def parse(answer: str, fields: Fields, request: Request) -> Explanation:
    """Find the redacted words by aligning the answer with the document.

    Valid: the words outside the masks are those of the document, all of them, in order. Case and punctuation do not
    matter. At least one word is masked, and with budget ``oneword`` exactly one type of word. A mask may stand for
    several words, but not for the whole document. Where only some occurrences of a word are masked, only those are
    removed. The perturbed document is made from the masked positions, so nothing else in the answer can have an effect.
    Of sentences, those are removed of which at least half the words are masked; no smaller part may be.
    """
    words, units = words_of(fields), request.units(fields)
    mask = _mask_in(words, request.mask)
    reason = "no mask in the answer"
    for document in documents(answer, request.question, fields):
        if too_long(document, fields, request.mask) or not any(map(mask.search, document.values())):
            continue
        positions = _masked(words, fields, document, mask)
        if positions is None:
            reason = "text changed outside the masks"
        elif positions:
            if request.unit != WORD_UNIT and (positions := whole_sentences(words, positions, units)) is None:
                return invalid(PART)
            types = types_of(units, positions)
            if request.budget == "oneword" and len(types) > 1:
                return invalid(f"more than one {request.unit}")
            masks = sum(len(mask.findall(text)) for text in document.values())
            if len(positions) == len(units) and len(types) > 1 and masks < len(units):
                # [REDACTED] and nothing else: which of the words was meant?
                return invalid("nothing left of the text")
            return Explanation(True, words=tuple(types.values()), positions=tuple(positions))
    return invalid("refusal" if is_refusal(answer, request.question) and not mask.search(answer) else reason)


def _mask_in(words: list[Word], mask: str) -> re.Pattern[str]:
    """The spellings of the mask in a redaction of this document, except those that are words of the document."""
    # dog's -> [REDACTED]'s
    endings = frozenset(key[key.rindex("'") :] for key in (word.key for word in words) if "'" in key)
    core = {word.key for word in find_words(mask)}
    return mask_pattern(mask, endings, bare=core.isdisjoint(word.key for word in words))


def _masked(words: list[Word], fields: Fields, document: Fields, mask: re.Pattern[str]) -> list[int] | None:
    """Positions of the masked words, [n_masked]; None when the text differs outside the masks."""
    position_of = {(word.field, word.start): position for position, word in enumerate(words)}
    positions = set[int]()
    for name, text in fields.items():
        # A mask in the original text counts as a word here. To mask it again names nothing.
        original, tokens = _tokens(text, mask), _tokens(document[name], mask)
        aligned = align([key or "" for _, key in original], [key for _, key in tokens])
        if aligned is None:
            # does n't -> does [REDACTED] | film 's -> [REDACTED] 's | can not -> cannot: a part stands for its word.
            # So does a character of a script without blanks, where the rest may be parted otherwise.
            original, tokens = _in_parts(original), _in_parts(tokens)
            aligned = align([key or "" for _, key in original], [key for _, key in tokens])
        if aligned is None:
            return None
        starts = [(name, original[i][0]) for i in aligned if original[i][1] is not None]
        positions |= {position_of[start] for start in starts if start in position_of}
    return sorted(positions)


def _in_parts(tokens: list[tuple[int, str | None]]) -> list[tuple[int, str | None]]:
    return [(start, part) for start, key in tokens for part in ([None] if key is None else _parts_of(key))]


def _parts_of(key: str) -> list[str]:
    return list(key) if is_unspaced(key) else parts_of(key)


def _tokens(text: str, mask: re.Pattern[str]) -> list[tuple[int, str | None]]:
    """Start and key of each word of a text, [n_tokens]; the key of a mask is None."""
    tokens: list[tuple[int, str | None]] = []
    last = 0
    for match in mask.finditer(text):
        tokens += [(last + word.start, word.key) for word in find_words(text[last : match.start()])]
        tokens.append((match.start(), None))
        last = match.end()
    return tokens + [(last + word.start, word.key) for word in find_words(text[last:])]


def align(words: list[str], tokens: list[str | None]) -> list[int] | None:
    """Positions of `words` that the masks (None) among `tokens` stand for; None when the rest differs.

    Each mask stands for at least one word, and the masks further left for as few as possible. The words between two
    masks are aligned with their first occurrence. This finds an alignment wherever there is one.

    >>> align(["i", "really", "love", "it"], ["i", None, "it"])
    [1, 2]
    >>> align(["i", "love", "it"], ["i", None]) is None, align(["i"], ["i"])
    (False, [])
    """
    # (number of masks, words that follow them); the last group may end with masks
    groups: list[tuple[int, list[str]]] = [(0, [])]
    for token in tokens:
        if token is not None:
            groups[-1][1].append(token)
        elif groups[-1][1] or len(groups) == 1:
            groups.append((1, []))
        else:
            groups[-1] = (groups[-1][0] + 1, [])
    if len(groups) == 1:
        return [] if words == groups[0][1] else None

    positions: list[int] = []
    end = 0
    for i, (masks, following) in enumerate(groups):
        is_last, size = i == len(groups) - 1, len(following)
        first = end + masks
        # The first group is at the beginning of the text, the last one at its end.
        latest = len(words) - size if i else 0
        starts = range(max(first, latest) if is_last else first, latest + 1)
        start = next((start for start in starts if words[start : start + size] == following), None)
        if start is None:
            return None
        positions += range(end, start)
        end = start + size
    return positions
