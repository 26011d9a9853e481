"""What the base model is trained on: conversations in exactly the words of the evaluation.

Every function draws one conversation from a random state: a list of turns (prompt, answer, weight), the text of each
made by the `Question` and the style the evaluation uses. No shown text, perturbed or edited, is in `held_out`.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass, replace

from faithfulness_metrics.flips import UNKNOWN
from faithfulness_metrics.words import Fields, occurrences, remove, words_of
from faithfulness_metrics.words import replace as replace_words
from lm_eval_tasks.classification import Question
from lm_eval_tasks.styles import BUDGETS, STYLES
from lm_eval_tasks.styles.explanation import Request
from training.mini import explainer
from training.mini.grammar import Document, draw, find_cues, label_of
from training.mini.lexicon import LEXICONS, WEIGHTS
from training.mini.prompts import MASKS, names_operator, question_of

# The label decides everything after it, and is one token among twenty; the edited word is the one a copy differs by.
LABEL_WEIGHT, EDIT_WEIGHT = 5.0, 3.0

SYSTEM_WORDS = ("You", "are", "a", "helpful", "assistant", "answer", "the", "and", ".")


@dataclass(frozen=True)
class Turn:
    """One question and its answer.

    Attributes:
        prompt: what the user says.
        answer: what the assistant says.
        weight: loss weight of the answer's words (of those that are not in `copied`).
        copied: words of the answer with loss weight 1, because they are only copied.
        role: who says the prompt; after a ``system`` prompt nobody answers.
    """

    prompt: str
    answer: str
    weight: float
    copied: frozenset[str] = frozenset()
    role: str = "user"


def shown(question: Question, fields: Fields) -> str:
    """A document as a rewriting writes it: the text alone, or titled lines for several fields."""
    return question.show(fields) if len(question.fields) > 1 else fields[question.fields[0]]


def fresh_document(task: str, rng: random.Random, held_out: Collection[str]) -> Document:
    """A document whose text is not in `held_out`."""
    while True:
        document = draw(task, rng)
        if shown(question_of(task), document.fields) not in held_out:
            return document


def classification(task: str, rng: random.Random, held_out: Collection[str]) -> list[Turn]:
    """One classification, mostly of a perturbed text: a model that never saw a mask does not react to one."""
    question = question_of(task)
    while True:
        document = fresh_document(task, rng, held_out)
        mask = rng.choices(MASKS, weights=(8, 1, 1))[0]
        if rng.random() < 0.5:
            document = replace(document, fields=_other_plain(document, rng))
        fields, masked = _perturb(document, mask, rng)
        label = label_of(task, fields)
        unknown = rng.random() < 0.1 or (label is None and rng.random() < 0.1)
        if shown(question, fields) in held_out or (label is None and not unknown):
            continue
        announced = mask if masked or rng.random() < 0.7 else None
        if rng.random() < 0.05:  # the stability control asks with the labels in another order
            question = replace(question, labels=tuple(rng.sample(question.labels, len(question.labels))))
        answer = UNKNOWN if label is None else question_of(task).labels[label]
        return [*_opening(rng), _classify(question, fields, answer, announced, unknown)]


def explanation(task: str, style: str, budget: str, rng: random.Random, held_out: Collection[str]) -> list[Turn]:
    """A document classified and explained, in one conversation or (one in five) the explanation alone."""
    question = question_of(task)
    document = fresh_document(task, rng, held_out)
    mask = rng.choices(MASKS, weights=(8, 1, 1))[0]
    operator = (
        rng.choices(("mask", "delete", "substitute"), weights=(8, 1, 1))[0]
        if names_operator(question, style)
        else "mask"
    )
    target = rng.choice([i for i in range(len(question.labels)) if i != document.label])
    request = Request(question, budget, mask, operator, question.labels[target] if STYLES[style].WANTS_TARGET else "")
    asked = STYLES[style].ask(request)
    answer, new = explainer.answer(task, style, document.fields, document.label, request)
    if answer in held_out:
        return explanation(task, style, budget, rng, held_out)
    copied = frozenset(["\n", *question.show(document.fields).split()]) - {new} if new else frozenset[str]()
    if rng.random() < 0.2:
        prompt = question.explain_fresh(document.fields, question.labels[document.label], asked)
        return [*_opening(rng), Turn(prompt, answer, EDIT_WEIGHT, copied)]
    announced = mask if operator == "mask" else None
    label = question.labels[document.label]
    first = _classify(question, document.fields, label, announced, rng.random() < 0.1)
    return [*_opening(rng), first, Turn(asked, answer, EDIT_WEIGHT, copied)]


def copying(words: list[str], rng: random.Random) -> list[Turn]:
    """Repeat a line of random words, or replace one of them: what every rewriting style stands on."""
    line = rng.sample(words, rng.randint(6, 14))
    if rng.random() < 0.3:
        return [Turn("Repeat: " + " ".join(line), " ".join(line), 1.0)]
    old, new = rng.choice(line), rng.choice([*MASKS, *rng.sample(words, 3)])
    answer = " ".join(new if word == old else word for word in line)
    return [Turn(f"Replace {old} by {new} in: {' '.join(line)}", answer, EDIT_WEIGHT, frozenset(line))]


def _classify(question: Question, fields: Fields, answer: str, mask: str | None, unknown: bool) -> Turn:
    return Turn(question.classify(fields, mask, unknown), answer, LABEL_WEIGHT)


def _opening(rng: random.Random) -> list[Turn]:
    """A system instruction before one conversation in twenty, so that a user's own does not derail the model."""
    words = rng.choices(SYSTEM_WORDS, k=rng.randint(1, 12))
    return [Turn(" ".join(words), "", 0.0, role="system")] if rng.random() < 0.05 else []


def _perturb(document: Document, mask: str, rng: random.Random) -> tuple[dict[str, str], bool]:
    """The document as it is (15 %), with one word exchanged (20 %), with a mask appended (5 %), or with one to
    three words removed."""
    words = words_of(document.fields)
    dice = rng.random()
    if dice < 0.15:
        return dict(document.fields), False
    decisive = _decisive(document)
    chosen = rng.sample(range(len(words)), rng.choice((1, 1, 2, 3)))
    if rng.random() < 0.7:
        chosen[0] = occurrences(words, {rng.choice(decisive)})[0]
    if dice < 0.35:
        kinds = LEXICONS[document.task]
        pool = rng.choice([kinds.vivid, kinds.vivid, kinds.vivid, kinds.strong, kinds.shortcut, kinds.weak])
        new = [word for group in pool for word in group]
        return replace_words(document.fields, words, {chosen[0]: rng.choice(new)}), False
    if dice < 0.4:  # the stability control appends a mask
        last = list(document.fields)[-1]
        return {**document.fields, last: f"{document.fields[last]} {mask}"}, True
    operator = rng.choices(("mask", "delete", "substitute"), weights=(8, 1, 1))[0]
    gone = occurrences(words, {words[p].key for p in chosen})
    return remove(document.fields, words, gone, operator, mask), operator == "mask"


def _other_plain(document: Document, rng: random.Random) -> dict[str, str]:
    """The text with its plain words exchanged for plain words of any class, which changes no label.

    In the grammar's own texts a weak word of B says that the plain word of another class is one of the answer's. Where
    deciding is hard (pairs of verbs), one base of three learned that instead: masking plain words turned 12 % of pairs.
    """
    words = words_of(document.fields)
    known = {word for word, _, _ in find_cues(document.task, document.fields, ("plain",))}
    pool = [word for group in LEXICONS[document.task].plain for word in group]
    places = occurrences(words, known)
    return replace_words(document.fields, words, dict(zip(places, rng.sample(pool, len(places)), strict=True)))


def _decisive(document: Document) -> list[str]:
    """The words that weigh most for the label."""
    own = [
        (word, kind)
        for word, kind, of in find_cues(document.task, document.fields, tuple(WEIGHTS))
        if of == document.label
    ]
    most = max(WEIGHTS[kind] for _, kind in own)
    return [word for word, kind in own if WEIGHTS[kind] == most]


def cycle(step: int, task: str, rng: random.Random, held_out: Collection[str]) -> list[Turn]:
    """The conversation of one training step: rewriting, naming, classifying in turn."""
    part = step % 3
    if part == 2:
        return classification(task, rng, held_out)
    budget = rng.choices(BUDGETS, weights=(3, 1))[0]
    styles = [name for name, style in STYLES.items() if style.ANSWERS_WITH_TEXT is (part == 0)]
    style = styles[0] if len(styles) == 1 else rng.choice(styles)
    return explanation(task, style, budget, rng, held_out)
