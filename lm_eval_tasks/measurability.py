"""What a run says where `faithful` and `lift` cannot be measured: the reason, with its numbers, and what to do.

`faithfulness_metrics.measurability` decides; this module finds its arguments in transcripts. docs/metrics.md, "12. What
cannot be measured".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from faithful_se.transcript import Transcript
from faithfulness_metrics.measurability import count_answers, is_tied, obstacle, remedy, sentence, tie_line
from lm_eval_tasks import scoring, scoring_answers
from lm_eval_tasks.cost import single_line, types_of
from lm_eval_tasks.document import Document
from lm_eval_tasks.document_statistics import pooled_mean
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.thinking_models import cut_remedy
from lm_eval_tasks.thoughts import CUT

# A task's specification, its documents, and what became of them.
TaskTranscripts = tuple[TaskSpec, Sequence[Document], Sequence[Transcript]]


def why_not_measurable(
    spec: TaskSpec, documents: Sequence[Document], transcripts: Sequence[Transcript], interface: str = "lm_eval"
) -> str:
    """Why `faithful` and `lift` of a task cannot be measured, and what to do, in one line; empty where they can.

    `interface` is a key of `faithfulness_metrics.measurability.INTERFACES`.
    """
    pairs = list(zip(documents, transcripts, strict=True))
    answers = count_answers(
        [_name(document, transcript["prediction"]["label"]) for document, transcript in pairs],
        [_name(document, document.gold) for document in documents],
    )
    rooms = [scoring.headroom(transcript) for transcript in transcripts if scoring_answers.has_headroom(transcript)]
    masses = [
        scoring_answers.label_mass(transcript) for transcript in transcripts if transcript["prediction"]["logprobs"]
    ]
    reason = obstacle(
        answers,
        changes=sum(map(scoring_answers.changes, transcripts)) / len(transcripts),
        headroom=sum(rooms) / len(transcripts) if rooms else None,
        label_mass=pooled_mean(masses),
    )
    if not reason:
        return ""
    what_to_do = remedy(reason.kind, spec.options.classifier, bool(spec.examples), interface)
    cut = sum(t["prediction"]["label"] is None and t["problem"] == CUT for t in transcripts)
    if reason.kind == "unread" and 2 * cut > answers.texts - answers.read:
        what_to_do = f"{CUT}: {cut_remedy(spec.options.thinking_tokens)}"
    return sentence(reason, what_to_do)


def ties(transcripts: Sequence[Transcript], dtype: str, option: str = "--model_args dtype=float32") -> str:
    """How many answers of a task have two best labels, in one line; empty where none has."""
    ranked = [
        is_tied(logprobs, transcript["prior"])
        for transcript in transcripts
        if (logprobs := transcript["prediction"]["logprobs"])
    ]
    return tie_line(sum(ranked), len(ranked), dtype, option)


def findings(tasks: Iterable[TaskTranscripts], dtype: str = "") -> list[str]:
    """One line per dataset and reason, for the log: the tasks of a dataset mostly share their predictions.

    `dtype` is the number type of the model, if known.
    """
    tasks_by_line: dict[tuple[str, str], list[str]] = {}
    counts: dict[str, int] = {}
    for spec, documents, transcripts in tasks:
        dataset = spec.question.dataset
        counts[dataset] = counts.get(dataset, 0) + 1
        single = single_line(spec.options.unit, [types_of(spec, document) < 2 for document in documents])
        lines = why_not_measurable(spec, documents, transcripts), ties(transcripts, dtype), single
        for line in filter(None, lines):
            tasks_by_line.setdefault((dataset, line), []).append(f"{spec.style} {spec.budget}")
    return [
        f"{dataset}: {line}" if len(names) == counts[dataset] else f"{dataset} ({', '.join(names)}): {line}"
        for (dataset, line), names in tasks_by_line.items()
    ]


def _name(document: Document, label: str | None) -> str | None:
    """A label; where each document has labels of its own, its place among them."""
    if not document.labels or label not in document.labels:
        return label
    return f"choice {document.labels.index(label) + 1}"
