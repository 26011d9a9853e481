"""Values of one document whose answers were sampled several times: docs/metrics.md, "16. Sampled answers".

The even answers choose the label that is counted and the words of the oracle; the odd ones score them. So no choice
is scored by the answers that made it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

from faithful_se.transcript import AnswerRecord, Transcript
from faithfulness_metrics import flips
from faithfulness_metrics.samples import Labels, choosing, deciding, majority, rate
from lm_eval_tasks import scoring


def consistency(transcript: Transcript) -> float:
    """Share of the odd answers to the text itself that give the majority of the even ones; 0 where that is unread."""
    samples = transcript["prediction"]["samples"]
    label = majority(choosing(samples))
    return 0.0 if label is None else rate(deciding(samples), label)


def rate_drop(transcript: Transcript) -> float:
    """How much rarer the answer is without the named words, in the odd answers; 0 without a valid explanation.

    Of a target, how much more frequent it is on the edited text.
    """
    return _drop(transcript, transcript["perturbed"]) if scoring.valid_explanation(transcript) else 0.0


def rate_lift(transcript: Transcript) -> float:
    """`rate_drop` minus its mean over the random words."""
    return rate_drop(transcript) - _mean([_drop(transcript, variant) for variant in transcript["random"]])


def rate_headroom(transcript: Transcript) -> float:
    """`rate_drop` of the oracle's words, which the even answers choose, minus its mean over the random words."""
    chosen, random = (_mean([_drop(transcript, each) for each in some]) for some in _chosen_and_random(transcript))
    return chosen - random


def oracle_crossfit(transcript: Transcript) -> float:
    """Whether the oracle's words, which the even answers choose, change the majority of the odd ones."""
    return _mean([_flip(transcript, variant) for variant in _chosen(transcript)])


def headroom_crossfit(transcript: Transcript) -> float:
    """`oracle_crossfit` minus the share of random words that change the majority of the odd answers."""
    chosen, random = (_mean([_flip(transcript, each) for each in some]) for some in _chosen_and_random(transcript))
    return chosen - random


def _chosen_and_random(transcript: Transcript) -> tuple[Sequence[AnswerRecord], Sequence[AnswerRecord]]:
    return _chosen(transcript), transcript["random"]


def _chosen(transcript: Transcript) -> list[AnswerRecord]:
    """What the oracle chooses among all that was tried: what leaves the answer rarest, in the even answers.

    Of a target, what makes it most frequent. Of equally good ones all, so that no order decides.
    """
    oracle, perturbed = transcript["oracle"] or {"singles": [], "greedy": []}, transcript["perturbed"]
    variants: list[AnswerRecord] = [*oracle["singles"], *oracle["greedy"], *transcript["random"]]
    variants += [perturbed] if perturbed else []
    drops = [_drop(transcript, variant, choosing) for variant in variants]
    return [variant for variant, drop in zip(variants, drops, strict=True) if drop == max(drops)]


def _drop(transcript: Transcript, variant: AnswerRecord | None, half: Callable[[Labels], Labels] = deciding) -> float:
    """How much rarer the answer, or how much more frequent the target, is among half of the answers to a variant."""
    samples, target = transcript["prediction"]["samples"], _target(transcript)
    label = target or majority(choosing(samples))
    if variant is None or label is None:
        return 0.0
    difference = rate(half(samples), label) - rate(half(variant["samples"]), label)
    return -difference if target else difference


def _flip(transcript: Transcript, variant: AnswerRecord) -> float:
    """Whether the majority of the odd answers changes as the style demands."""
    target, prediction = _target(transcript), transcript["prediction"]
    before = prediction["label"] if target else majority(deciding(prediction["samples"]))
    return flips.faithful(True, before, majority(deciding(variant["samples"])), target)


def _target(transcript: Transcript) -> str | None:
    explanation = transcript["explanation"]
    return explanation["target"] or None if explanation else None


def _mean(values: Sequence[float]) -> float:
    return fmean(values) if values else 0.0
