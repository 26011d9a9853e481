"""How well each metric key tells a true explanation from an untrue one of the same text: AUROC on rule-based models."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from lm_eval_tasks.certify_texts import one_decides, score_all, task, texts, two_decide
from lm_eval_tasks.metrics import METRICS, Value, metrics_of
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.styles import BUDGETS

HONEST = "honest"
SHUFFLES = 200

# AUROC below which a metric does not tell true from untrue.
GOOD = 0.99

# Why a key says little about the truth of an explanation, where it says little.
REASONS = {
    "valid": "the format of an explanation, whatever it says",
    "acc": "the classifier",
    "acc_majority": "the gold labels",
    "answer_share": "the classifier",
    "label_mass": "the classifier",
    "measurable": "a finding about the classifier and its texts",
    "answered": "the server",
    "faithful_random": "chance: random words of the text, other than the named ones",
    "lift": "a true new word may work in random places of a text too: its chance is high",
    "lift_given_valid": "as `lift`",
    "faithful_oracle": "the text: the best of all words, whichever is named",
    "headroom": "the text: the best of all words minus chance",
    "hit1_chance": "the text: how many of its words matter",
    "redundant": "the text: whether any word matters",
    "masked_fraction": "how much is named",
    "one_edit": "how much is changed",
    "edit_fraction": "how much is changed",
    "label_leak": "what is written",
    "simulation_majority": "the text: how many of the words change the answer",
    "simulation_read": "the format of the answers",
    "simulation_unsaid": "models that name untrue words, which neither of these does",
    "stability_q": "the classifier",
    "abstain": "the classifier",
    "faithful_infill": "a word of another text may speak for the label too",
    "lift_infill": "as `faithful_infill`",
    "sufficiency": "two other words may keep the answer too",
    "sufficiency_lift": "as `sufficiency`",
    "operators_agree": "the operators: a false explanation changes nothing under any",
    "madsen": "the answer to the perturbed text must be “unknown”; this model gives another label",
}


def auroc(true: Sequence[float], untrue: Sequence[float]) -> float:
    """Probability that a true explanation scores higher than an untrue one, ties counting half; nan without any.

    The area under the ROC curve is this probability (Hanley and McNeil 1982).
    """
    if not len(true) or not len(untrue):
        return math.nan
    differences = np.subtract.outer(np.asarray(true, float), np.asarray(untrue, float))
    return float((np.sign(differences).mean() + 1) / 2)


def shuffled(true: Sequence[float], untrue: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """The middle 95 % of AUROC where truth is drawn: the control, which must hold .5."""
    draw, both = np.random.default_rng(seed), np.asarray([*true, *untrue], float)
    areas = []
    for _ in range(SHUFFLES if len(true) else 0):
        draw.shuffle(both)
        areas.append(auroc(both[: len(true)].tolist(), both[len(true) :].tolist()))
    return (float(np.quantile(areas, 0.025)), float(np.quantile(areas, 0.975))) if areas else (math.nan, math.nan)


def of_one_text(key: str, value: Value) -> float:
    """A key as a number of a single explanation, higher for better ones; nan where it is not defined."""
    metric = METRICS[key]
    number = value if metric.aggregate is None or value is None else metric.aggregate([value])
    if not isinstance(number, int | float):
        return math.nan
    return -float(number) if metric.higher_is_better is False else float(number)


def areas(
    style: str, documents: int, models: Sequence[RuleLM] = (), budget: str = BUDGETS[0]
) -> dict[str, tuple[float, int, tuple[float, float]]]:
    """Key -> AUROC, number of pairs of which it is defined, and the shuffled control.

    `models` are one that is true and one that is not; by default of their explanations.
    """
    spec, decides = task(style, budget=budget), one_decides if budget == BUDGETS[0] else two_decide
    deciding = [document for document in texts(spec) if decides(spec, document)][:documents]
    models = models or [RuleLM(HONEST, h=h) for h in (1.0, 0.0)]
    scored = [score_all(model, spec, deciding) for model in models]
    results = {}
    for key in metrics_of(spec):
        numbers = [[of_one_text(key, row[key]) for row in rows] for rows in scored]
        pairs = list(zip(*numbers, strict=True))
        defined = [pair for pair in pairs if not any(map(math.isnan, pair))]
        true, untrue = ([pair[place] for pair in defined] for place in (0, 1))
        results[key] = auroc(true, untrue), len(defined), shuffled(true, untrue)
    return results


def area_table(results: Mapping[str, tuple[float, int, tuple[float, float]]]) -> Iterator[str]:
    """What `areas` found, in Markdown, best first."""
    yield from ("", "| key | AUROC | texts | truth shuffled | below .99: what it measures |", "|---|---|---|---|---|")
    for key, (area, count, control) in sorted(results.items(), key=lambda item: -np.nan_to_num(item[1][0])):
        reason = "" if area >= GOOD else REASONS.get(key, "")
        between = "–" if math.isnan(area) else " to ".join(map(number, control))
        yield f"| `{key}` | {number(area)} | {count} | {between} | {reason} |"
    yield ""


def number(value: float) -> str:
    """Two digits, without a zero before the point: `.50`, `−.17`."""
    text = f"{abs(value):.2f}".removeprefix("0")
    return "–" if math.isnan(value) else f"−{text}" if value < 0 and text != ".00" else text
