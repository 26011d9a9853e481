"""The same answers under other scoring rules: does the result depend on the rule? docs/metrics.md, "1. Flip rules"."""

from __future__ import annotations

import math

from faithfulness_metrics import flips
from leaderboards.analysis.confidence_intervals import rate_estimate
from leaderboards.analysis.task_results import TaskResult
from leaderboards.board import Estimate, Settings


def scoring_rules(result: TaskResult, settings: Settings) -> dict[str, Estimate]:
    """Faithfulness under every rule that applies: rule -> Estimate.

    strict: the headline.
    given valid: only over valid explanations.
    abstention counted: also counts a valid explanation whose perturbed text is answered "unknown" or unreadably.
    madsen: the rule of Madsen et al. 2024. It applies if "unknown" is offered, if a label is "neutral", or if the
        explanation is a counterfactual with a target.
    """
    rules = {"strict": result.metrics["faithful"]}
    if result.samples is None or "valid" not in result.values or result.not_measurable:
        return rules
    rules["given valid"] = result.metrics["faithful_given_valid"]
    frame, options = result.samples.frame, result.run.options
    outcomes = frame.group_by(["faithful", "valid", "prediction", "after", "gold"]).len().rows()
    abstentions = [
        (max(faithful, float(bool(valid) and prediction is not None and after in (None, flips.UNKNOWN))), count)
        for faithful, valid, prediction, after, _, count in outcomes
        if faithful is not None
    ]
    rules["abstention counted"] = rate_estimate(abstentions, settings)
    labels = [str(label) for label in options["labels"]]
    wants_target = bool((frame["target"].fill_null("") != "").any())
    if wants_target or options.get("unknown") or {flips.UNKNOWN, flips.NEUTRAL} & set(labels):
        labels = [label for label in labels if label != flips.UNKNOWN]
        verdicts = [
            (flips.madsen(wants_target, prediction, after, gold if gold in labels else None, labels), count)
            for _, _, prediction, after, gold, count in outcomes
        ]
        defined = [(verdict, count) for verdict, count in verdicts if not math.isnan(verdict)]
        rules["madsen"] = rate_estimate(defined, settings)
    return rules
