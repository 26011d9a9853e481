"""Does the classifier classify? Where it gives one answer to nearly all texts, no explanation of it can be tested.

docs/metrics.md, "12. What cannot be measured". Labels are the parsed verbalizers on unmasked text, [n_documents]. None
is an answer that could not be read, or a text without gold label.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from faithfulness_metrics.erasure import calibrated

# A classifier with a larger share of one answer is nearly constant, unless the texts are as unbalanced.
CONSTANT = 0.95
# A nearly constant classifier is one after all if it closes this share of the way from the majority's accuracy to 1.
# With 87 % ham, three correct "spam" of 60 close two fifths of it. With balanced labels, 95 % of one answer close at
# most a tenth.
GAIN = 0.1
# Where perturbations change a larger share of the answers, the answers depend on the texts after all.
CHANGES = 0.1
# With a larger share of unread answers, `faithful` mostly counts formats.
UNREAD = 0.5
# A run of equal answers that a classifier with the right rate of this label gives more often than this may be chance.
CHANCE = 0.05

# Number types in which a tie is no rounding.
EXACT = ("float32", "float64")

# A headroom of 0 up to the rounding of sums.
_ROUNDING = 1e-9


class Answers(NamedTuple):
    """Counts of a classifier's answers. All but `texts` are over the texts whose answer was read."""

    texts: int
    read: int
    label: str  # the most frequent answer; "" where none was read
    most: int  # texts with that answer
    known: int  # texts with a gold label
    right: int  # texts whose answer is the gold label
    majority: int  # texts with the most frequent gold label
    own: int  # texts whose gold label is `label`


class Obstacle(NamedTuple):
    """Why `faithful` and `lift` cannot be measured."""

    kind: str  # "unread", "constant", "few" or "headroom"; `remedy` knows what to do
    short: str  # for a table, in a few words
    reason: str  # a clause with the numbers


def count_answers(predictions: Sequence[str | None], golds: Sequence[str | None]) -> Answers:
    """Count predictions and gold labels of the same texts.

    Raises:
        ValueError: the lengths differ.
    """
    return count_pairs(Counter(zip(predictions, golds, strict=True)))


def count_pairs(pairs: Mapping[tuple[str | None, str | None], int]) -> Answers:
    """`count_answers` from the number of texts of each (prediction, gold label): boards have millions of texts."""
    labels, gold_labels, right = Counter[str](), Counter[str](), 0
    for (prediction, gold), count in pairs.items():
        if prediction is not None:
            labels[prediction] += count
            right += count * (prediction == gold)
            if gold is not None:
                gold_labels[gold] += count
    label, most = labels.most_common(1)[0] if labels else ("", 0)
    majority, own = max(gold_labels.values(), default=0), gold_labels[label]
    return Answers(sum(pairs.values()), labels.total(), label, most, gold_labels.total(), right, majority, own)


def answer_share(answers: Answers) -> float:
    """Share of the most frequent answer among all texts; nan without texts. Unread answers are in the denominator."""
    return answers.most / answers.texts if answers.texts else math.nan


def is_nearly_constant(answers: Answers) -> bool:
    """Whether one answer has at least `CONSTANT` of those read, and accuracy is not much above the majority's.

    "Not much" is `GAIN` of the way from the majority's accuracy to 1, so that a good classifier of unbalanced texts is
    not meant: 97 % right where 87 % have one label. Without gold labels the share alone decides.
    """
    if not answers.read or answers.most < CONSTANT * answers.read:
        return False
    room = answers.known - answers.majority
    return not room or answers.right - answers.majority <= GAIN * room + _ROUNDING


def may_be_chance(answers: Answers) -> bool:
    """Whether a working classifier could give this answer so often on so few texts.

    It would give the label at the rate of the gold labels, p = (own + 1) / (known + 2). That is Laplace's rule: few
    texts do not say the rate well. The probability of `most` or more of `read` is then binomial, and compared with
    `CHANCE`. True without gold labels, and where all texts have this one.
    """
    if not answers.known:
        return True
    rate = (answers.own + 1) / (answers.known + 2)
    tail = (
        math.comb(answers.read, count) * rate**count * (1 - rate) ** (answers.read - count)
        for count in range(answers.most, answers.read + 1)
    )
    return answers.own == answers.known or sum(tail) > CHANCE


def obstacle(
    answers: Answers, changes: float | None = 0.0, headroom: float | None = None, label_mass: float | None = None
) -> Obstacle | None:
    """Why `faithful` and `lift` cannot be measured; None where they can, or where nothing can be said.

    Args:
        answers: on the unmasked texts.
        changes: share of the texts that some perturbation gives another answer: the mean over texts of the largest of
            `faithful`, `faithful_random` and `faithful_oracle`. Above `CHANGES` a constant answer is no obstacle. With
            few texts, or texts of one gold label, it is none above 0. None where no perturbation was tried.
        headroom: mean of `faithful_oracle` minus `faithful_random`, of a style that removes words; None if unknown.
        label_mass: mean probability that the labels hold together, where they are ranked; only told.
    """
    texts, read = answers.texts, answers.read
    if unread := texts - read:
        share = f"no label can be read in {unread} of {texts} answers"
        if unread > UNREAD * texts:
            return Obstacle("unread", f"no label in {unread} of {texts}", share)
    if read > 1 and is_nearly_constant(answers):
        chance = may_be_chance(answers)
        if (changes or 0.0) <= (0 if chance else CHANGES) + _ROUNDING:
            of_texts = f"{answers.most} of {texts} texts"
            if unread:
                of_texts = f"{answers.most} of the {read} texts whose answer can be read, of {texts},"
            reason = f'the model answers "{answers.label}" for {of_texts} ({_accuracy(answers, label_mass)})'
            reason += ", and no change that was tried alters an answer" if chance and changes is not None else ""
            return Obstacle("few" if chance else "constant", f"one answer for {answers.most} of {texts}", reason)
    if headroom is not None and texts > 1 and headroom <= _ROUNDING:
        reason = (
            "random words change the answers as often as the best words that were tried"
            if changes
            else f"no word that was tried changes an answer (0 of {texts} texts)"
        )
        return Obstacle("headroom", f"headroom {min(headroom, 0.0) + 0.0:.2f}", reason)
    return None


def is_tied(logprobs: Mapping[str, float], prior: Mapping[str, float] | None = None) -> bool:
    """Whether the two best labels have exactly the same log-probability, after the prior.

    >>> is_tied({"a": -1.25, "b": -1.25, "c": -3.0}), is_tied({"a": -1.25, "b": -1.25}, {"a": -1.0, "b": -2.0})
    (True, False)
    """
    scores = sorted(calibrated(logprobs, prior).values(), reverse=True)
    return len(scores) > 1 and scores[0] == scores[1]


def tie_line(tied: int, ranked: int, dtype: str, option: str) -> str:
    """How many answers have two best labels, and what to do, in one line; empty where none has.

    Args:
        tied, ranked: answers with a tie, and answers whose labels were ranked.
        dtype: number type of the model, such as "bfloat16"; "" if unknown.
        option: what loads the model in float32.

    >>> tie_line(3, 20, "bfloat16", "--dtype float32")
    'the two best labels tie in 3 of 20 answers (15.0%), and the first of them counts: bfloat16 rounds; use --dtype \
float32'
    """
    if not tied:
        return ""
    reason = f"{dtype} rounds; use {option}" if dtype else f"where the model rounds, use {option}"
    if dtype in EXACT:
        reason = f"the model does not tell them apart in {dtype}; use other labels or another model"
    return (
        f"the two best labels tie in {tied} of {ranked} answers ({tied / ranked:.1%}), "
        f"and the first of them counts: {reason}"
    )


# How each interface is told to use a classifier, and to put examples before the question ("" where it cannot).
INTERFACES = {
    "lm_eval": ("--metadata classifier={}", "--num_fewshot 4"),
    "command": ("--classifier {}", "--num-fewshot 4"),
    "evaluate": ('classifier="{}"', "examples=[(text, label), …]"),
    "evaluate_functions": ('classifier="{}" with a predict that returns probabilities', ""),
}


def remedy(kind: str, classifier: str, examples: bool = False, interface: str = "lm_eval") -> str:
    """What to do about an obstacle, as the end of a sentence.

    Args:
        kind: of the obstacle.
        classifier: the option of that name which was used.
        examples: whether labelled examples stood before the question.
        interface: who reads it, a key of `INTERFACES`.
    """
    option, shots = INTERFACES[interface]
    shots = "" if examples or not shots else f"{shots}, "
    if kind == "headroom":
        return "take more texts, a budget of several words, or another model"
    if kind == "unread":
        ranked = f"{option.format('loglikelihood')}, which ranks the labels, " if classifier == "generate" else ""
        return (
            f"use {ranked}{shots}thinking_tokens for a model that thinks first, or synonyms for a model that has other "
            "words for the labels"
        )
    calibrated = "" if classifier == "calibrated" else f"{option.format('calibrated')}, "
    texts = "take more texts, of every label" if kind == "few" else ""
    model = f"use {calibrated}{shots}or another model" if calibrated or shots else "use another model"
    return f"{texts}; if that does not help, {model}" if texts else model


def sentence(reason: Obstacle, what_to_do: str, consequence: str = "faithful and lift cannot be measured") -> str:
    """The obstacle, what follows, and the remedy, in one line.

    >>> reason = obstacle(count_answers(["negative"] * 150, ["negative"] * 76 + ["positive"] * 74))
    >>> sentence(reason, "use another model") if reason else ""
    'the model answers "negative" for 150 of 150 texts (accuracy .51, majority .51): faithful and lift cannot be \
measured; use another model'
    """
    return f"{reason.reason}: {consequence}; {what_to_do}"


def _accuracy(answers: Answers, label_mass: float | None) -> str:
    parts = ["no gold labels"]
    if answers.known:
        parts = [f"accuracy {_rate(answers.right / answers.read)}, majority {_rate(answers.majority / answers.read)}"]
    if label_mass is not None and not math.isnan(label_mass):
        parts.append(f"the labels together hold {label_mass:.2g} of the probability")
    return "; ".join(parts)


def _rate(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")
