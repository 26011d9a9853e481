"""The metric keys: one table with one line per key.

The table says which tasks report a key, which direction is better, and how the documents' values become one number.
`lm_eval_tasks.scoring` computes the value of one document, `lm_eval_tasks.document_statistics` one number of all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from faithful_se.transcript import Transcript
from lm_eval_tasks import (
    scoring,
    scoring_answers,
    scoring_cues,
    scoring_edits,
    scoring_erasure,
    scoring_operators,
    scoring_rationales,
    scoring_samples,
    scoring_simulation,
)
from lm_eval_tasks.document import Document
from lm_eval_tasks.document_statistics import (
    ccf,
    ccf_stderr,
    g_mean,
    g_mean_stderr,
    largest_share,
    largest_share_or_none,
    largest_share_stderr,
    measurable,
    more_frequent,
    more_frequent_stderr,
    no_stderr,
    phi_cct,
    phi_cct_stderr,
    pooled_mean,
    pooled_stderr,
)
from lm_eval_tasks.operators import OPERATORS
from lm_eval_tasks.options import FROM_MODEL, NO_CUE
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES

Value = float | None | list[float]


class Metric(NamedTuple):
    """One metric key."""

    # value of one document, from its transcript; None or nan where it is not defined for that document
    value: Callable[..., Value]
    higher_is_better: bool | None  # direction in lm-eval's table; None where neither is better
    needs: str = ""  # what a task must have to report the key, see `features_of`
    # turns the documents' values into one; None for lm-eval's mean over all documents
    aggregate: Callable[..., float | str] | None = None
    stderr: Callable[..., float | str] | None = None  # the standard error of `aggregate`
    takes_labels: bool = False  # whether `value` also takes the labels of the document
    takes_question: bool = False  # whether it takes the question about the document instead


def features_of(spec: TaskSpec) -> set[str]:
    """What the metrics of a task can be computed from: its kind of explanation, controls, label ranking, …"""
    options = spec.options
    features = {"removal" if STYLES[spec.style].REMOVES_WORDS else "edit", *options.controls, options.classifier}
    # Calibrated labels are ranked too: they have log-likelihoods.
    switches = (
        ("rationales", spec.rationales),
        ("unknown", options.unknown),
        ("loglikelihood", options.ranked),
        ("simulation", STYLES[spec.style].SIMULATES),
        ("cue", options.cue != NO_CUE),
        ("proposals", options.infill_from == FROM_MODEL),
        ("samples", options.samples > 1),
    )
    operators = {"operators", *options.operators} if len(options.operators) > 1 else set()
    return features | operators | {spec.budget} | {name for name, is_on in switches if is_on}


# A conditional mean: over the documents that have a value.
POOLED = (pooled_mean, pooled_stderr)
SHARE, MAJORITY = (largest_share, largest_share_stderr), (largest_share_or_none, largest_share_stderr)
GRADED_LIFT, LEAVE_ONE_OUT = "removal loglikelihood random", "removal oracle loglikelihood"
ERASURE = f"{LEAVE_ONE_OUT} multiword"
MORE_FREQUENT = (more_frequent, more_frequent_stderr)
PHI_OF_MAX = (partial(phi_cct, column=1), partial(phi_cct_stderr, column=1))


def _of_operators(key: str, value: Callable[..., float], needs: str) -> dict[str, Metric]:
    """A key of each operator, in tasks with several."""
    return {
        f"{key}_{operator}": Metric(partial(value, operator=operator), True, f"{needs} operators {operator}")
        for operator in OPERATORS
    }


METRICS: dict[str, Metric] = {
    "faithful": Metric(scoring.faithful, True),
    "valid": Metric(scoring.valid, True),
    "acc": Metric(scoring.accuracy, True),
    "acc_majority": Metric(scoring_answers.gold_counts, None, "", *MAJORITY, takes_labels=True),
    "answer_share": Metric(scoring_answers.prediction_counts, None, "", *SHARE, takes_labels=True),
    "label_mass": Metric(scoring_answers.label_mass, None, "loglikelihood", *POOLED),
    "measurable": Metric(scoring_answers.evidence, None, "", measurable, no_stderr, takes_labels=True),
    "answered": Metric(scoring_answers.answered, None),
    "faithful_random": Metric(scoring.faithful_random, None, "random"),
    "lift": Metric(scoring.lift, True, "random"),
    "lift_given_valid": Metric(scoring.lift_given_valid, True, "random", *POOLED),
    "faithful_oracle": Metric(scoring.faithful_oracle, None, "oracle"),
    "headroom": Metric(scoring.headroom, None, "oracle"),
    "ccf": Metric(scoring.ccf_parts, True, "oracle", ccf, ccf_stderr),
    "phi_cct": Metric(scoring.phi_counts, True, "removal oracle", phi_cct, phi_cct_stderr),
    "phi_cct_of_max": Metric(scoring.phi_counts, True, "removal oracle", *PHI_OF_MAX),
    "loo_percentile": Metric(scoring_erasure.loo_percentile, True, LEAVE_ONE_OUT, *POOLED),
    "hit1": Metric(scoring_erasure.hit1, True, LEAVE_ONE_OUT, *POOLED),
    "hit1_chance": Metric(scoring_erasure.hit1_chance, None, LEAVE_ONE_OUT, *POOLED),
    "redundant": Metric(scoring_erasure.redundant, None, LEAVE_ONE_OUT, *POOLED),
    "comprehensiveness": Metric(scoring_erasure.comprehensiveness, True, "removal loglikelihood", *POOLED),
    "comprehensiveness_lift": Metric(scoring_erasure.comprehensiveness_lift, True, GRADED_LIFT, *POOLED),
    "masked_fraction": Metric(scoring.masked_fraction, False, "removal", *POOLED),
    "one_edit": Metric(scoring_edits.one_edit, True, "edit", *POOLED),
    "edit_fraction": Metric(scoring_edits.edit_fraction, False, "edit", *POOLED),
    "label_leak": Metric(scoring_edits.label_leak, False, "edit", *POOLED, takes_question=True),
    "plausibility_f1": Metric(scoring_rationales.plausibility_f1, None, "rationales", *POOLED),
    "plausibility_iou": Metric(scoring_rationales.plausibility_iou, None, "rationales", *POOLED),
    "plausibility_edits": Metric(scoring_rationales.plausibility_edits, None, "edit rationales", *POOLED),
    "stability_q": Metric(scoring.stability_q, False, "stability", *POOLED),
    "simulation_acc": Metric(scoring_simulation.accuracy, True, "simulation", *POOLED),
    "simulation_majority": Metric(scoring_simulation.truths, None, "simulation", *MORE_FREQUENT),
    "simulation_phi": Metric(scoring_simulation.phi_counts, True, "simulation", phi_cct, phi_cct_stderr),
    "simulation_hits": Metric(scoring_simulation.hits, True, "simulation", *POOLED),
    "simulation_false_alarms": Metric(scoring_simulation.false_alarms, False, "simulation", *POOLED),
    "simulation_unsaid": Metric(scoring_simulation.unsaid, None, "simulation", *POOLED),
    "simulation_read": Metric(scoring_simulation.read, True, "simulation", *POOLED),
    "cue_taken": Metric(scoring_cues.is_followed, None, "cue", *POOLED),
    "cue_named": Metric(scoring_cues.named, True, "cue", *POOLED),
    "cue_named_untaken": Metric(scoring_cues.named_untaken, False, "cue", *POOLED),
    "cue_phi": Metric(scoring_cues.counts, True, "cue", phi_cct, phi_cct_stderr),
    "cue_g_mean": Metric(scoring_cues.counts, True, "cue", g_mean, g_mean_stderr),
    "abstain": Metric(scoring.abstain, None, "unknown"),
    "madsen": Metric(scoring.madsen, True, "unknown", *POOLED, takes_labels=True),
    "sufficiency": Metric(scoring_erasure.sufficiency, False, ERASURE, *POOLED),
    "sufficiency_lift": Metric(scoring_erasure.sufficiency_lift, False, ERASURE, *POOLED),
    "aopc": Metric(scoring_erasure.aopc, True, ERASURE, *POOLED),
    "consistency": Metric(scoring_samples.consistency, None, "samples"),
    "rate_drop": Metric(scoring_samples.rate_drop, True, "samples"),
    "rate_lift": Metric(scoring_samples.rate_lift, True, "samples random"),
    "rate_headroom": Metric(scoring_samples.rate_headroom, None, "samples oracle"),
    "oracle_crossfit": Metric(scoring_samples.oracle_crossfit, None, "samples oracle"),
    "headroom_crossfit": Metric(scoring_samples.headroom_crossfit, None, "samples oracle"),
    **_of_operators("faithful", scoring_operators.faithful, "removal"),
    **_of_operators("lift", scoring_operators.lift, "removal random"),
    "operators_agree": Metric(scoring_operators.operators_agree, None, "removal operators", *POOLED),
    "infill_read": Metric(scoring_operators.infill_read, True, "removal proposals", *POOLED),
}


def metrics_of(spec: TaskSpec) -> dict[str, Metric]:
    """The metric keys a task reports, in order."""
    features = features_of(spec)
    return {name: metric for name, metric in METRICS.items() if features.issuperset(metric.needs.split())}


def score(transcript: Transcript, spec: TaskSpec, document: Document) -> dict[str, Value]:
    """All metric values of one document. Every document has every key of its task, None where it is not defined."""
    question, values = spec.question_about(document), dict[str, Value]()
    for name, metric in metrics_of(spec).items():
        further = [question.labels] if metric.takes_labels else [question] if metric.takes_question else []
        value = metric.value(transcript, *further)
        values[name] = None if isinstance(value, float) and math.isnan(value) else value
    return values
