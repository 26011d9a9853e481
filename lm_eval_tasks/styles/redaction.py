"""Redaction: the model rewrites the text with the words its answer hangs on masked."""

from __future__ import annotations

from lm_eval_tasks.styles.explanation import Explanation, Request, invalid

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
