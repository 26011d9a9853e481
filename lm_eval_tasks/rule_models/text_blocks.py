"""The text block of a prompt, read back: a titled line for each field."""

from __future__ import annotations

import re
from dataclasses import replace

from lm_eval_tasks.choices import LETTERS
from lm_eval_tasks.classification import Question


def is_titled(question: Question, text: str) -> bool:
    """Whether a text begins as the text block of a question does."""
    title = question.layout[0][1] if question.layout else question.titles[0]
    return text.startswith(question.line(title).partition("{text}")[0])


def with_choices_of(question: Question, text: str) -> Question | None:
    """The question about a shown text: with its number of choices, their letters or texts the labels.

    None where it shows no choices, and the question has some.
    """
    if not question.words_of or not text or question.letters:
        return question
    last = max((LETTERS.index(letter) for letter in re.findall(r"^([A-Z])\W", text, re.MULTILINE)), default=0)
    for count in range(last + 1, 1, -1):
        of_count = question.with_choices(count)
        if not (texts := texts_of(of_count, text)):
            continue
        labels = [texts[letter] for letter in of_count.letters] if question.answer_with == "text" else of_count.letters
        return replace(of_count, labels=tuple(labels))
    return None


def fields_of(question: Question, text: str) -> dict[str, str]:
    """The fields of a document whose words count; a `ValueError` where the text shows no document of the question."""
    texts = texts_of(question, text)
    if not texts:
        raise ValueError(f"not a document of {question.dataset}: {text[:80]!r}")
    return {name: texts[name] for name in question.fields}


def texts_of(question: Question, text: str) -> dict[str, str]:
    """All that a text block shows, field -> text; empty where it is none of this question."""
    columns = question.layout or tuple(zip(question.fields, question.titles, strict=True))
    lines = (re.escape(question.line(title)).replace(re.escape("{text}"), r"([\s\S]*)") for _, title in columns)
    match = re.fullmatch("\n".join(lines), text)
    return dict(zip(dict(columns), match.groups(), strict=True)) if match else {}
