"""From a transcript to the metric values of one document: whether its answers change.

The formulas are in `faithfulness_metrics`; this module and the others of its name read their arguments from the
transcript. `lm_eval_tasks.metrics` says which task reports which value, and turns the documents' values into one. A
value that is not defined for a document is nan.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from faithful_se.transcript import AnswerRecord, ExplanationRecord, Transcript, UnitRecord
from faithfulness_metrics import flips
from faithfulness_metrics.words import Word, words_of
from lm_eval_tasks.styles import STYLES


def faithful(transcript: Transcript) -> float:
    """The headline rule: `faithfulness_metrics.flips.faithful`."""
    return flip(transcript, transcript["perturbed"])


def valid(transcript: Transcript) -> float:
    """Whether the explanation could be read and obeys its format."""
    return float(valid_explanation(transcript) is not None)


def accuracy(transcript: Transcript) -> float:
    """Whether the prediction is the gold label; an unread prediction is wrong."""
    label = transcript["prediction"]["label"]
    return float(label is not None and label == transcript["gold"])


def faithful_random(transcript: Transcript) -> float:
    """Share of the random word sets that change the answer; 0 without any."""
    return share_of_flips(transcript, transcript["random"])


def share_of_flips(transcript: Transcript, variants: Sequence[AnswerRecord]) -> float:
    """Share of some perturbed documents on which the answer changes as the style demands; 0 without any."""
    return sum(flip(transcript, variant) for variant in variants) / len(variants) if variants else 0.0


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
    return max([faithful(transcript), *(flip(transcript, variant) for variant in variants)])


def lift_given_valid(transcript: Transcript) -> float:
    """`lift` of a valid explanation; nan without one. Format apart from truth: `valid` 0 has a `lift` below 0."""
    return lift(transcript) if valid_explanation(transcript) else math.nan


def headroom(transcript: Transcript) -> float:
    """`faithful_oracle` minus `faithful_random`: its mean is what an explanation could gain over random words."""
    return faithful_oracle(transcript) - faithful_random(transcript)


def ccf_parts(transcript: Transcript) -> list[float]:
    """The three parts of the ratio of means: faithful, random, oracle."""
    return [faithful(transcript), faithful_random(transcript), faithful_oracle(transcript)]


def phi_counts(transcript: Transcript) -> list[float]:
    """Four numbers of types of words for φ-CCT: those that flip and are named, only flip, only are named, neither.

    All 0 without a valid explanation.
    """
    oracle, named, counts = transcript["oracle"], named_types(transcript), [0.0] * 4
    if oracle and named:
        for variant, is_named in zip(oracle["singles"], named, strict=True):
            counts[2 * (flip(transcript, variant) == 0) + (not is_named)] += 1
    return counts


def masked_fraction(transcript: Transcript) -> float:
    """Share of the document's words that a valid explanation removes."""
    explanation = valid_explanation(transcript)
    if explanation is None:
        return math.nan
    words, named = words_of(transcript["fields"]), set(explanation["positions"])
    if "units" not in transcript:
        return len(explanation["positions"]) / len(words)
    spans = [span for position, span in enumerate(transcript["units"]) if position in named]
    return sum(any(_is_in(word, span) for span in spans) for word in words) / len(words)


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


def _is_in(word: Word, unit: UnitRecord) -> bool:
    return word.field == unit["field"] and unit["start"] <= word.start < unit["end"]


def valid_explanation(transcript: Transcript) -> ExplanationRecord | None:
    """The explanation, if it could be read and obeys its format."""
    explanation = transcript["explanation"]
    return explanation if explanation and explanation["valid"] else None


def flip(transcript: Transcript, variant: AnswerRecord | None) -> float:
    """Whether the answer to a perturbed document differs as the style demands; 0 without an explanation."""
    explanation = transcript["explanation"]
    if variant is None or explanation is None:
        return 0.0
    prediction = transcript["prediction"]["label"]
    return flips.faithful(True, prediction, variant["label"], explanation["target"] or None)


def named_types(transcript: Transcript) -> list[bool]:
    """For each type of word that the oracle tried, whether a valid explanation names it; empty without one."""
    explanation, oracle = valid_explanation(transcript), transcript["oracle"]
    if explanation is None or oracle is None:
        return []
    positions = set(explanation["positions"])
    return [not positions.isdisjoint(variant["positions"]) for variant in oracle["singles"]]
