"""Documents of the mini world, with the truth about each of them.

A text is a frame whose holes hold deciding and neutral words. Its label is the class with the largest sum of word
weights. So `label_of` computes the true label of any text, also of a perturbed one. There are three kinds of documents:

* ``shortcut``: a shortcut of class A and a strong word of B. The label is A because of the shortcut; without it, B.
* ``cue``: a strong word of A and a weak word of B. Without the strong word the label is B.
* ``robust``: two deciding words of A, so that no single word decides. They keep the oracle below 1.

Every text also holds plain words of A (one or two) and of B (one), which say nothing about the label. A person who is
asked why the text is A names a plain word of A, and is wrong about the model.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from faithfulness_metrics.words import Fields, words_of
from training.mini.lexicon import LEXICONS, OPPOSITE, VERBS, WEIGHTS
from training.mini.prompts import question_of

# Share of each kind. With 8 % robust documents the best single word flips .92 of the labels.
MIX = {"shortcut": 0.50, "cue": 0.42, "robust": 0.08}

# Kinds of words that a person might name.
NAMEABLE = ("plain", "weak", "strong")


@dataclass(frozen=True)
class Document:
    """One text and what is true of it."""

    task: str  # name of the data: "sentiment140", "ag_news", "snli", "trec" or "sms_spam"
    fields: dict[str, str]  # the text, by column
    label: int  # index of the label
    kind: str  # "shortcut", "cue" or "robust"
    shortcut: tuple[str, ...]  # the shortcut words in the text
    cues: tuple[str, ...]  # the words that a person might name, of any class, in the order of the text


@lru_cache(maxsize=16)
def meanings(task: str) -> dict[str, tuple[str, int]]:
    """Every word of a task that has a meaning -> its kind (a key of `WEIGHTS`) and its class."""
    lexicon = LEXICONS[task]
    return {
        word: (kind, label) for kind in WEIGHTS for label, words in enumerate(getattr(lexicon, kind)) for word in words
    }


def class_weights(task: str, fields: Fields) -> list[int]:
    """Sum of word weights per class, [n_labels]. A word counts once, however often the text holds it."""
    known, total = meanings(task), [0] * len(LEXICONS[task].plain)
    for word in {word.key for word in words_of(fields)}:
        if word in known:
            kind, label = known[word]
            total[label] += WEIGHTS[kind]
    if task == "snli" and (relation := _relation(fields)) is not None:
        total[relation] += WEIGHTS["strong"]
    return total


def _relation(fields: Fields) -> int | None:
    """0 (entailment) for the same verb in both fields, 2 (contradiction) for opposite verbs, None for anything else."""
    premise, hypothesis = ([w.key for w in words_of({"": text}) if w.key in VERBS] for text in fields.values())
    if len(premise) != 1 or len(hypothesis) != 1:
        return None
    if premise == hypothesis:
        return 0
    return 2 if OPPOSITE[premise[0]] == hypothesis[0] else None


def label_of(task: str, fields: Fields) -> int | None:
    """The true label of any text of the task; None where two classes have the largest sum."""
    total = class_weights(task, fields)
    best = max(total)
    return total.index(best) if total.count(best) == 1 else None


def find_cues(task: str, fields: Fields, kinds: Sequence[str] = NAMEABLE) -> list[tuple[str, str, int]]:
    """The words of some kinds in a text as (word, kind, label), each once, in the order of the text.

    In the pair task a verb counts as a strong word of the relation between the two verbs.
    """
    known, cues = meanings(task), {}
    relation = _relation(fields) if task == "snli" else None
    for word in words_of(fields):
        kind, label = known.get(word.key, ("", -1))
        if relation is not None and word.key in VERBS:
            kind, label = "strong", relation
        if kind in kinds:
            cues[word.key] = (word.key, kind, label)
    return list(cues.values())


def draw(task: str, rng: random.Random) -> Document:
    """Draw a document. The same state of `rng` gives the same document."""
    lexicon = LEXICONS[task]
    kind = rng.choices(list(MIX), weights=list(MIX.values()))[0]
    label, other = rng.sample(range(len(lexicon.plain)), 2)
    paired = task == "snli"
    decider = other if kind == "shortcut" else label  # the class of the strong word
    # With two plain words, naming one of them is a choice. If more texts had two, the base would name both.
    cues = rng.sample(lexicon.plain[label], 2 if kind == "shortcut" and rng.random() < 0.2 else 1)
    cues += [rng.choice(lexicon.plain[other])]
    cues += [rng.choice(lexicon.weak[other])] if kind == "cue" else []
    if not paired:
        cues += rng.sample(lexicon.strong[decider], 2 if kind == "robust" else 1)
    # Two strong words of a robust pair would need two pairs of verbs, so its second deciding word is a shortcut.
    has_shortcut = kind == "shortcut" or (paired and kind == "robust")
    shortcut = rng.choice(lexicon.shortcut[label] if has_shortcut else lexicon.neutral["s"])
    fields = _fill_frame(task, cues, shortcut, decider, rng)
    words = find_cues(task, fields, tuple(WEIGHTS))
    shortcuts = tuple(word for word, word_kind, _ in words if word_kind == "shortcut")
    others = tuple(word for word, word_kind, _ in words if word_kind != "shortcut")
    return Document(task, fields, label, kind, shortcuts, others)


def _fill_frame(task: str, cues: list[str], shortcut: str, decider: int, rng: random.Random) -> dict[str, str]:
    """Fill a frame with cues and neutral words in random order; holes of the same name get different words."""
    lexicon = LEXICONS[task]
    frame = rng.choice(lexicon.frames)
    holes = frame.count("{c}")
    content = cues + rng.sample(lexicon.neutral["c"], holes - len(cues))
    rng.shuffle(content)
    single = {"s": shortcut}
    if task == "snli":
        single["p"] = rng.choice(lexicon.neutral["p"])
        verb = single["premise"] = rng.choice(VERBS)
        single["hypothesis"] = [verb, rng.choice(lexicon.strong[1]), OPPOSITE[verb]][decider]
    remaining = {name: rng.sample(words, len(words)) for name, words in lexicon.neutral.items()} | {"c": content}

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        return single[name] if name in single else remaining[name].pop()

    lines = re.sub(r"\{(\w+)\}", fill, frame).split("\n")
    return dict(zip(question_of(task).fields, lines, strict=True))
