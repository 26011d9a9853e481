"""The base's own answers, before the training: what is explained, and what must stay.

They are asked for once. The file of a dataset is complete or absent, so a killed training goes on where it was.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError
from faithful_se.files import jsonl_line, read_jsonl, write_atomic
from faithfulness_metrics.words import occurrences, remove, seed_of
from lm_eval_tasks import scheduler
from lm_eval_tasks.calls import Answer, Call
from lm_eval_tasks.document import Document
from lm_eval_tasks.spec import TaskSpec
from training.grpo.texts import Texts

FOLDER = "answers"
TRAINED, HELD_OUT = "train", "validation"

# Texts that are asked about at once.
CHUNK = 512

Respond = Callable[[Sequence[Call]], Sequence[Answer]]


@dataclass(frozen=True)
class Asked:
    """A text that was asked about before the training.

    Attributes:
        document: as it was asked: one of its words may be masked.
        source: the document that it is made of.
        masked: whether a word is masked.
        answer: what the base said; its label is None where it gave none.
    """

    document: Document
    source: Document
    masked: bool
    answer: Answer


@dataclass(frozen=True)
class BaseAnswers:
    """The base's answers about one dataset.

    Attributes:
        trained: about the texts that are trained on: each as it is, and each with a word masked.
        held_out: about the held-out ones, in the same way.
    """

    trained: list[Asked]
    held_out: list[Asked]


def masked_document(spec: TaskSpec, document: Document, seed: int) -> Document:
    """A document without one of its words, or sentences, which is drawn."""
    units = document.units
    key = random.Random(seed_of(document.hash, f"replay {seed}")).choice(sorted({unit.key for unit in units}))
    options = spec.options
    fields = remove(document.fields, units, occurrences(units, {key}), options.operator, options.mask)
    return document.with_fields(fields)


def collect_answers(folder: Path, texts: Texts, seed: int, respond: Respond) -> BaseAnswers:
    """Ask the base, unless the folder holds its answers.

    Raises:
        UsageError: the base answers no text at all.
    """
    path = folder / FOLDER / f"{texts.name}.jsonl"
    spec, asked = texts.specs[0], list(_asked(texts, seed))
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        lines: list[dict[str, Any]] = []
        for start in range(0, len(asked), CHUNK):
            part = asked[start : start + CHUNK]
            procedures: Any = [classify(spec, document) for _, document, _ in part]
            answers: Any = scheduler.run(procedures, respond)
            lines += [
                {"hash": document.hash, "text": spec.turn(answer), "label": answer.label}
                for (_, document, _), answer in zip(part, answers, strict=True)
            ]
        write_atomic(path, map(jsonl_line, lines))
    by_hash = {
        line["hash"]: Answer(line["text"], line["label"], after_thought=line["text"]) for line in read_jsonl(path)
    }
    missing = [document.hash for _, document, _ in asked if document.hash not in by_hash]
    if missing:
        raise UsageError(f"{path}: no answer about the text {missing[0]}: delete the file, and it is asked again")
    parts: dict[str, list[Asked]] = {TRAINED: [], HELD_OUT: []}
    for split, document, source in asked:
        parts[split].append(Asked(document, source, document is not source, by_hash[document.hash]))
    if all(each.answer.label is None for each in parts[TRAINED]):
        raise UsageError(f"{texts.name}: the model answers no text with a label: look at what it says")
    return BaseAnswers(parts[TRAINED], parts[HELD_OUT])


def _asked(texts: Texts, seed: int) -> Iterator[tuple[str, Document, Document]]:
    """(split, document as asked, its source) of everything that is asked."""
    for split, documents in ((TRAINED, texts.trained), (HELD_OUT, texts.held_out)):
        for document in documents:
            yield split, document, document
        for document in documents:
            yield split, masked_document(texts.specs[0], document, seed), document


def classify(spec: TaskSpec, document: Document) -> Generator[Sequence[Call], Sequence[Answer], Answer]:
    """Ask for the label of one document."""
    (answer,) = yield [spec.classify(document)]
    return answer
