"""Cells where `faithful` and `lift` cannot be measured: docs/metrics.md, "12. What cannot be measured"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from faithfulness_metrics.bootstrap import Array
from faithfulness_metrics.measurability import count_pairs, obstacle, remedy, sentence
from leaderboards.analysis.confidence_intervals import CCF_PARTS, rate_estimate, undefined_estimate
from leaderboards.board import Estimate, Settings
from leaderboards.lm_eval_files.results_file import Run
from leaderboards.lm_eval_files.samples_file import Samples
from leaderboards.number_format import NOT_MEASURABLE

# The metrics that say nothing of a constant classifier.
OF_CHANGED_ANSWERS = ("faithful", "lift", "ccf", "faithful_given_valid", "lift_given_valid")
# Means over tasks leave such a cell out of these. The two controls must be over the same tasks as `faithful`.
LEFT_OUT = ("faithful", "faithful_random", "lift", "faithful_oracle")

# (prediction, gold label) -> number of texts.
Pairs = Mapping[tuple[str | None, str | None], int]

# Answers of datasets in which each text has labels of its own are cut to the most frequent ones.
_MOST_ANSWERS = 12


def pair_counts(samples: Samples) -> Pairs:
    """(prediction, gold label) -> number of texts; None for an answer that could not be read."""
    frame = samples.frame
    return Counter(zip(frame["prediction"].to_list(), frame["gold"].to_list(), strict=True))


def reason_in(run: Run, samples: Samples, pairs: Pairs, values: Mapping[str, Array]) -> str:
    """Why `faithful` and `lift` of a run cannot be measured, and what to do; empty where they can."""
    frame, answers = samples.frame, count_pairs(pairs)
    n, rates = len(frame), [np.nan_to_num(values[name]) for name in CCF_PARTS if name in values]
    headroom = None
    # In styles with a target the oracle depends on the explanation's own new word.
    if len(rates) == len(CCF_PARTS) and not (frame["target"].fill_null("") != "").any():
        headroom = float((rates[2] - rates[1]).sum()) / n
    masses = values.get("label_mass", np.empty(0))
    masses = masses[~np.isnan(masses)]
    mass = float(masses.mean()) if masses.size else None
    reason = obstacle(answers, float(np.max(rates, axis=0).sum()) / n, headroom, mass)
    if reason:
        examples = bool(run.options.get("num_fewshot"))
        return sentence(reason, remedy(reason.kind, str(run.options.get("classifier", "generate")), examples))
    return reason_reported(run)


def reason_reported(run: Run) -> str:
    """The same from the results file alone: what the evaluation itself said."""
    if not run.not_measurable:
        return ""
    return f"{run.not_measurable}: faithful and lift cannot be measured; the log of the run says what to do"


def without_numbers(metrics: Mapping[str, Estimate], reason: str) -> dict[str, Estimate]:
    """The metrics with a note in place of `OF_CHANGED_ANSWERS`; all of them where there is no reason."""
    note = f"{NOT_MEASURABLE}: {reason}"
    return {
        name: undefined_estimate(note, estimate.n) if reason and name in OF_CHANGED_ANSWERS else estimate
        for name, estimate in metrics.items()
    }


def is_not_measurable(estimate: Estimate | None) -> bool:
    """Whether an estimate has no number for one of these reasons."""
    return estimate is not None and estimate.estimate is None and estimate.note.startswith(f"{NOT_MEASURABLE}: ")


def answer_counts(pairs: Pairs) -> dict[str, int]:
    """Label -> number of texts; "" for answers that could not be read."""
    counts = _sums(pairs, 0)
    return {label or "": count for label, count in counts.most_common(_MOST_ANSWERS)}


def share_estimates(run: Run, pairs: Pairs, settings: Settings) -> dict[str, Estimate]:
    """`acc_majority` and `answer_share`, whatever version of the tasks wrote the samples."""
    # Texts with labels of their own: the majority is a place among them. Older versions called the choices otherwise.
    if run.options.get("labels_column") or run.options.get("answer_with") == "text":
        return {}
    estimates, n = {}, sum(pairs.values())
    for name, place in (("acc_majority", 1), ("answer_share", 0)):
        counts = [count for label, count in _sums(pairs, place).items() if label is not None]
        if counts:
            estimates[name] = rate_estimate([(1.0, max(counts)), (0.0, n - max(counts))], settings)
    return estimates


def _sums(pairs: Pairs, place: int) -> Counter[str | None]:
    sums = Counter[str | None]()
    for pair, count in pairs.items():
        sums[pair[place]] += count
    return sums
