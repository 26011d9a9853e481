"""Redaction: the model rewrites the text with the words its answer hangs on masked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from faithfulness_metrics.words import Fields, Word, find_words, key_of, mask_out, occurrences, words_of
from lm_eval_tasks.styles import word_removal
from lm_eval_tasks.styles.explanation import Explanation, Request, invalid, types_of
from lm_eval_tasks.styles.rewritten_text import documents, mask_pattern, too_long
from lm_eval_tasks.styles.unwrap import is_refusal

ONEWORD = (
    "Redact the one word of the {noun} above that is most important for your answer: replace every occurrence of that "
    'word by "{mask}", so that your answer would change. Keep everything else exactly as it is. '
    "Answer only with the redacted {noun}.{format_hint}"
)
MULTIWORD = (
    "Redact the words of the {noun} above that are most important for your answer: replace each of them by "
    '"{mask}", so that your answer would change. Keep everything else exactly as it is. '
    "Answer only with the redacted {noun}.{format_hint}"
)

# A rewriting needs room for the whole text, however many words it masks.
MAX_TOKENS = {"oneword": 256, "multiword": 256}
WANTS_TARGET = False
REMOVES_WORDS = True
ANSWERS_WITH_TEXT = True

target = word_removal.no_target
perturb = word_removal.perturb
perturb_at = word_removal.perturb_at
random_sets = word_removal.random_sets
single_word_sets = word_removal.single_word_sets


def ask(request: Request) -> str:
    """The sentence that asks for the explanation."""
    template = ONEWORD if request.budget == "oneword" else MULTIWORD
    question = request.question
    return template.format(noun=question.noun, mask=request.mask, format_hint=question.format_hint())


def write(fields: Fields, words: Sequence[str], request: Request, new_word: str = "") -> str:
    """The answer that redacts `words`, as honest explainers and training data write it."""
    spans = words_of(fields)
    masked = mask_out(fields, spans, occurrences(spans, {key_of(word) for word in words}), request.mask)
    return request.question.show(masked) if len(fields) > 1 else next(iter(masked.values()))


def parse(answer: str, fields: Fields, request: Request) -> Explanation:
    """Find the words an answer redacts, by aligning it with the document.

    Valid: the words outside the masks are the document's own, all of them, in order (case and punctuation aside); at
    least one word is masked, and with budget ``oneword`` exactly one type of word. A mask may stand for a run of words,
    though not for the whole document. Where only some occurrences of a word are masked, only those are taken out.
    The perturbed document is made from the positions found, so that nothing else in a rewriting can change the answer.
    """
    words = words_of(fields)
    mask = _mask_in(words, request.mask)
    reason = "no mask in the answer"
    for document in documents(answer, request.question):
        if too_long(document, fields, request.mask) or not any(map(mask.search, document.values())):
            continue
        positions = _masked(words, fields, document, mask)
        if positions is None:
            reason = "text changed outside the masks"
        elif positions:
            types = types_of(words, positions)
            if request.budget == "oneword" and len(types) > 1:
                return invalid("more than one word")
            masks = sum(len(mask.findall(text)) for text in document.values())
            if len(positions) == len(words) and len(types) > 1 and masks < len(words):
                # [REDACTED] and nothing else: which of the words was meant?
                return invalid("nothing left of the text")
            return Explanation(True, words=tuple(types.values()), positions=tuple(positions))
    return invalid("refusal" if is_refusal(answer) and not mask.search(answer) else reason)


def _mask_in(words: list[Word], mask: str) -> re.Pattern[str]:
    """How the mask may be written in a redaction of a document: what the document itself says is not a mask."""
    # dog's -> [REDACTED]'s
    endings = frozenset(key[key.rindex("'") :] for key in (word.key for word in words) if "'" in key)
    core = {word.key for word in find_words(mask)}
    return mask_pattern(mask, endings, bare=core.isdisjoint(word.key for word in words))


def _masked(words: list[Word], fields: Fields, document: Fields, mask: re.Pattern[str]) -> list[int] | None:
    """Positions of the masked words, [n_masked]; None when the text differs outside the masks."""
    at = {(word.field, word.start): position for position, word in enumerate(words)}
    positions: list[int] = []
    for name, text in fields.items():
        # A mask that the text has already is a word of its own here: masked again, it names nothing.
        original = _tokens(text, mask)
        aligned = align([key or "" for _, key in original], [key for _, key in _tokens(document[name], mask)])
        if aligned is None:
            return None
        starts = [(name, original[i][0]) for i in aligned if original[i][1] is not None]
        positions += [at[start] for start in starts if start in at]
    return positions


def _tokens(text: str, mask: re.Pattern[str]) -> list[tuple[int, str | None]]:
    """Where each word of a text starts and its key, None for a mask, [n_tokens]."""
    tokens: list[tuple[int, str | None]] = []
    last = 0
    for match in mask.finditer(text):
        tokens += [(last + word.start, word.key) for word in find_words(text[last : match.start()])]
        tokens.append((match.start(), None))
        last = match.end()
    return tokens + [(last + word.start, word.key) for word in find_words(text[last:])]


def align(words: list[str], tokens: list[str | None]) -> list[int] | None:
    """Positions of `words` that the masks (None) among `tokens` stand for; None when the rest differs.

    Each mask stands for one word or more. As few words as possible go to each mask, from the left: the words between
    two masks are looked for at their first place, which finds an alignment wherever there is one.

    >>> align(["i", "really", "love", "it"], ["i", None, "it"])
    [1, 2]
    >>> align(["i", "love", "it"], ["i", None]) is None, align(["i"], ["i"])
    (False, [])
    """
    # (masks before, words between), last group open to the right
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
    for i, (masks, between) in enumerate(groups):
        is_last, size = i == len(groups) - 1, len(between)
        first = end + masks
        # the first words stand at the beginning, the last ones at the end
        latest = len(words) - size if i else 0
        starts = range(max(first, latest) if is_last else first, latest + 1)
        start = next((start for start in starts if words[start : start + size] == between), None)
        if start is None:
            return None
        positions += range(end, start)
        end = start + size
    return positions
