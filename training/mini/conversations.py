"""What the base model is trained on: conversations in exactly the words of the evaluation.

Every function draws one conversation from a random state: a list of turns (prompt, answer, weight), the text of each
made by the `Question` and the style the evaluation uses. No shown text, perturbed or edited, is one of `banned`.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass

from faithfulness_metrics.words import Fields, document_hash, filler_for, occurrences, remove, replace, words_of
from lm_eval_tasks.question import UNKNOWN
from lm_eval_tasks.styles import STYLES
from lm_eval_tasks.styles.explanation import FRESH, Request
from training.mini import explainer
from training.mini.grammar import Document, draw, find_cues, label_of
from training.mini.lexicon import LEXICONS, WEIGHTS
from training.mini.prompts import BUDGETS, MASKS, question_of

# The label decides everything after it, and is one token among twenty; the edited word is the one a copy differs by.
LABEL_WEIGHT, EDIT_WEIGHT = 5.0, 3.0


@dataclass(frozen=True)
class Turn:
    """One question and its answer.

    Attributes:
        prompt: what the user says.
        answer: what the assistant says.
        weight: loss weight of the answer's words (of those that are not in `copied`).
        copied: words of the answer with loss weight 1, because they are only copied.
    """

    prompt: str
    answer: str
    weight: float
    copied: frozenset[str] = frozenset()


def fresh_document(task: str, rng: random.Random, banned: Collection[str]) -> Document:
    """A document whose text is not one of `banned` (hashes of test and validation texts)."""
    while True:
        document = draw(task, rng)
        if document_hash(document.fields) not in banned:
            return document


def classification(task: str, rng: random.Random, banned: Collection[str]) -> list[Turn]:
    """One classification, mostly of a perturbed text: a model that never saw a mask does not react to one."""
    while True:
        document = fresh_document(task, rng, banned)
        mask = rng.choices(MASKS, weights=(8, 1, 1))[0]
        fields, masked = _perturb(document, mask, rng)
        label = label_of(task, fields)
        unknown = rng.random() < 0.1 or (label is None and rng.random() < 0.1)
        if document_hash(fields) in banned or (label is None and not unknown):
            continue
        announce = mask if masked or rng.random() < 0.7 else None
        return [_classify(task, fields, label, announce, unknown)]


def explanation(task: str, style: str, budget: str, rng: random.Random, banned: Collection[str]) -> list[Turn]:
    """A document classified and explained, in one conversation or (one in five) the explanation alone."""
    question = question_of(task)
    while True:
        document = fresh_document(task, rng, banned)
        words = explainer.named(task, document.fields, document.label, budget)
        mask = rng.choices(MASKS, weights=(8, 1, 1))[0]
        operator = rng.choices(("mask", "delete", "substitute"), weights=(8, 1, 1))[0] if style == "attribution" else "mask"
        target = rng.choice([i for i in range(len(question.labels)) if i != document.label])
        new = explainer.usual(task, target) if style == "counterfactual" else mask
        edited = explainer.rewritten(document.fields, words, new)
        if document_hash(edited) not in banned:
            break
    request = Request(question, budget, mask, operator, question.labels[target] if style == "counterfactual" else "")
    asked = STYLES[style].ask(request)
    if style == "attribution":
        answer, copied = ", ".join(words), frozenset[str]()
    else:
        answer = question.show(edited) if len(question.fields) > 1 else edited[question.fields[0]]
        copied = frozenset(["\n", *question.show(document.fields).split()]) - {new}
    if rng.random() < 0.2:
        prompt = FRESH.format(
            text=question.show(document.fields), noun=question.noun, label=question.labels[document.label], request=asked
        )
        return [Turn(prompt, answer, EDIT_WEIGHT, copied)]
    announce = mask if operator == "mask" else None
    first = _classify(task, document.fields, document.label, announce, rng.random() < 0.1)
    return [first, Turn(asked, answer, EDIT_WEIGHT, copied)]


def copying(words: list[str], rng: random.Random) -> list[Turn]:
    """Repeat a line of random words, or replace one of them: what every rewriting style stands on."""
    line = rng.sample(words, rng.randint(6, 14))
    if rng.random() < 0.3:
        return [Turn("Repeat: " + " ".join(line), " ".join(line), 1.0)]
    old, new = rng.choice(line), rng.choice([*MASKS, *rng.sample(words, 3)])
    answer = " ".join(new if word == old else word for word in line)
    return [Turn(f"Replace {old} by {new} in: {' '.join(line)}", answer, EDIT_WEIGHT, frozenset(line))]


def _classify(task: str, fields: Fields, label: int | None, mask: str | None, unknown: bool) -> Turn:
    question = question_of(task)
    answer = UNKNOWN if label is None else question.labels[label]
    return Turn(question.classify(fields, mask, unknown), answer, LABEL_WEIGHT)


def _perturb(document: Document, mask: str, rng: random.Random) -> tuple[dict[str, str], bool]:
    """The document as it is (15 %), with one to three words removed (75 %), or with one word exchanged (10 %)."""
    words = words_of(document.fields)
    dice = rng.random()
    if dice < 0.15:
        return dict(document.fields), False
    decisive = _decisive(document)
    chosen = rng.sample(range(len(words)), rng.choice((1, 1, 2, 3)))
    if rng.random() < 0.5:
        chosen[0] = occurrences(words, {rng.choice(decisive)})[0]
    if dice < 0.25:
        kinds = LEXICONS[document.task]
        pool = rng.choice([kinds.strong, kinds.shortcut, kinds.plain])
        new = [word for group in pool for word in group if word] or [filler_for(words[chosen[0]].key)]
        return replace(document.fields, words, {chosen[0]: rng.choice(new)}), False
    operator = rng.choices(("mask", "delete", "substitute"), weights=(8, 1, 1))[0]
    gone = occurrences(words, {words[p].key for p in chosen})
    return remove(document.fields, words, gone, operator, mask), operator == "mask"


def _decisive(document: Document) -> list[str]:
    """The words that weigh most for the label."""
    own = [(word, kind) for word, kind, of in find_cues(document.task, document.fields, tuple(WEIGHTS)) if of == document.label]
    most = max(WEIGHTS[kind] for _, kind in own)
    return [word for word, kind in own if WEIGHTS[kind] == most]


def cycle(step: int, task: str, rng: random.Random, banned: Collection[str]) -> list[Turn]:
    """The conversation of one training step: rewriting, naming, classifying in turn."""
    part = step % 3
    if part == 2:
        return classification(task, rng, banned)
    budget = rng.choices(BUDGETS, weights=(2, 1))[0]
    style = "attribution" if part else rng.choice(("redaction", "counterfactual"))
    return explanation(task, style, budget, rng, banned)
