"""Values of one document from the probabilities of its labels, without some words.

docs/metrics.md, "3. Leave-one-out percentile" and "5. Comprehensiveness and sufficiency".
"""

from __future__ import annotations

import math

from faithful_se.transcript import AnswerRecord, Transcript
from faithfulness_metrics import erasure
from lm_eval_tasks import scoring


def loo_percentile(transcript: Transcript) -> float:
    """Percentile of the named words' leave-one-out effect among all types of words of the document."""
    return erasure.loo_percentile(*_leave_one_out(transcript))


def hit1(transcript: Transcript) -> float:
    """Whether a named word has the largest leave-one-out effect."""
    return erasure.hit1(*_leave_one_out(transcript))


def hit1_chance(transcript: Transcript) -> float:
    """Expected `hit1` of as many words drawn at random."""
    return erasure.hit1_chance(*_leave_one_out(transcript))


def redundant(transcript: Transcript) -> float:
    """Whether no single word of the document matters. `hit1` means little there."""
    return erasure.redundant(_deltas(transcript))


def comprehensiveness(transcript: Transcript) -> float:
    """How much of its probability the predicted label loses without the named words."""
    return probability_drop(transcript, transcript["perturbed"]) if scoring.valid_explanation(transcript) else math.nan


def comprehensiveness_lift(transcript: Transcript) -> float:
    """`comprehensiveness` minus its mean over as many random words: removing any words costs some probability."""
    drops = [probability_drop(transcript, variant) for variant in transcript["random"]]
    return comprehensiveness(transcript) - sum(drops) / len(drops) if drops else math.nan


def graded_lift(transcript: Transcript) -> float:
    """`lift` of probabilities: what the explanation does to the label, minus what random words do to it on average.

    The effect is the drop of the predicted label's probability, or the rise of the target's in styles with a target. It
    is 0 of an explanation that is not valid. nan where labels were not ranked.
    """
    effect = _effect(transcript, transcript["perturbed"]) if scoring.valid_explanation(transcript) else 0.0
    chance = [_effect(transcript, variant) for variant in transcript["random"]]
    return effect - (sum(chance) / len(chance) if chance else 0.0)


def sufficiency(transcript: Transcript) -> float:
    """How much of its probability the predicted label loses where only the named words are left."""
    record = transcript.get("erasure")
    return probability_drop(transcript, record["only"]) if record else math.nan


def sufficiency_lift(transcript: Transcript) -> float:
    """`sufficiency` minus its mean over as many random words: below 0 for words that keep the answer."""
    record = transcript.get("erasure")
    drops = [probability_drop(transcript, variant) for variant in record["only_random"]] if record else []
    return sufficiency(transcript) - sum(drops) / len(drops) if drops else math.nan


def aopc(transcript: Transcript) -> float:
    """Mean `comprehensiveness` of the first named words, by their effects: 1, 5, 10, 20 and 50 % of the text.

    Where one type of word is named, each of these sets is that word.
    """
    record, oracle = transcript.get("erasure"), transcript["oracle"]
    if record is None or oracle is None:
        return comprehensiveness(transcript)
    named = scoring.named_types(transcript).count(True)
    sizes = erasure.aopc_sizes(len(oracle["singles"]), named)
    drops = [probability_drop(transcript, variant) for variant in record["first"]]
    by_size = dict(zip(sorted(set(sizes)), drops, strict=True))
    return erasure.aopc([by_size[size] for size in sizes])


def probability_drop(transcript: Transcript, variant: AnswerRecord | None, label: str | None = None) -> float:
    """How much of a label's probability a variant of the document loses; nan where it was not measured.

    Probabilities are among the labels, and calibrated where the transcript has a prior. The label is the predicted one
    unless another is named.
    """
    prediction, prior = transcript["prediction"], transcript.get("prior")
    label, logprobs = label or prediction["label"], prediction["logprobs"]
    if label is None or not logprobs or variant is None or not variant["logprobs"]:
        return math.nan
    before, after = (erasure.label_probability(row, label, prior) for row in (logprobs, variant["logprobs"]))
    return before - after


def _effect(transcript: Transcript, variant: AnswerRecord | None) -> float:
    """How far a variant of the document moves a probability as the style demands: down, or up to the target."""
    target = (transcript["explanation"] or {"target": ""})["target"]
    return -probability_drop(transcript, variant, target) if target else probability_drop(transcript, variant)


def _deltas(transcript: Transcript) -> list[float]:
    """The drop of each type of word; empty where one was not measured."""
    oracle = transcript["oracle"]
    drops = [probability_drop(transcript, variant) for variant in oracle["singles"]] if oracle else []
    return [] if any(map(math.isnan, drops)) else drops


def _leave_one_out(transcript: Transcript) -> tuple[list[float], list[int]]:
    """The drops, and which types of words are named."""
    deltas = _deltas(transcript)
    named = [index for index, is_named in enumerate(scoring.named_types(transcript)) if is_named]
    return (deltas, named) if deltas and named else ([], [])
