"""What a model can do on held-out texts: classify, and explain in the form that each style demands.

Both go through the evaluation's own procedure, with ranked labels.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypedDict, cast

from faithful_se.files import parse_json_object, write_json_object
from faithful_se.progress import Progress
from faithful_se.transcript import Transcript
from faithfulness_metrics.statistics import wilson
from lm_eval_tasks import scheduler, scoring
from lm_eval_tasks.calls import Answer, Call
from lm_eval_tasks.document import Document
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.spec import TaskSpec
from training.build.backend import Respond

CHUNK = 16


class Validity(TypedDict):
    """Explanations of one style and budget."""

    valid: int  # of `n`
    n: int
    reasons: dict[str, int]  # why the others are not valid


class Measurement(TypedDict):
    """What a model does on the held-out texts of one dataset."""

    n: int
    right: int  # texts whose answer is the gold label
    majority: int  # texts with the most frequent gold label
    answers: dict[str, int]  # label -> texts
    label_mass: float  # mean probability that the labels hold together
    valid: dict[str, Validity]  # "style budget" -> explanations


def measure(
    path: Path,
    title: str,
    respond: Respond,
    specs: Sequence[TaskSpec],
    documents: Sequence[Document],
    explained: int,
) -> Measurement:
    """Measure a model on the held-out texts of a dataset, or read what an earlier call measured.

    Args:
        path: file of the measurement.
        title: for the progress bar.
        respond: the model.
        specs: of the dataset: every style with every budget.
        documents: the texts, with gold labels.
        explained: number of texts whose explanations are asked for.
    """
    with suppress(OSError):
        if recorded := parse_json_object(path.read_bytes()):
            return cast(Measurement, recorded)
    answers: list[Answer] = []
    transcripts: list[Transcript] = []
    with Progress(title, len(documents)) as progress:
        for start in range(0, len(documents), CHUNK):
            part = documents[start : start + CHUNK]
            to_explain = part[: max(0, explained - start)]
            procedures = [
                *(_classify(specs[0], document) for document in part),
                *(self_explain(spec, document) for document in to_explain for spec in specs),
            ]
            results: list[object] = list(scheduler.run(procedures, respond))  # type: ignore[arg-type]
            answers += cast("list[Answer]", results[: len(part)])
            transcripts += cast("list[Transcript]", results[len(part) :])
            progress.update(len(part))
    measurement = summarize(answers, documents, transcripts)
    write_json_object(path, measurement)
    return measurement


def summarize(
    answers: Sequence[Answer], documents: Sequence[Document], transcripts: Sequence[Transcript]
) -> Measurement:
    """Count answers and explanations.

    Args:
        answers: of the documents, [n].
        documents: with gold labels, [n].
        transcripts: of those that were explained, in every style.
    """
    golds = Counter(document.gold for document in documents)
    labels = Counter(answer.label or "" for answer in answers)
    masses = [sum(map(math.exp, answer.logprobs.values())) for answer in answers if answer.logprobs]
    valid: dict[str, Validity] = {}
    for transcript in transcripts:
        counts = valid.setdefault(f"{transcript['style']} {transcript['budget']}", {"valid": 0, "n": 0, "reasons": {}})
        counts["n"] += 1
        if scoring.valid(transcript):
            counts["valid"] += 1
        else:
            reason = (transcript["explanation"] or {"reason": ""})["reason"] or transcript["problem"]
            counts["reasons"][reason] = counts["reasons"].get(reason, 0) + 1
    for counts in valid.values():
        counts["reasons"] = dict(Counter(counts["reasons"]).most_common())
    return {
        "n": len(documents),
        "right": sum(answer.label == document.gold for answer, document in zip(answers, documents, strict=True)),
        "majority": max(golds.values(), default=0),
        "answers": dict(labels.most_common()),
        "label_mass": math.fsum(masses) / len(masses) if masses else 0.0,
        "valid": valid,
    }


def accuracy_text(measurement: Measurement) -> str:
    """Accuracy with its Wilson interval, beside the majority's.

    >>> accuracy_text({"n": 4, "right": 3, "majority": 2, "answers": {}, "label_mass": 1.0, "valid": {}})
    '.75 (.30 to .95; majority .50)'
    """
    n, right = measurement["n"], measurement["right"]
    low, high = map(share_text, wilson(right, n))
    return f"{share_text(right / n)} ({low} to {high}; majority {share_text(measurement['majority'] / n)})"


def share_text(share: float) -> str:
    """A share with two digits.

    >>> share_text(0.456), share_text(1.0)
    ('.46', '1.00')
    """
    return f"{share:.2f}".removeprefix("0")


def _classify(spec: TaskSpec, document: Document) -> Generator[Sequence[Call], Sequence[Answer], Answer]:
    (answer,) = yield [spec.classify(document)]
    return answer


def by_style(measurements: Iterator[Measurement] | Sequence[Measurement]) -> dict[str, tuple[int, int]]:
    """ "style budget" -> valid explanations and all of them, over the datasets."""
    totals: dict[str, tuple[int, int]] = {}
    for measurement in measurements:
        for name, counts in measurement["valid"].items():
            valid, n = totals.get(name, (0, 0))
            totals[name] = valid + counts["valid"], n + counts["n"]
    return totals
