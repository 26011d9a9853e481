"""Changes of a document that leave its meaning alone: docs/metrics.md, "7. Stability controls"."""

from __future__ import annotations

import random
from dataclasses import replace

from faithfulness_metrics.words import seed_of
from lm_eval_tasks.document import Document
from lm_eval_tasks.spec import TaskSpec

# Those of English, Chinese and Japanese, Hindi, Urdu.
FULL_STOPS = (".", "。", "।", "۔")


def neutral_variants(spec: TaskSpec, document: Document) -> list[tuple[str, Document]]:
    """Changes that leave the meaning alone: (name, changed document).

    The final full stop is removed only where there is one: the same text asked again would count as a change without
    effect.
    """
    question = spec.question_about(document)
    last = question.fields[-1]
    labels = list(question.labels)
    random.Random(seed_of(document.hash, "labels")).shuffle(labels)
    if tuple(labels) == question.labels:
        labels = [*labels[1:], labels[0]]

    def ending_with(text: str) -> Document:
        return document.with_fields({**document.fields, last: text})

    text = document.fields[last]
    variants = [("trailing blank", ending_with(f"{text} "))]
    stripped = text.rstrip()
    if stripped.endswith(FULL_STOPS) and len(stripped) > 1:
        variants.append(("no final full stop", ending_with(stripped[:-1])))
    variants.append(("mask appended", ending_with(f"{text} {spec.options.mask}")))
    return [*variants, ("labels shuffled", replace(document, labels=tuple(labels)))]
