"""The controls beside an explanation: random words, the best words, changes that mean nothing (metrics.md, 2 and 7)."""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

from faithfulness_metrics.erasure import label_probability
from faithfulness_metrics.words import random_positions, remove, seed_of
from lm_eval_tasks.calls import Answer, Call, Document, TaskSpec, told
from lm_eval_tasks.classification import Question
from lm_eval_tasks.styles.counterfactual import elsewhere, one_change
from lm_eval_tasks.styles.explanation import Explanation


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
    """Position sets of the single-word oracle: every type of word with all its occurrences.

    For a counterfactual of one new word, the places where the model's own edit can be made: every position, and where
    the model wrote it over several occurrences, every type of at most as many. Other counterfactuals have no such
    search: their oracle is what the explanation and the random sets reach.
    """
    if "oracle" not in spec.options.controls:
        return []
    by_key: dict[str, list[int]] = {}
    for position, word in enumerate(document.words):
        by_key.setdefault(word.key, []).append(position)
    if spec.style != "counterfactual":
        return list(by_key.values())
    if not explanation.valid or not one_change(document.words, explanation.edits):
        return []
    several = [places for places in by_key.values() if 1 < len(places) <= len(explanation.edits)]
    return [*([position] for position in range(len(document.words))), *several]


def at_positions(
    spec: TaskSpec, document: Document, explanation: Explanation, positions: Sequence[int]
) -> dict[str, str]:
    """The document perturbed at other positions, the way the explanation perturbs it."""
    if spec.style == "counterfactual":
        return elsewhere(document.fields, explanation.edits, positions)
    return remove(document.fields, document.words, positions, spec.options.operator, spec.options.mask)


def neutral_variants(spec: TaskSpec, document: Document) -> list[tuple[str, dict[str, str], Question]]:
    """Changes that leave the meaning alone (metrics.md, section 7): (name, document, question).

    The final full stop goes where there is one: the same text asked again would be counted as a change without effect.
    """
    fields, question = dict(document.fields), spec.question
    last = question.fields[-1]
    labels = list(question.labels)
    random.Random(seed_of(document.hash, "labels")).shuffle(labels)
    if tuple(labels) == question.labels:
        labels = [*labels[1:], labels[0]]
    variants = [("trailing blank", {**fields, last: fields[last] + " "}, question)]
    text = fields[last].rstrip()
    if text.endswith(".") and text.removesuffix("."):
        variants.append(("no final full stop", {**fields, last: text.removesuffix(".")}, question))
    return [
        *variants,
        ("mask appended", {**fields, last: f"{fields[last]} {spec.options.mask}"}, question),
        ("labels shuffled", fields, replace(question, labels=tuple(labels))),
    ]


def greedy_oracle(
    spec: TaskSpec, document: Document, prediction: Answer, explanation: Explanation, singles: list[dict[str, Any]]
) -> Generator[Sequence[Call], Sequence[Answer], list[dict[str, Any]]]:
    """Oracle of several words: the word that lowers the label's probability most, again and again, at equal k.

    Only sets of at most as many positions as the explanation takes out are tried; one that changes the answer comes
    before one that lowers the probability further.
    """
    if spec.style == "counterfactual":
        return []
    label, budget, steps = str(prediction.label), len(explanation.positions), []
    rows = [row for row in singles if len(row["positions"]) <= budget]
    while rows:
        best = min(rows, key=lambda row: (not _changes(row, label), _probability(row, label)))
        steps.append(best)
        taken = set(best["positions"])
        if len(taken) >= budget or _changes(best, label):
            break
        left = [set(row["positions"]) for row in singles]
        sets = [sorted(taken | more) for more in left if not more <= taken and len(taken | more) <= budget]
        if not sets:
            break
        answers = yield [spec.classify(at_positions(spec, document, explanation, positions)) for positions in sets]
        rows = [{"positions": p, **told(answer)} for p, answer in zip(sets, answers, strict=True)]
    return steps


def _changes(row: dict[str, Any], label: str) -> bool:
    return row["label"] not in (label, None)


def _probability(row: dict[str, Any], label: str) -> float:
    """Of the label among the labels (metrics.md, notation); 1 where no answer could be had."""
    return label_probability(row["logprobs"], label) if row["logprobs"] else 1.0
