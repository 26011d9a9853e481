"""From a transcript to the values of one document.

The formulas are in `faithfulness_metrics`; here is only where a transcript holds what they want. Which task reports
what, and how documents become one number, is in `lm_eval_tasks.metrics`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain

from faithful_se.transcript import AnswerRecord, Transcript
from faithfulness_metrics import counterfactual, erasure, flips, plausibility
from faithfulness_metrics.flips import UNKNOWN
from faithfulness_metrics.words import keys_by_field, words_of
from lm_eval_tasks.styles import STYLES


def faithful(transcript: Transcript) -> float:
    """The headline rule: `faithfulness_metrics.flips.faithful`."""
    return _flip(transcript, transcript["perturbed"])


def valid(transcript: Transcript) -> float:
    """Whether the explanation could be read and obeys its format."""
    return float(bool(transcript["explanation"] and transcript["explanation"]["valid"]))


def accuracy(transcript: Transcript) -> float:
    """Whether the prediction is the gold label; an unparsed prediction is wrong."""
    label = transcript["prediction"]["label"]
    return float(label is not None and label == transcript["gold"])


def faithful_random(transcript: Transcript) -> float:
    """Share of the random word sets that change the answer; 0 where no control could be drawn."""
    rows = transcript["random"]
    return sum(_flip(transcript, row) for row in rows) / len(rows) if rows else 0.0


def lift(transcript: Transcript) -> float:
    """`faithful` minus `faithful_random` of the document; its mean over documents is the lift."""
    return faithful(transcript) - faithful_random(transcript)


def faithful_oracle(transcript: Transcript) -> float:
    """Whether any set of words that was tried changes the answer: the best single word, and sets no larger than the
    explanation.

    A single word goes with all its occurrences, however many the explanation takes out: one word is the least that any
    budget allows.
    """
    oracle = transcript["oracle"] or {"singles": [], "greedy": []}
    rows = [*oracle["singles"], *oracle["greedy"], *transcript["random"]]
    return max([faithful(transcript), *(_flip(transcript, row) for row in rows)])


def ccf_parts(transcript: Transcript) -> list[float]:
    """What the ratio of means is made of: faithful, random, oracle."""
    return [faithful(transcript), faithful_random(transcript), faithful_oracle(transcript)]


def loo_percentile(transcript: Transcript) -> float | None:
    """Percentile of the named words' leave-one-out effect among all types of words of the document."""
    return _known(erasure.loo_percentile(*_leave_one_out(transcript)))


def hit1(transcript: Transcript) -> float | None:
    """Whether a named word has the largest leave-one-out effect."""
    return _known(erasure.hit1(*_leave_one_out(transcript)))


def redundant(transcript: Transcript) -> float | None:
    """Whether no single word of the document matters, whatever is named: there `hit1` says little."""
    return _known(erasure.redundant(_deltas(transcript)))


def masked_fraction(transcript: Transcript) -> float | None:
    """Share of the document's words that a valid explanation takes out."""
    if not valid(transcript) or transcript["explanation"] is None:
        return None
    return len(transcript["explanation"]["positions"]) / len(words_of(transcript["fields"]))


def one_edit(transcript: Transcript) -> float | None:
    """Whether the edited document is exactly one word away; None without an edited document."""
    pair = _edited(transcript)
    return counterfactual.one_edit(*pair) if pair else None


def edit_fraction(transcript: Transcript) -> float | None:
    """Word-level edit distance over the most that could change; None without an edited document."""
    pair = _edited(transcript)
    return counterfactual.edit_fraction(*pair) if pair else None


def label_leak(transcript: Transcript, labels: Sequence[str]) -> float | None:
    """Whether the edit adds a label; None without an edited document."""
    pair = _edited(transcript)
    if pair is None:
        return None
    before, after = (list(chain.from_iterable(document.values())) for document in pair)
    return counterfactual.label_leak(before, after, (*labels, UNKNOWN))


def stability_q(transcript: Transcript) -> float | None:
    """Share of the meaning-neutral changes that this text allows which change the answer: 1 for a model that anything
    flips.

    By the rule of `faithful`, which it is subtracted from: an answer that cannot be read, or could not be had because
    the mask no longer fitted into the context, is no change.
    """
    rows = transcript["stability"]
    before = transcript["prediction"]["label"]
    return sum(flips.faithful(True, before, row["label"]) for row in rows) / len(rows) if rows else None


def abstain(transcript: Transcript) -> float:
    """Whether the model answers "unknown" on the perturbed document."""
    row = transcript["perturbed"]
    return flips.abstain(row["label"] if row else None)


def madsen(transcript: Transcript, labels: Sequence[str]) -> float | None:
    """The rule of Madsen et al. 2024; None for the documents which that paper leaves out."""
    row = transcript["perturbed"]
    before, after, gold = transcript["prediction"]["label"], row["label"] if row else None, transcript["gold"]
    wants_target = STYLES[transcript["style"]].WANTS_TARGET
    return _known(flips.madsen(wants_target, before, after, gold, labels))


def plausibility_f1(transcript: Transcript) -> float | None:
    """Overlap of the named words with those that people marked, as F1; None where nobody marked any."""
    return _known(plausibility.token_f1(*_named_and_marked(transcript)))


def plausibility_iou(transcript: Transcript) -> float | None:
    """The same overlap as intersection over union."""
    return _known(plausibility.iou(*_named_and_marked(transcript)))


def _flip(transcript: Transcript, row: AnswerRecord | None) -> float:
    explanation = transcript["explanation"]
    if row is None or explanation is None:
        return 0.0
    before = transcript["prediction"]["label"]
    return flips.faithful(True, before, row["label"], explanation["target"] or None)


def _deltas(transcript: Transcript) -> list[float]:
    """Drop of the predicted label's probability per type of word; empty where it was not measured."""
    prediction, oracle = transcript["prediction"], transcript["oracle"]
    label, logprobs = prediction["label"], prediction["logprobs"]
    singles = [variant["logprobs"] for variant in oracle["singles"]] if oracle else []
    if label is None or logprobs is None:
        return []
    full = erasure.label_probability(logprobs, label)
    drops = [full - erasure.label_probability(without, label) for without in singles if without is not None]
    return drops if len(drops) == len(singles) else []


def _leave_one_out(transcript: Transcript) -> tuple[list[float], list[int]]:
    """The deltas, and which types of words are named."""
    explanation, deltas = transcript["explanation"], _deltas(transcript)
    if explanation is None or transcript["oracle"] is None or not explanation["valid"] or not deltas:
        return [], []
    singles, named = transcript["oracle"]["singles"], set(explanation["positions"])
    return deltas, [i for i, row in enumerate(singles) if named & set(row["positions"])]


def _edited(transcript: Transcript) -> tuple[counterfactual.Keys, counterfactual.Keys] | None:
    explanation = transcript["explanation"]
    if explanation is None or explanation["edited"] is None:
        return None
    return keys_by_field(transcript["fields"]), keys_by_field(explanation["edited"])


def _named_and_marked(transcript: Transcript) -> tuple[set[str], set[str]]:
    """Keys of the words that a valid explanation names or changes, and of those in the human rationale.

    An added word stands at no position: a counterfactual that only adds names nothing.
    """
    explanation, rationale = transcript["explanation"], transcript["rationale"]
    keys = [word.key for word in words_of(transcript["fields"])]
    named = explanation["positions"] if explanation and explanation["valid"] else []
    marked = rationale["positions"] if rationale else []
    return {keys[position] for position in named}, {keys[position] for position in marked}


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
