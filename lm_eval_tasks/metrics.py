"""The metric keys: one table, one line per key.

What a document has under a key is in `lm_eval_tasks.scoring`; here is which task reports it, which direction is better,
and how the documents' values become one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from faithful_se.transcript import Transcript
from faithfulness_metrics import chance
from lm_eval_tasks import scoring
from lm_eval_tasks.document import Document
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES

Value = float | None | list[float]


class Metric(NamedTuple):
    """One metric key.

    Attributes:
        value: value of one document, from its transcript; None where it is not defined for that document.
        when: whether a task reports the key.
        higher_is_better: direction in lm-eval's table; None where there is none.
        aggregate: how the documents' values become one; None for lm-eval's mean over all documents.
        stderr: the standard error that goes with `aggregate`.
        takes_labels: whether `value` also takes the labels of the document.
    """

    value: Callable[..., Value]
    when: Callable[[TaskSpec], bool]
    higher_is_better: bool | None
    aggregate: Callable[..., float | str] | None = None
    stderr: Callable[..., float | str] | None = None
    takes_labels: bool = False


def _removes_words(spec: TaskSpec) -> bool:
    return STYLES[spec.style].REMOVES_WORDS


def _edits_text(spec: TaskSpec) -> bool:
    return not _removes_words(spec)


def _with(control: str) -> Callable[[TaskSpec], bool]:
    return lambda spec: control in spec.options.controls


def _leaves_one_out(spec: TaskSpec) -> bool:
    return _with("oracle")(spec) and spec.options.classifier == "loglikelihood" and _removes_words(spec)


def pooled_mean(values: Sequence[float | None]) -> float:
    """Mean over the documents that have a value; nan when none has."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else math.nan


def pooled_stderr(values: Sequence[float | None]) -> float:
    """Standard error of `pooled_mean`; nan below two values."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return math.nan
    centre = sum(known) / len(known)
    return math.sqrt(sum((value - centre) ** 2 for value in known) / (len(known) - 1) / len(known))


def ccf(parts: Sequence[Sequence[float]]) -> float | str:
    """Chance-corrected faithfulness over all documents, or why it cannot be measured."""
    faithful_, random_, oracle_ = zip(*parts, strict=True)
    value = chance.ccf(faithful_, random_, oracle_)
    return chance.describe_ccf(faithful_, random_, oracle_) if math.isnan(value) else value


def ccf_stderr(parts: Sequence[Sequence[float]]) -> float | str:
    """Standard error of `ccf` by paired bootstrap over documents."""
    faithful_, random_, oracle_ = zip(*parts, strict=True)
    value = chance.ccf_stderr(faithful_, random_, oracle_)
    return "N/A" if math.isnan(value) else value


# Over the documents that have a value: a conditional mean.
POOLED = (pooled_mean, pooled_stderr)

METRICS: dict[str, Metric] = {
    "faithful": Metric(scoring.faithful, lambda spec: True, True),
    "valid": Metric(scoring.valid, lambda spec: True, True),
    "acc": Metric(scoring.accuracy, lambda spec: True, True),
    "faithful_random": Metric(scoring.faithful_random, _with("random"), None),
    "lift": Metric(scoring.lift, _with("random"), True),
    "faithful_oracle": Metric(scoring.faithful_oracle, _with("oracle"), None),
    "ccf": Metric(scoring.ccf_parts, _with("oracle"), True, ccf, ccf_stderr),
    "loo_percentile": Metric(scoring.loo_percentile, _leaves_one_out, True, *POOLED),
    "hit1": Metric(scoring.hit1, _leaves_one_out, True, *POOLED),
    "redundant": Metric(scoring.redundant, _leaves_one_out, None, *POOLED),
    "masked_fraction": Metric(scoring.masked_fraction, _removes_words, False, *POOLED),
    "one_edit": Metric(scoring.one_edit, _edits_text, True, *POOLED),
    "edit_fraction": Metric(scoring.edit_fraction, _edits_text, False, *POOLED),
    "label_leak": Metric(scoring.label_leak, _edits_text, False, *POOLED, takes_labels=True),
    "plausibility_f1": Metric(scoring.plausibility_f1, lambda spec: spec.rationales, None, *POOLED),
    "plausibility_iou": Metric(scoring.plausibility_iou, lambda spec: spec.rationales, None, *POOLED),
    "stability_q": Metric(scoring.stability_q, _with("stability"), False, *POOLED),
    "abstain": Metric(scoring.abstain, lambda spec: spec.options.unknown, None),
    "madsen": Metric(scoring.madsen, lambda spec: spec.options.unknown, True, *POOLED, takes_labels=True),
}


def metrics_of(spec: TaskSpec) -> dict[str, Metric]:
    """The metric keys a task reports, in order."""
    return {name: metric for name, metric in METRICS.items() if metric.when(spec)}


def score(transcript: Transcript, spec: TaskSpec, document: Document) -> dict[str, Value]:
    """All metric values of one document. Every document has every key of its task."""
    labels = spec.question_about(document).labels
    return {
        name: metric.value(transcript, labels) if metric.takes_labels else metric.value(transcript)
        for name, metric in metrics_of(spec).items()
    }
