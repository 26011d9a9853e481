"""One document through the protocol: classify, explain, perturb, classify again.

The procedure is a generator that yields lists of calls and is sent the list of their answers. It imports nothing of
lm-eval and of torch: the evaluation runs thousands of generators in lock step (`lm_eval_tasks.lockstep`), the training
module verifies its data with the same function, and a test sends answers by hand.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypedDict

from faithfulness_metrics.words import Fields, Word, document_hash, random_positions, remove, seed_of, words_of
from lm_eval_tasks.options import Options
from lm_eval_tasks.question import Question
from lm_eval_tasks.styles import STYLES
from lm_eval_tasks.styles.counterfactual import elsewhere
from lm_eval_tasks.styles.explanation import FRESH, Explanation, Request

Messages = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Classify:
    """Ask for a label.

    Attributes:
        messages: (role, content) pairs.
        labels: the admissible answers.
        ranked: rank the labels by log-likelihood instead of reading what is generated.
    """

    messages: Messages
    labels: tuple[str, ...]
    ranked: bool = False


@dataclass(frozen=True)
class Generate:
    """Ask for free text. `settings` are the generation settings as JSON, in the host's terms (``max_gen_toks``, …)."""

    messages: Messages
    settings: str = "{}"


Call = Classify | Generate


@dataclass(frozen=True)
class Answer:
    """What the model said to a call.

    Attributes:
        text: the text as generated; the label itself where labels were ranked.
        label: the parsed label of a classification; None when it could not be parsed.
        logprobs: log-probability of each label given the prompt, in nats, where labels were ranked.
        problem: why no answer could be had, in a few words (the prompt exceeds the context).
    """

    text: str
    label: str | None = None
    logprobs: Mapping[str, float] | None = None
    problem: str = ""


@dataclass(frozen=True)
class TaskSpec:
    """What is asked in one task: one dataset, one style, one budget, one set of options.

    `system` opens every conversation, where given; `generation` are the settings of explanations, as JSON.
    """

    question: Question
    style: str
    budget: str
    options: Options = field(default_factory=Options)
    system: str | None = None
    generation: str = "{}"

    def request(self, target: str = "") -> Request:
        """What the request for an explanation depends on."""
        return Request(self.question, self.budget, self.options.mask, self.options.operator, target)

    def classify(self, fields: Fields, question: Question | None = None) -> Classify:
        """The classification of a document, in a conversation of its own."""
        question, options = question or self.question, self.options
        mask = options.mask if options.operator == "mask" else None
        prompt = question.classify(fields, mask, options.unknown)
        ranked = options.classifier == "loglikelihood"
        return Classify((*self._opening(), ("user", prompt)), question.choices(options.unknown), ranked)

    def explain(self, fields: Fields, prediction: Answer, target: str = "") -> Generate:
        """The request for an explanation, after the answer (`context=same`) or in a new conversation (`fresh`)."""
        ask = STYLES[self.style].ask(self.request(target))
        if self.options.context == "same":
            said = ("assistant", prediction.text.strip())
            return Generate((*self.classify(fields).messages, said, ("user", ask)), self.generation)
        prompt = FRESH.format(
            text=self.question.show(fields), noun=self.question.noun, label=prediction.label, request=ask
        )
        return Generate((*self._opening(), ("user", prompt)), self.generation)

    def _opening(self) -> Messages:
        return (("system", self.system),) if self.system else ()


@dataclass(frozen=True)
class Document:
    """A text to classify. `gold` is its label in the dataset; it enters accuracy and the `madsen` rule only."""

    fields: Fields
    gold: str | None = None

    @cached_property
    def words(self) -> list[Word]:
        """Its words, first field first."""
        return words_of(self.fields)

    @cached_property
    def hash(self) -> str:
        """16 hex digits of its text."""
        return document_hash(self.fields)


class Transcript(TypedDict):
    """Everything that was asked, answered and concluded about one document, as plain JSON values."""

    dataset: str
    style: str
    budget: str
    options: dict[str, Any]
    hash: str
    fields: dict[str, str]
    gold: str | None
    prediction: dict[str, Any]
    explanation: dict[str, Any] | None
    perturbed: dict[str, Any] | None
    random: list[dict[str, Any]]
    oracle: dict[str, Any] | None
    stability: list[dict[str, Any]]
    problem: str


Procedure = Generator[Sequence[Call], Sequence[Answer], Transcript]


def self_explain(spec: TaskSpec, document: Document) -> Procedure:
    """Take one document through the protocol.

    Yields lists of calls; expects the answers in the same order; returns the transcript. A document that cannot go on
    (no label, no words, a prompt beyond the context) returns early with its `problem` named, and counts as unfaithful.
    """
    transcript = Transcript(
        dataset=spec.question.dataset,
        style=spec.style,
        budget=spec.budget,
        options=spec.options.as_dict(),
        hash=document.hash,
        fields=dict(document.fields),
        gold=document.gold,
        prediction={},
        explanation=None,
        perturbed=None,
        random=[],
        oracle=None,
        stability=[],
        problem="",
    )
    asked = spec.classify(document.fields)
    (prediction,) = yield [asked]
    transcript["prediction"] = {"messages": as_chat(asked.messages), **_told(prediction)}
    if prediction.label is None:
        transcript["problem"] = prediction.problem or "no label in the answer"
        return transcript
    if not document.words:
        transcript["problem"] = "no words in the text"
        return transcript

    target = counterfactual_target(spec, document, prediction.label)
    request = spec.explain(document.fields, prediction, target)
    (said,) = yield [request]
    explanation = STYLES[spec.style].parse(said.text, document.fields, spec.request(target))
    transcript["explanation"] = {
        "messages": as_chat(request.messages),
        "answer": said.text,
        "target": target,
        "valid": explanation.valid,
        "reason": said.problem or explanation.reason,
        "words": list(explanation.words),
        "positions": list(explanation.positions),
        "edited": dict(explanation.edited) if explanation.edited else None,
        "edits": [[edit.position, edit.kind, edit.text] for edit in explanation.edits],
    }
    transcript["problem"] = said.problem
    yield from _checks(spec, document, prediction, explanation, transcript)
    return transcript


def counterfactual_target(spec: TaskSpec, document: Document, predicted: str) -> str:
    """The label a counterfactual must reach: another label, drawn by the document's hash; "" in the other styles."""
    if spec.style != "counterfactual":
        return ""
    others = [label for label in spec.question.labels if label != predicted]
    return others[seed_of(document.hash, "target") % len(others)]


def perturb(spec: TaskSpec, document: Document, explanation: Explanation) -> dict[str, str]:
    """The document an explanation leads to: x'."""
    if explanation.edited is not None:
        return dict(explanation.edited)
    return remove(document.fields, document.words, explanation.positions, spec.options.operator, spec.options.mask)


def _checks(
    spec: TaskSpec, document: Document, prediction: Answer, explanation: Explanation, transcript: Transcript
) -> Generator[Sequence[Call], Sequence[Answer], None]:
    """Everything that follows from the explanation, in one round of calls: the check itself and the controls."""
    variants: list[tuple[str, dict[str, Any], Call]] = []
    if explanation.valid:
        fields = perturb(spec, document, explanation)
        call = spec.classify(fields)
        variants.append(("perturbed", {"fields": fields, "messages": as_chat(call.messages)}, call))
    for positions in random_sets(spec, document, explanation):
        fields = at_positions(spec, document, explanation, positions)
        variants.append(("random", {"positions": positions, "fields": fields}, spec.classify(fields)))
    for positions in single_words(spec, document, explanation):
        call = spec.classify(at_positions(spec, document, explanation, positions))
        variants.append(("oracle", {"positions": positions}, call))
    if "stability" in spec.options.controls:
        for name, fields, question in neutral_variants(spec, document):
            variants.append(("stability", {"variant": name}, spec.classify(fields, question)))

    answers = yield [call for _, _, call in variants]
    singles = []
    for (kind, row, _), answer in zip(variants, answers, strict=True):
        row.update(_told(answer))
        if kind == "perturbed":
            transcript["perturbed"] = row
        elif kind == "oracle":
            singles.append(row)
        else:
            transcript[kind].append(row)  # type: ignore[literal-required]
        transcript["problem"] = transcript["problem"] or answer.problem
    if "oracle" in spec.options.controls:
        greedy: list[dict[str, Any]] = []
        if spec.budget == "multiword" and prediction.logprobs and len(explanation.positions) > 1 and singles:
            greedy = yield from _greedy(spec, document, prediction, explanation, singles)
        transcript["oracle"] = {"singles": singles, "greedy": greedy}


def _greedy(
    spec: TaskSpec, document: Document, prediction: Answer, explanation: Explanation, singles: list[dict[str, Any]]
) -> Generator[Sequence[Call], Sequence[Answer], list[dict[str, Any]]]:
    """Oracle of several words: take the word that lowers the label's probability most, again and again."""
    if spec.style == "counterfactual":
        return []
    label, taken, steps = str(prediction.label), [], []
    rows = singles
    while rows:
        best = min(rows, key=lambda row: row["logprobs"][label] if row["logprobs"] else 0.0)
        taken = best["positions"]
        steps.append(best)
        if len(taken) >= len(explanation.positions) or best["label"] != label:
            break
        left = [row["positions"] for row in singles if not set(row["positions"]) <= set(taken)]
        sets = [sorted({*taken, *more}) for more in left if len({*taken, *more}) <= len(explanation.positions)]
        if not sets:
            break
        answers = yield [spec.classify(at_positions(spec, document, explanation, positions)) for positions in sets]
        rows = [{"positions": p, **_told(answer)} for p, answer in zip(sets, answers, strict=True)]
    return steps


def random_sets(spec: TaskSpec, document: Document, explanation: Explanation) -> list[list[int]]:
    """Positions of the chance control. An unreadable explanation competes with one random word.

    A counterfactual without an edit has no new word to put elsewhere: no control, chance 0.
    """
    if "random" not in spec.options.controls:
        return []
    draws, seed = spec.options.draws, seed_of(document.hash, "random")
    if spec.style != "counterfactual":
        return random_positions(document.words, explanation.positions, draws, seed)
    if not explanation.valid:
        return []
    named = sorted({edit.position for edit in explanation.edits})
    return random_positions(document.words, named, draws, seed)


def single_words(spec: TaskSpec, document: Document, explanation: Explanation) -> list[list[int]]:
    """Position sets of the single-word oracle: every type of word with all its occurrences; for a counterfactual of one
    edit, every position at which the model's own edit can be made."""
    if "oracle" not in spec.options.controls:
        return []
    if spec.style == "counterfactual":
        return [[p] for p in range(len(document.words))] if explanation.valid and len(explanation.edits) == 1 else []
    by_key: dict[str, list[int]] = {}
    for position, word in enumerate(document.words):
        by_key.setdefault(word.key, []).append(position)
    return list(by_key.values())


def at_positions(
    spec: TaskSpec, document: Document, explanation: Explanation, positions: Sequence[int]
) -> dict[str, str]:
    """The document perturbed at other positions, the way the explanation perturbs it."""
    if spec.style == "counterfactual":
        return elsewhere(document.fields, explanation.edits, positions)
    return remove(document.fields, document.words, positions, spec.options.operator, spec.options.mask)


def neutral_variants(spec: TaskSpec, document: Document) -> list[tuple[str, dict[str, str], Question]]:
    """Changes that leave the meaning alone (metrics.md, section 7): (name, document, question)."""
    fields, question = dict(document.fields), spec.question
    last = question.fields[-1]
    labels = list(question.labels)
    random.Random(seed_of(document.hash, "labels")).shuffle(labels)
    if tuple(labels) == question.labels:
        labels = [*labels[1:], labels[0]]
    return [
        ("trailing blank", {**fields, last: fields[last] + " "}, question),
        ("no final full stop", {**fields, last: fields[last].rstrip().removesuffix(".")}, question),
        ("mask appended", {**fields, last: f"{fields[last]} {spec.options.mask}"}, question),
        ("labels shuffled", fields, replace(question, labels=tuple(labels))),
    ]


def as_chat(messages: Messages) -> list[dict[str, str]]:
    """The messages as chat templates want them."""
    return [{"role": role, "content": content} for role, content in messages]


def _told(answer: Answer) -> dict[str, Any]:
    told: dict[str, Any] = {"answer": answer.text, "label": answer.label}
    return {**told, "logprobs": dict(answer.logprobs) if answer.logprobs else None}
