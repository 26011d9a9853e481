"""The rows that TRL generates completions for: requests for explanations, and classifications that must stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faithfulness_metrics.words import seed_of
from lm_eval_tasks.calls import as_chat
from lm_eval_tasks.document import Document
from lm_eval_tasks.spec import TaskSpec
from training.build.rows import CLASSIFICATION
from training.grpo.answers import Asked, BaseAnswers
from training.grpo.texts import Texts
from training.trainer.rows import TrainingRow


@dataclass(frozen=True)
class Subject:
    """What a row is about: a text of a task. Rows name it by a number, because TRL's columns hold plain values.

    Attributes:
        spec: the task; its classification where `explains` is false.
        document: the text.
        answer: the base's label.
        wording: the base's answer as it wrote it.
        explains: whether the row asks for an explanation.
    """

    spec: TaskSpec
    document: Document
    answer: str
    wording: str
    explains: bool


def make_rows(
    texts: Sequence[Texts], answers: Mapping[str, BaseAnswers], replay: float, seed: int
) -> tuple[list[TrainingRow], list[Subject]]:
    """Rows with the columns `prompt`, `task` and `subject`, which is an index into the second list.

    Args:
        texts, answers: of the datasets.
        replay: share of classifications among the rows.
        seed: of the draw of replayed texts.
    """
    rows: list[TrainingRow] = []
    subjects: list[Subject] = []

    def add(subject: Subject, prompt: Any, task: str) -> None:
        rows.append({"prompt": as_chat(prompt), "task": task, "subject": len(subjects)})
        subjects.append(subject)

    for part in texts:
        explained = [each for each in answers[part.name].trained if each.answer.label is not None]
        for spec in part.specs:
            for each in explained:
                if not each.masked:
                    label = str(each.answer.label)
                    target = spec.target(each.document, label)
                    prompt = spec.explain(each.document, each.answer, target).messages
                    subject = Subject(spec, each.document, label, spec.turn(each.answer), True)
                    add(subject, prompt, f"{part.name} {spec.style}")
        count = sum(not each.masked for each in explained) * len(part.specs)
        spec = part.specs[0]
        for each in _replayed(explained, round(count * replay / (1 - replay)), seed):
            subject = Subject(spec, each.document, str(each.answer.label), spec.turn(each.answer), False)
            add(subject, spec.classify(each.document).messages, f"{part.name} {CLASSIFICATION}")
    return rows, subjects


def _replayed(asked: Sequence[Asked], count: int, seed: int) -> Iterator[Asked]:
    """Texts as they are and texts with a masked word by turns; all of them come before one comes again."""
    order = sorted(asked, key=lambda each: seed_of(each.document.hash, f"replay {seed}"))
    plain = [each for each in order if not each.masked]
    masked = [each for each in order if each.masked]
    for number in range(count):
        some = masked if number % 2 and masked else plain
        yield some[number // 2 % len(some)]
