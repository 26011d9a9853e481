"""Reading an answer that holds a whole document: what redactions and counterfactuals have in common."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lm_eval_tasks.question import Question
from lm_eval_tasks.styles.answers import readings


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


def _split(text: str, question: Question) -> Iterator[dict[str, str]]:
    # Premise: … Hypothesis: … | **Premise:** … | Redacted premise: … | Tweet: …
    marks = []
    for name, title in zip(question.fields, question.titles, strict=True):
        match = re.search(rf"(?:^|(?<=\n)|(?<=[\s.!?\"”]))[^\w\n\[]*(?:(?:redacted|edited|changed|new|modified) )?{title}[*_]*\s*:[*_]*[ \t]*", text, re.I)
        if match:
            marks.append((match.start(), match.end(), name))
    if len(marks) == len(question.fields) and marks == sorted(marks) and (len(marks) > 1 or not text[: marks[0][0]].strip()):
        ends = [start for start, _, _ in marks[1:]] + [len(text)]
        yield {name: text[begin:end].strip() for (_, begin, name), end in zip(marks, ends, strict=True)}
    if len(question.fields) == 1:
        yield {question.fields[0]: text}
        return
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not marks and len(lines) == len(question.fields):
        yield dict(zip(question.fields, lines, strict=True))
