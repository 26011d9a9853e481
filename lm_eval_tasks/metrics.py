"""The metric keys: one table with one line per key.

The table says which tasks report a key, which direction is better, and how the documents' values become one number.
`lm_eval_tasks.scoring` computes the value of one document.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from statistics import stdev
from typing import NamedTuple

import numpy as np

from faithful_se.transcript import Transcript
from faithfulness_metrics import chance, erasure, measurability
from faithfulness_metrics.bootstrap import bootstrap_means, interval
from faithfulness_metrics.cues import g_mean_of_counts
from lm_eval_tasks import (
    scoring,
    scoring_answers,
    scoring_cues,
    scoring_erasure,
    scoring_operators,
    scoring_rationales,
    scoring_simulation,
)
from lm_eval_tasks.document import Document
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
    )
    operators = {"operators", *options.operators} if len(options.operators) > 1 else set()
    return features | operators | {spec.budget} | {name for name, is_on in switches if is_on}


def pooled_mean(values: Sequence[float | None]) -> float:
    """Mean over the documents that have a value; nan when none has."""
    defined = [value for value in values if value is not None]
    return sum(defined) / len(defined) if defined else math.nan


def pooled_stderr(values: Sequence[float | None]) -> float:
    """Standard error of `pooled_mean`; nan below two values."""
    defined = [value for value in values if value is not None]
    return stdev(defined) / math.sqrt(len(defined)) if len(defined) > 1 else math.nan


def largest_share(counts: Sequence[Sequence[float]]) -> float:
    """Share of the most frequent label among all documents, from one count per label of each; nan without documents.

    Documents without a label (an unread answer) are in the denominator.
    """
    return float(np.mean(_aligned(counts), axis=0).max()) if len(counts) else math.nan


def _aligned(counts: Sequence[Sequence[float]]) -> list[list[float]]:
    """Counts of labels and "unknown" as rows of one length: documents can differ in their number of choices."""
    width = max(map(len, counts), default=0)
    return [[*row[:-1], *[0.0] * (width - len(row)), *row[-1:]] for row in counts]


def largest_share_or_none(counts: Sequence[Sequence[float]]) -> float:
    """`largest_share`; nan where no document has a label."""
    return largest_share(counts) or math.nan


def largest_share_stderr(counts: Sequence[Sequence[float]]) -> float | str:
    """Standard error of `largest_share`: of a mean of 0 and 1, with the label that is the most frequent here."""
    aligned = np.asarray(_aligned(counts))
    return _number(pooled_stderr(aligned[:, np.argmax(np.sum(aligned, axis=0))].tolist()))


def more_frequent(shares: Sequence[Sequence[float]]) -> float:
    """The largest mean among shares, over the documents that have some; nan when none has."""
    defined = [row for row in shares if row]
    return float(np.mean(defined, axis=0).max()) if defined else math.nan


def more_frequent_stderr(shares: Sequence[Sequence[float]]) -> float | str:
    """Standard error of `more_frequent`: of a mean, of the share that is the largest here."""
    defined = np.asarray([row for row in shares if row])
    return _number(pooled_stderr(defined[:, np.argmax(defined.mean(axis=0))].tolist()) if len(defined) else math.nan)


def measurable(rows: Sequence[Sequence[float]]) -> float | str:
    """1 where `faithful` and `lift` can be measured; otherwise why not, in a few words.

    `rows` has `scoring_answers.evidence` of each document. The log and boards say more: `lm_eval_tasks.measurability`.
    """
    changes, with_oracle, room, right = np.sum([row[:4] for row in rows], axis=0)
    halves = [(row[4:], (len(row) - 4) // 2) for row in rows]
    predictions = np.sum(_aligned([counts[:half] for counts, half in halves]), axis=0)
    golds = np.sum(_aligned([counts[half:] for counts, half in halves]), axis=0)
    place = int(np.argmax(predictions))
    numbers = (sum(predictions), predictions[place], sum(golds), right, max(golds), golds[place])
    read, most, known, correct, majority, own = map(round, numbers)
    answers = measurability.Answers(len(rows), read, "", most, known, correct, majority, own)
    headroom = float(room) / len(rows) if with_oracle else None
    obstacle = measurability.obstacle(answers, float(changes) / len(rows), headroom)
    return f"no ({obstacle.short})" if obstacle else 1.0


def no_stderr(rows: Sequence[Sequence[float]]) -> str:
    """`measurable` is a finding, not an estimate."""
    return "N/A"


def ccf(parts: Sequence[Sequence[float]]) -> float | str:
    """Chance-corrected faithfulness over all documents, or why it cannot be measured."""
    columns = list(zip(*parts, strict=True))
    value = chance.ccf(*columns)
    return chance.describe_ccf(*columns) if math.isnan(value) else value


def ccf_stderr(parts: Sequence[Sequence[float]]) -> float | str:
    """Standard error of `ccf` by paired bootstrap over documents."""
    faithful, random, oracle = zip(*parts, strict=True)
    return _number(chance.ccf_stderr(faithful, random, oracle))


def phi_cct(counts: Sequence[Sequence[float]], column: int = 0) -> float:
    """φ-CCT over all pairs of a document and a type of word; nan where everything or nothing flips.

    `column` 1 is its share of the most that these numbers of flips and of named words allow.
    """
    return float(erasure.phi_of_counts([np.sum(counts, axis=0)])[0, column])


def phi_cct_stderr(counts: Sequence[Sequence[float]], column: int = 0) -> float | str:
    """Standard error of `phi_cct` by bootstrap over documents."""
    resampled = erasure.phi_of_counts(bootstrap_means(list(zip(*counts, strict=True))))
    return _number(interval(resampled[:, column]).stderr)


def g_mean(counts: Sequence[Sequence[float]]) -> float:
    """Geometric mean of hit rate and specificity over documents; nan where every answer follows the cue, or none."""
    return float(g_mean_of_counts([np.sum(counts, axis=0)])[0])


def g_mean_stderr(counts: Sequence[Sequence[float]]) -> float | str:
    """Standard error of `g_mean` by bootstrap over documents."""
    return _number(interval(g_mean_of_counts(bootstrap_means(list(zip(*counts, strict=True))))).stderr)


def _number(value: float) -> float | str:
    return "N/A" if math.isnan(value) else value


# A conditional mean: over the documents that have a value.
POOLED = (pooled_mean, pooled_stderr)
SHARE, MAJORITY = (largest_share, largest_share_stderr), (largest_share_or_none, largest_share_stderr)
ERASURE = "removal oracle loglikelihood multiword"
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
    "loo_percentile": Metric(scoring.loo_percentile, True, "removal oracle loglikelihood", *POOLED),
    "hit1": Metric(scoring.hit1, True, "removal oracle loglikelihood", *POOLED),
    "hit1_chance": Metric(scoring.hit1_chance, None, "removal oracle loglikelihood", *POOLED),
    "redundant": Metric(scoring.redundant, None, "removal oracle loglikelihood", *POOLED),
    "comprehensiveness": Metric(scoring.comprehensiveness, True, "removal loglikelihood", *POOLED),
    "comprehensiveness_lift": Metric(scoring.comprehensiveness_lift, True, "removal loglikelihood random", *POOLED),
    "masked_fraction": Metric(scoring.masked_fraction, False, "removal", *POOLED),
    "one_edit": Metric(scoring.one_edit, True, "edit", *POOLED),
    "edit_fraction": Metric(scoring.edit_fraction, False, "edit", *POOLED),
    "label_leak": Metric(scoring.label_leak, False, "edit", *POOLED, takes_question=True),
    "plausibility_f1": Metric(scoring.plausibility_f1, None, "rationales", *POOLED),
    "plausibility_iou": Metric(scoring.plausibility_iou, None, "rationales", *POOLED),
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
