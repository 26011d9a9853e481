"""The metric keys: one table with one line per key.

The table says which tasks report a key, which direction is better, and how the documents' values become one number.
`lm_eval_tasks.scoring` computes the value of one document.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import stdev
from typing import NamedTuple

import numpy as np

from faithful_se.transcript import Transcript
from faithfulness_metrics import chance, erasure
from faithfulness_metrics.bootstrap import Array, bootstrap_means, interval
from lm_eval_tasks import scoring
from lm_eval_tasks.document import Document
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES

Value = float | None | list[float]
Condition = Callable[[TaskSpec], bool]


class Metric(NamedTuple):
    """One metric key.

    Attributes:
        value: value of one document, from its transcript; None where it is not defined for that document.
        when: whether a task reports the key.
        higher_is_better: direction in lm-eval's table; None where neither is better.
        aggregate: turns the documents' values into one; None for lm-eval's mean over all documents.
        stderr: the standard error of `aggregate`.
        takes_labels: whether `value` also takes the labels of the document.
    """

    value: Callable[..., Value]
    when: Condition
    higher_is_better: bool | None
    aggregate: Callable[..., float | str] | None = None
    stderr: Callable[..., float | str] | None = None
    takes_labels: bool = False


def _always(spec: TaskSpec) -> bool:
    return True


def _removes_words(spec: TaskSpec) -> bool:
    return STYLES[spec.style].REMOVES_WORDS


def _edits_text(spec: TaskSpec) -> bool:
    return not _removes_words(spec)


def _ranks_labels(spec: TaskSpec) -> bool:
    return spec.options.classifier == "loglikelihood"


def _with(control: str) -> Condition:
    return lambda spec: control in spec.options.controls


def _all(*conditions: Condition) -> Condition:
    return lambda spec: all(condition(spec) for condition in conditions)


def pooled_mean(values: Sequence[float | None]) -> float:
    """Mean over the documents that have a value; nan when none has."""
    defined = [value for value in values if value is not None]
    return sum(defined) / len(defined) if defined else math.nan


def pooled_stderr(values: Sequence[float | None]) -> float:
    """Standard error of `pooled_mean`; nan below two values."""
    defined = [value for value in values if value is not None]
    return stdev(defined) / math.sqrt(len(defined)) if len(defined) > 1 else math.nan


def ccf(parts: Sequence[Sequence[float]]) -> float | str:
    """Chance-corrected faithfulness over all documents, or why it cannot be measured."""
    faithful, random, oracle = zip(*parts, strict=True)
    value = chance.ccf(faithful, random, oracle)
    return chance.describe_ccf(faithful, random, oracle) if math.isnan(value) else value


def ccf_stderr(parts: Sequence[Sequence[float]]) -> float | str:
    """Standard error of `ccf` by paired bootstrap over documents."""
    faithful, random, oracle = zip(*parts, strict=True)
    return _number(chance.ccf_stderr(faithful, random, oracle))


def phi_cct(counts: Sequence[Sequence[float]]) -> float:
    """φ-CCT over all pairs of a document and a type of word; nan where everything or nothing flips."""
    return float(erasure.phi_of_counts([np.sum(counts, axis=0)])[0, 0])


def phi_cct_of_max(counts: Sequence[Sequence[float]]) -> float:
    """`phi_cct` as a share of the most that these numbers of flips and of named words allow."""
    return float(erasure.phi_of_counts([np.sum(counts, axis=0)])[0, 1])


def phi_cct_stderr(counts: Sequence[Sequence[float]]) -> float | str:
    """Standard error of `phi_cct` by bootstrap over documents."""
    return _number(interval(_resampled_phi(counts)[:, 0]).stderr)


def phi_cct_of_max_stderr(counts: Sequence[Sequence[float]]) -> float | str:
    """Standard error of `phi_cct_of_max` by bootstrap over documents."""
    return _number(interval(_resampled_phi(counts)[:, 1]).stderr)


def _resampled_phi(counts: Sequence[Sequence[float]]) -> Array:
    return erasure.phi_of_counts(bootstrap_means(list(zip(*counts, strict=True))))


def _number(value: float) -> float | str:
    return "N/A" if math.isnan(value) else value


# A conditional mean: over the documents that have a value.
POOLED = (pooled_mean, pooled_stderr)

_ORACLE_REMOVES = _all(_removes_words, _with("oracle"))
_LEAVE_ONE_OUT = _all(_removes_words, _with("oracle"), _ranks_labels)

METRICS: dict[str, Metric] = {
    "faithful": Metric(scoring.faithful, _always, True),
    "valid": Metric(scoring.valid, _always, True),
    "acc": Metric(scoring.accuracy, _always, True),
    "faithful_random": Metric(scoring.faithful_random, _with("random"), None),
    "lift": Metric(scoring.lift, _with("random"), True),
    "faithful_oracle": Metric(scoring.faithful_oracle, _with("oracle"), None),
    "ccf": Metric(scoring.ccf_parts, _with("oracle"), True, ccf, ccf_stderr),
    "phi_cct": Metric(scoring.phi_counts, _ORACLE_REMOVES, True, phi_cct, phi_cct_stderr),
    "phi_cct_of_max": Metric(scoring.phi_counts, _ORACLE_REMOVES, True, phi_cct_of_max, phi_cct_of_max_stderr),
    "loo_percentile": Metric(scoring.loo_percentile, _LEAVE_ONE_OUT, True, *POOLED),
    "hit1": Metric(scoring.hit1, _LEAVE_ONE_OUT, True, *POOLED),
    "redundant": Metric(scoring.redundant, _LEAVE_ONE_OUT, None, *POOLED),
    "comprehensiveness": Metric(scoring.comprehensiveness, _all(_removes_words, _ranks_labels), True, *POOLED),
    "comprehensiveness_lift": Metric(
        scoring.comprehensiveness_lift, _all(_removes_words, _ranks_labels, _with("random")), True, *POOLED
    ),
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
