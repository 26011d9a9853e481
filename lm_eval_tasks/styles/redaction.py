"""Redaction: the model rewrites the text with the words its answer hangs on masked."""

from __future__ import annotations

import re

from faithfulness_metrics.words import Fields, Word, find_words, key_of, mask_out, occurrences, words_of
from lm_eval_tasks.styles.answers import is_refusal
from lm_eval_tasks.styles.explanation import Explanation, Request, invalid
from lm_eval_tasks.styles.rewriting import documents

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


def ask(request: Request) -> str:
    """The sentence that asks for the explanation."""
    template = ONEWORD if request.budget == "oneword" else MULTIWORD
    question = request.question
    return template.format(noun=question.noun, mask=request.mask, format_hint=question.format_hint())


def write(fields: Fields, words: list[str], request: Request) -> str:
    """The answer that redacts `words`: what an honest explainer says and what training data are made of."""
    spans = words_of(fields)
    masked = mask_out(fields, spans, occurrences(spans, {key_of(word) for word in words}), request.mask)
    return request.question.show(masked) if len(fields) > 1 else next(iter(masked.values()))


def parse(answer: str, fields: Fields, request: Request) -> Explanation:
    """Find the words an answer redacts, by aligning it with the document.

    Valid: the words outside the masks are the document's own, all of them, in order (case and punctuation aside); at
    least one word is masked, and with budget ``oneword`` exactly one type of word. A mask may stand for a run of words.
    The perturbed document is made from the positions found, so that nothing else a rewriting does can change the answer.
    """
    words = words_of(fields)
    reason = "no redaction found"
    for document in documents(answer, request.question):
        positions: list[int] | None = []
        for name in fields:
            inside = [i for i, word in enumerate(words) if word.field == name]
            aligned = align([words[i].key for i in inside], _tokens(document[name], request.mask))
            if aligned is None or positions is None:
                positions = None
                break
            positions += [inside[i] for i in aligned]
        if positions is None:
            reason = "text changed outside the masks" if request.mask.casefold() in answer.casefold() else "no mask in the answer"
            continue
        if not positions:
            reason = "no mask in the answer"
            continue
        named = _named(words, positions)
        if request.budget == "oneword" and len(named) > 1:
            return invalid("more than one word")
        return Explanation(True, words=tuple(named.values()), positions=tuple(positions))
    return invalid("refusal" if is_refusal(answer) and request.mask not in answer else reason)


def _named(words: list[Word], positions: list[int]) -> dict[str, str]:
    named: dict[str, str] = {}
    for position in positions:
        named.setdefault(words[position].key, words[position].text)
    return named


def _tokens(text: str, mask: str) -> list[str | None]:
    """Word keys of a redacted text, None for a mask."""
    # [redacted] | \[REDACTED\] | [ REDACTED ] | [REDACTED]'s: the mask, as models write it
    core = re.escape(mask.strip("[]<>(){}")) or re.escape(mask)
    loose = re.compile(rf"\\?[\[<({{]\s*{core}\s*\\?[\]>)}}](?:['’]s\b)?|{re.escape(mask)}(?:['’]s\b)?", re.IGNORECASE)
    tokens: list[str | None] = []
    last = 0
    for match in loose.finditer(text):
        tokens += [word.key for word in find_words(text[last : match.start()])]
        tokens.append(None)
        last = match.end()
    return tokens + [word.key for word in find_words(text[last:])]


def align(words: list[str], tokens: list[str | None]) -> list[int] | None:
    """Positions of `words` that the masks (None) among `tokens` stand for; None when the rest differs.

    Each mask stands for one word or more. As few words as possible go to each mask, from the left.

    >>> align(["i", "really", "love", "it"], ["i", None, "it"])
    [1, 2]
    >>> align(["i", "love", "it"], ["i", None]) is None, align(["i"], ["i"])
    (False, [])
    """
    n, m = len(words), len(tokens)
    if m > n:
        return None
    # fits[i][j]: words[i:] can be told by tokens[j:]. A mask extends over the next word or hands on.
    fits = [[False] * (m + 1) for _ in range(n + 1)]
    fits[n][m] = True
    for i in range(n - 1, -1, -1):
        for j in range(min(m, i + 1) - 1, -1, -1):
            if tokens[j] is None:
                fits[i][j] = fits[i + 1][j + 1] or fits[i + 1][j]
            else:
                fits[i][j] = tokens[j] == words[i] and fits[i + 1][j + 1]
    if not fits[0][0]:
        return None
    positions, i, j = [], 0, 0
    while i < n:
        if tokens[j] is None:
            positions.append(i)
            j += fits[i + 1][j + 1]
        else:
            j += 1
        i += 1
    return positions
