"""From a transcript to the metric values of one document.

The formulas are in `faithfulness_metrics`; this module reads their arguments from the transcript.
`lm_eval_tasks.metrics` says which task reports which value, and turns the documents' values into one. A value that is
not defined for a document is nan.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from faithful_se.transcript import AnswerRecord, ExplanationRecord, Transcript, UnitRecord
from faithfulness_metrics import counterfactual, erasure, flips, plausibility
from faithfulness_metrics.edited_words import edited_keys
from faithfulness_metrics.words import Word, keys_by_field, words_of
from lm_eval_tasks.classification import Question
from lm_eval_tasks.styles import STYLES


def faithful(transcript: Transcript) -> float:
    """The headline rule: `faithfulness_metrics.flips.faithful`."""
    return _flip(transcript, transcript["perturbed"])


def valid(transcript: Transcript) -> float:
    """Whether the explanation could be read and obeys its format."""
    return float(_valid_explanation(transcript) is not None)


def accuracy(transcript: Transcript) -> float:
    """Whether the prediction is the gold label; an unread prediction is wrong."""
    label = transcript["prediction"]["label"]
    return float(label is not None and label == transcript["gold"])


def faithful_random(transcript: Transcript) -> float:
    """Share of the random word sets that change the answer; 0 without any."""
    return share_of_flips(transcript, transcript["random"])


def share_of_flips(transcript: Transcript, variants: Sequence[AnswerRecord]) -> float:
    """Share of some perturbed documents on which the answer changes as the style demands; 0 without any."""
    return sum(_flip(transcript, variant) for variant in variants) / len(variants) if variants else 0.0


def lift(transcript: Transcript) -> float:
    """`faithful` minus `faithful_random` of the document; its mean over documents is the lift."""
    return faithful(transcript) - faithful_random(transcript)


def faithful_oracle(transcript: Transcript) -> float:
    """Whether any set of words that was tried changes the answer.

    These are the explanation itself, the random sets, every single word, and greedy sets of at most the explanation's
    size. A single word is removed with all its occurrences, even if the explanation has fewer positions.
    """
    oracle = transcript["oracle"] or {"singles": [], "greedy": []}
    variants = [*oracle["singles"], *oracle["greedy"], *transcript["random"]]
    return max([faithful(transcript), *(_flip(transcript, variant) for variant in variants)])


def lift_given_valid(transcript: Transcript) -> float:
    """`lift` of a valid explanation; nan without one. Format apart from truth: `valid` 0 has a `lift` below 0."""
    return lift(transcript) if _valid_explanation(transcript) else math.nan


def headroom(transcript: Transcript) -> float:
    """`faithful_oracle` minus `faithful_random`: its mean is what an explanation could gain over random words."""
    return faithful_oracle(transcript) - faithful_random(transcript)


def ccf_parts(transcript: Transcript) -> list[float]:
    """The three parts of the ratio of means: faithful, random, oracle."""
    return [faithful(transcript), faithful_random(transcript), faithful_oracle(transcript)]


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
    return probability_drop(transcript, transcript["perturbed"]) if _valid_explanation(transcript) else math.nan


def comprehensiveness_lift(transcript: Transcript) -> float:
    """`comprehensiveness` minus its mean over as many random words: removing any words costs some probability."""
    drops = [probability_drop(transcript, variant) for variant in transcript["random"]]
    return comprehensiveness(transcript) - sum(drops) / len(drops) if drops else math.nan


def graded_lift(transcript: Transcript) -> float:
    """`lift` of probabilities: what the explanation does to the label, minus what random words do to it on average.

    The effect is the drop of the predicted label's probability, or the rise of the target's in styles with a target. It
    is 0 of an explanation that is not valid. nan where labels were not ranked.
    """
    effect = _effect(transcript, transcript["perturbed"]) if _valid_explanation(transcript) else 0.0
    chance = [_effect(transcript, variant) for variant in transcript["random"]]
    return effect - (sum(chance) / len(chance) if chance else 0.0)


def phi_counts(transcript: Transcript) -> list[float]:
    """Four numbers of types of words for φ-CCT: those that flip and are named, only flip, only are named, neither.

    All 0 without a valid explanation.
    """
    oracle, named, counts = transcript["oracle"], named_types(transcript), [0.0] * 4
    if oracle and named:
        for variant, is_named in zip(oracle["singles"], named, strict=True):
            counts[2 * (_flip(transcript, variant) == 0) + (not is_named)] += 1
    return counts


def masked_fraction(transcript: Transcript) -> float:
    """Share of the document's words that a valid explanation removes."""
    explanation = _valid_explanation(transcript)
    if explanation is None:
        return math.nan
    words, named = words_of(transcript["fields"]), set(explanation["positions"])
    if "units" not in transcript:
        return len(explanation["positions"]) / len(words)
    spans = [span for position, span in enumerate(transcript["units"]) if position in named]
    return sum(any(_is_in(word, span) for span in spans) for word in words) / len(words)


def one_edit(transcript: Transcript) -> float:
    """Whether the edited document is exactly one word, or sentence, away; nan without an edited document."""
    pair = _edited(transcript)
    if pair and "units" in transcript and transcript["explanation"]:
        return float(len(transcript["explanation"]["edits"]) == 1)
    return counterfactual.one_edit(*pair) if pair else math.nan


def edit_fraction(transcript: Transcript) -> float:
    """Word-level edit distance over the most that could change; nan without an edited document."""
    pair = _edited(transcript)
    return counterfactual.edit_fraction(*pair) if pair else math.nan


def label_leak(transcript: Transcript, question: Question) -> float:
    """Whether the edit adds a label; nan without an edited document."""
    explanation = transcript["explanation"]
    if explanation is None or explanation["edited"] is None:
        return math.nan
    return float(question.pastes_label(transcript["fields"], explanation["edited"]))


def stability_q(transcript: Transcript) -> float:
    """Share of the meaning-neutral changes that change the answer: 1 for a model that anything flips.

    The rule is that of `faithful`, so that the two can be subtracted: an answer that could not be read or generated is
    no change.
    """
    prediction = transcript["prediction"]["label"]
    changes = [flips.faithful(True, prediction, variant["label"]) for variant in transcript["stability"]]
    return sum(changes) / len(changes) if changes else math.nan


def abstain(transcript: Transcript) -> float:
    """Whether the model answers "unknown" on the perturbed document."""
    perturbed = transcript["perturbed"]
    return flips.abstain(perturbed["label"] if perturbed else None)


def madsen(transcript: Transcript, labels: Sequence[str]) -> float:
    """The rule of Madsen et al. 2024; nan for documents that the paper leaves out."""
    wants_target, perturbed = STYLES[transcript["style"]].WANTS_TARGET, transcript["perturbed"]
    answers = transcript["prediction"]["label"], perturbed["label"] if perturbed else None
    return flips.madsen(wants_target, *answers, transcript["gold"], labels)


def plausibility_f1(transcript: Transcript) -> float:
    """Overlap of the named words with the words that people marked, as F1; nan where nobody marked any."""
    return plausibility.token_f1(*_named_and_marked(transcript))


def plausibility_iou(transcript: Transcript) -> float:
    """The same overlap as intersection over union."""
    return plausibility.iou(*_named_and_marked(transcript))


def _is_in(word: Word, unit: UnitRecord) -> bool:
    return word.field == unit["field"] and unit["start"] <= word.start < unit["end"]


def _valid_explanation(transcript: Transcript) -> ExplanationRecord | None:
    explanation = transcript["explanation"]
    return explanation if explanation and explanation["valid"] else None


def _flip(transcript: Transcript, variant: AnswerRecord | None) -> float:
    explanation = transcript["explanation"]
    if variant is None or explanation is None:
        return 0.0
    prediction = transcript["prediction"]["label"]
    return flips.faithful(True, prediction, variant["label"], explanation["target"] or None)


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


def named_types(transcript: Transcript) -> list[bool]:
    """For each type of word that the oracle tried, whether a valid explanation names it; empty without one."""
    explanation, oracle = _valid_explanation(transcript), transcript["oracle"]
    if explanation is None or oracle is None:
        return []
    positions = set(explanation["positions"])
    return [not positions.isdisjoint(variant["positions"]) for variant in oracle["singles"]]


def _leave_one_out(transcript: Transcript) -> tuple[list[float], list[int]]:
    """The drops, and which types of words are named."""
    deltas = _deltas(transcript)
    named = [index for index, is_named in enumerate(named_types(transcript)) if is_named]
    return (deltas, named) if deltas and named else ([], [])


def _edited(transcript: Transcript) -> tuple[counterfactual.Keys, counterfactual.Keys] | None:
    explanation = transcript["explanation"]
    if explanation is None or explanation["edited"] is None:
        return None
    original, edited = transcript["fields"], explanation["edited"]
    return keys_by_field(original), edited_keys(edited, original)


def _named_and_marked(transcript: Transcript) -> tuple[set[str], set[str]]:
    """Keys of the words that a valid explanation names or changes, and of the words that people marked.

    Of sentences, their numbers: a sentence is marked where one of its words is.

    An added word has no position, so a counterfactual that only adds words names nothing.
    """
    explanation, rationale = _valid_explanation(transcript), transcript["rationale"]
    keys: Sequence[str] = [word.key for word in words_of(transcript["fields"])]
    if "units" in transcript:
        keys = list(map(str, range(len(transcript["units"]))))
    named = explanation["positions"] if explanation else []
    marked = rationale["positions"] if rationale else []
    return {keys[position] for position in named}, {keys[position] for position in marked}
