"""The training conversations of the base model, in exactly the words of the evaluation.

Every function draws one conversation from a random state: a list of turns (prompt, answer, weight). The `Question` and
the styles of the evaluation write their texts. No text in a conversation, perturbed or edited, is in `held_out`.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass, replace

from faithfulness_metrics.flips import UNKNOWN
from faithfulness_metrics.words import Fields, occurrences, remove, words_of
from faithfulness_metrics.words import replace as replace_words
from lm_eval_tasks.classification import Question
from lm_eval_tasks.styles import BUDGETS, EXPLANATION_STYLES, STYLES
from lm_eval_tasks.styles.explanation import Request
from training.mini.grammar import Document, draw, find_cues, label_of
from training.mini.lexicon import LEXICONS, WEIGHTS
from training.mini.prompts import MASKS, names_operator, question_of

# Without these weights two decisive tokens are lost among many: the label, and the word that differs from the text.
LABEL_WEIGHT, EDIT_WEIGHT = 5.0, 3.0

SYSTEM_WORDS = ("You", "are", "a", "helpful", "assistant", "answer", "the", "and", ".")


@dataclass(frozen=True)
class Turn:
    """A prompt and its answer."""

    prompt: str  # the message of `role`
    answer: str  # the assistant's message
    weight: float  # loss weight of the answer's words, except those in `copied`
    copied: frozenset[str] = frozenset()  # words of the answer with loss weight 1, because they are only copied
    role: str = "user"  # or "system", for a message without an answer


def document_text(question: Question, fields: Fields) -> str:
    """A document as rewriting styles write it: the text alone, or titled lines for several fields."""
    return question.show(fields) if len(question.fields) > 1 else fields[question.fields[0]]


def fresh_document(task: str, rng: random.Random, held_out: Collection[str]) -> Document:
    """Draw a document whose text is not in `held_out`."""
    while True:
        document = draw(task, rng)
        if document_text(question_of(task), document.fields) not in held_out:
            return document


def classification(task: str, rng: random.Random, held_out: Collection[str]) -> list[Turn]:
    """One classification, mostly of a perturbed text, because a model reacts only to masks that it was trained on."""
    question = question_of(task)
    while True:
        document = fresh_document(task, rng, held_out)
        mask = rng.choices(MASKS, weights=(8, 1, 1))[0]
        if rng.random() < 0.5:
            document = replace(document, fields=_exchange_plain_words(document, rng))
        fields, is_masked = _perturb(document, mask, rng)
        label = label_of(task, fields)
        unknown = rng.random() < 0.1 or (label is None and rng.random() < 0.1)
        if document_text(question, fields) in held_out or (label is None and not unknown):
            continue
        announced = mask if is_masked or rng.random() < 0.7 else None
        if rng.random() < 0.05:  # the stability control asks with the labels in another order
            question = question.with_labels(rng.sample(question.labels, len(question.labels)))
        answer = UNKNOWN if label is None else question_of(task).labels[label]
        return [*_opening(rng), Turn(question.classify(fields, announced, unknown), answer, LABEL_WEIGHT)]


def explanation(task: str, style: str, budget: str, rng: random.Random, held_out: Collection[str]) -> list[Turn]:
    """A document classified and explained in one conversation; in one of five cases the explanation alone."""
    question = question_of(task)
    document = fresh_document(task, rng, held_out)
    mask = rng.choices(MASKS, weights=(8, 1, 1))[0]
    operator = _draw_operator(rng) if names_operator(question, style) else "mask"
    target = rng.choice([i for i in range(len(question.labels)) if i != document.label])
    request = Request(question, budget, mask, operator, question.labels[target] if STYLES[style].WANTS_TARGET else "")
    instruction = STYLES[style].ask(request)
    answer, new = taught_explanation(style, document, request)
    if answer in held_out:
        return explanation(task, style, budget, rng, held_out)
    copied = frozenset(["\n", *question.show(document.fields).split()]) - {new} if new else frozenset[str]()
    label = question.labels[document.label]
    if rng.random() < 0.2:
        prompt = question.explain_fresh(document.fields, label, instruction)
        return [*_opening(rng), Turn(prompt, answer, EDIT_WEIGHT, copied)]
    announced = mask if operator == "mask" else None
    prompt = question.classify(document.fields, announced, rng.random() < 0.1)
    first = Turn(prompt, label, LABEL_WEIGHT)
    return [*_opening(rng), first, Turn(instruction, answer, EDIT_WEIGHT, copied)]


def taught_explanation(style: str, document: Document, request: Request) -> tuple[str, str]:
    """The explanation that the base is taught: plausible, and blind to what decides its answer.

    Asked why, it names a word that a person might name: a *plain* word of its answer's class. Asked for several words,
    it names all of these. It never names a word that decides. Asked for a counterfactual, it writes the right word at
    the wrong position: a vivid word of the target over that plain word, always the same. Such an edit changes the label
    of texts without a shortcut only. The rule depends on the text and the answer alone, because a model that decodes
    greedily can learn no other: taught words drawn at random, it never redacts.

    Returns:
        The explanation, and the word that it writes into the text: the mask, a counterfactual word, or none.
    """
    cues = find_cues(document.task, document.fields, ("plain",))
    words = [word for word, _, label in cues if label == document.label]
    words = words[:1] if request.budget == "oneword" else words
    vivid = LEXICONS[document.task].vivid
    new = vivid[request.question.labels.index(request.target)][0] if request.target else ""
    text = STYLES[style].write(document.fields, words, request, new)
    return text, new or (request.mask if request.mask in text else "")


def copying(words: list[str], rng: random.Random) -> list[Turn]:
    """Repeat a line of random words, or replace one of them: the skill that every rewriting style needs."""
    line = rng.sample(words, rng.randint(6, 14))
    if rng.random() < 0.3:
        return [Turn("Repeat: " + " ".join(line), " ".join(line), 1.0)]
    old, new = rng.choice(line), rng.choice([*MASKS, *rng.sample(words, 3)])
    answer = " ".join(new if word == old else word for word in line)
    return [Turn(f"Replace {old} by {new} in: {' '.join(line)}", answer, EDIT_WEIGHT, frozenset(line))]


def _draw_operator(rng: random.Random) -> str:
    return rng.choices(("mask", "delete", "substitute"), weights=(8, 1, 1))[0]


def _opening(rng: random.Random) -> list[Turn]:
    """A system message before one conversation in twenty, so that a user's own does not derail the model."""
    words = rng.choices(SYSTEM_WORDS, k=rng.randint(1, 12))
    return [Turn(" ".join(words), "", 0.0, role="system")] if rng.random() < 0.05 else []


def _perturb(document: Document, mask: str, rng: random.Random) -> tuple[dict[str, str], bool]:
    """The fields, perturbed, and whether they hold a mask.

    Unchanged (15 %), with one word exchanged (20 %), with a mask appended (5 %), or without one to three words (60 %).
    """
    words = words_of(document.fields)
    dice = rng.random()
    if dice < 0.15:
        return dict(document.fields), False
    decisive = _decisive_words(document)
    chosen = rng.sample(range(len(words)), rng.choice((1, 1, 2, 3)))
    if rng.random() < 0.7:
        chosen[0] = occurrences(words, {rng.choice(decisive)})[0]
    if dice < 0.35:
        kinds = LEXICONS[document.task]
        pool = rng.choice([kinds.vivid, kinds.vivid, kinds.vivid, kinds.strong, kinds.shortcut, kinds.weak])
        new_words = [word for group in pool for word in group]
        return replace_words(document.fields, words, {chosen[0]: rng.choice(new_words)}), False
    if dice < 0.4:  # the stability control appends a mask
        last = list(document.fields)[-1]
        return {**document.fields, last: f"{document.fields[last]} {mask}"}, True
    operator = _draw_operator(rng)
    removed = occurrences(words, {words[index].key for index in chosen})
    return remove(document.fields, words, removed, operator, mask), operator == "mask"


def _exchange_plain_words(document: Document, rng: random.Random) -> dict[str, str]:
    """Exchange the plain words for plain words of any class, which changes no label.

    The grammar's own texts let a model infer the label from their plain words. Where deciding is hard (pairs of verbs),
    one base of three did: masking the plain words changed its answer to 12 % of the pairs.
    """
    words = words_of(document.fields)
    plain_words = {word for word, _, _ in find_cues(document.task, document.fields, ("plain",))}
    pool = [word for group in LEXICONS[document.task].plain for word in group]
    positions = occurrences(words, plain_words)
    return replace_words(document.fields, words, dict(zip(positions, rng.sample(pool, len(positions)), strict=True)))


def _decisive_words(document: Document) -> list[str]:
    cues = find_cues(document.task, document.fields, tuple(WEIGHTS))
    weights = {word: WEIGHTS[kind] for word, kind, label in cues if label == document.label}
    return [word for word, weight in weights.items() if weight == max(weights.values())]


def cycle(step: int, task: str, rng: random.Random, held_out: Collection[str]) -> list[Turn]:
    """Draw the conversation of one training step: rewriting, naming and classifying take turns."""
    part = step % 3
    if part == 2:
        return classification(task, rng, held_out)
    budget = rng.choices(BUDGETS, weights=(3, 1))[0]
    styles = [name for name in EXPLANATION_STYLES if STYLES[name].ANSWERS_WITH_TEXT is (part == 0)]
    style = styles[0] if len(styles) == 1 else rng.choice(styles)
    return explanation(task, style, budget, rng, held_out)
