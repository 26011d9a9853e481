"""The mini data of multiple choice: questions about kinds of things, in ARC-Easy's columns, in sentences of our own.

    {"question": "In the north of Peru the guide points at a metal. Which of these is a metal?",
     "choices": {"text": ["copper", "maple", "otter"], "label": ["A", "B", "C"]}, "answerKey": "A", "kind": "metal"}

Every question has three to five choices, each of another kind, and the right one is of the kind that it asks for. The
mini model is not trained on them: they are there for the tasks, not for its numbers.
"""

from __future__ import annotations

import random
from typing import Any

from lm_eval_tasks.choices import LETTERS

DATASET = "arc_easy"
SIZES = {"test": 200, "validation": 100, "train": 600}

KINDS = {
    "metal": "copper iron silver zinc tin",
    "tree": "maple oak birch willow cedar",
    "mammal": "otter camel badger whale goat",
    "bird": "heron sparrow owl penguin crane",
    "planet": "Mars Venus Saturn Jupiter Neptune",
    "tool": "hammer saw chisel wrench drill",
    "fruit": "plum cherry mango pear fig",
    "insect": "beetle moth wasp cricket termite",
    "instrument": "cello flute drum trumpet harp",
    "gas": "oxygen helium nitrogen neon methane",
}
FRAMES = (
    "{place} {who} {verb} {article} {kind}. Which of these is {article} {kind}?",
    "{who} {verb} {article} {kind} {place}. What could it be?",
    "{place} {who} asks for the name of {article} {kind}. Which answer fits?",
)
PLACES = "in the north of Peru,by the old harbour,at school,on a small island,near the river,during a long walk,at home"
PEOPLE = "the guide,a pupil,our neighbour,the new teacher,an engineer,my aunt,the keeper"
VERBS = "points at,draws,writes about,looks for,tells us about,dreams of"


def rows() -> dict[str, list[dict[str, Any]]]:
    """The rows of each split, all of different questions."""
    draw, texts = random.Random(f"20261128 {DATASET}"), set[str]()
    splits: dict[str, list[dict[str, Any]]] = {}
    for split, size in SIZES.items():
        splits[split] = []
        while len(splits[split]) < size:
            row = _row(draw)
            if (text := repr((row["question"], sorted(row["choices"]["text"])))) not in texts:
                texts.add(text)
                splits[split].append(row)
    return splits


def _row(draw: random.Random) -> dict[str, Any]:
    kinds = draw.sample(list(KINDS), draw.choice((3, 4, 4, 4, 5)))
    kind = kinds[0]
    draw.shuffle(kinds)
    question = draw.choice(FRAMES).format(
        place=draw.choice(PLACES.split(",")),
        who=draw.choice(PEOPLE.split(",")),
        verb=draw.choice(VERBS.split(",")),
        article="an" if kind[0] in "aeiou" else "a",
        kind=kind,
    )
    letters = list(LETTERS[: len(kinds)])
    return {
        "question": question[0].upper() + question[1:],
        "choices": {"text": [draw.choice(KINDS[name].split()) for name in kinds], "label": letters},
        "answerKey": letters[kinds.index(kind)],
        "kind": kind,
    }
