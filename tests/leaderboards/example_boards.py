"""Boards for tests of the page and the tables: a small literal one that holds nasty strings, and large drawn ones."""

from __future__ import annotations

import random

from leaderboards.aggregate import GROUPS
from leaderboards.board import Board, Cell, Checkpoint, Estimate, Settings, Skipped, Training, Transfer
from tests.leaderboards.pieces import cell, checkpoint, document, estimate, task, versus
from tests.leaderboards.poison import ATTACK, NAME, QUOTES


def small() -> Board:
    """Three checkpoints, two tasks, three documents."""
    tasks = (
        task("agnews", "attribution", "oneword", trained_on=True),
        task("trec", "attribution", "oneword"),
    )
    training = Training(
        "mini", ("agnews",), ("attribution",), ("oneword",), "word", True, "occlusion", "word/train_info.json"
    )
    control = Training(
        "mini", ("agnews",), ("attribution",), ("oneword",), "random", True, "occlusion", "random/train_info.json"
    )
    base = checkpoint("c0", "mini", None, None, {"all": 0.05, "in distribution": 0.0, "unseen": 0.1})
    word = checkpoint("c1", "mini-word", "c0", training, {"all": 0.72, "in distribution": 0.94, "unseen": 0.5})
    rand = checkpoint("c2", NAME, "c0", control, {"all": 0.03, "in distribution": 0.02, "unseen": 0.04})
    cells = (
        cell("c0", "agnews_attribution_oneword", 0.0, None),
        cell("c0", "trec_attribution_oneword", 0.1, None, oracle=0.12),
        cell("c1", "agnews_attribution_oneword", 0.94, versus(0.94, "better")),
        cell("c1", "trec_attribution_oneword", 0.5, versus(0.4, "better")),
        cell("c2", "agnews_attribution_oneword", 0.02, versus(0.02, "")),
        cell("c2", "trec_attribution_oneword", 0.04, versus(-0.06, "worse"), plausibility=0.3),
    )
    matrix = (
        Transfer(
            "c1",
            "agnews, attribution, one word",
            False,
            ("agnews_attribution_oneword",),
            estimate(0.94, 0.02),
            {"dataset": estimate(0.4, 0.06)},
            estimate(0.43, 0.07),
        ),
        Transfer(
            "c2",
            "agnews, attribution, one word",
            True,
            ("agnews_attribution_oneword",),
            estimate(0.02, 0.02),
            {"dataset": estimate(-0.06, 0.03)},
            Estimate(None, None, None, 0, "no gain on what it was trained on"),
        ),
    )
    documents = (
        document("agnews_attribution_oneword", "d0", "local sales meets big software", "technology", 4),
        document("agnews_attribution_oneword", "d1", f"storm hits {ATTACK}", "world", 1, nasty=True),
        document("trec_attribution_oneword", "d2", "who wrote oslo", "human", 2, agree=True),
    )
    return Board(
        title="Leaderboard <of> mini",
        created="2026-11-23T21:00:00",
        package="faithful-se 0.1.0",
        settings=Settings(),
        checkpoints=(base, word, rand),
        tasks=tasks,
        cells=cells,
        matrix=matrix,
        documents=documents,
        documents_total=600,
        skipped=(Skipped(f"bad/{QUOTES}.json", "cut in the middle: run it again"),),
        notes=("trec was not trained on by any checkpoint.",),
    )


def large(checkpoints: int, datasets: int = 6, documents: int = 40, seed: int = 0, words: int = 30) -> Board:
    """A drawn board: `datasets` x 3 styles x 2 budgets; `documents` cards a task, all checkpoints on each."""
    draw = random.Random(seed)
    tasks = tuple(
        task(f"dataset{i}", style, budget, trained_on=i < 3)
        for i in range(datasets)
        for style in ("attribution", "redaction", "counterfactual")
        for budget in ("oneword", "multiword")
    )
    people: list[Checkpoint] = []
    cells: list[Cell] = []
    matrix: list[Transfer] = []
    for i in range(checkpoints):
        base = None if i % 20 == 0 else f"c{i - i % 20}"
        arm = ("word", "random", "word", "lowest", "word")[i % 5]
        training = (
            Training("m", ("dataset0", "dataset1"), ("attribution",), ("oneword",), arm, True, "ig", "x")
            if base
            else None
        )
        skill = draw.random() * (0.9 if arm == "word" else 0.2) if base else 0.1
        means = {group: min(1.0, max(0.0, skill + draw.gauss(0, 0.08))) for group in GROUPS}
        people.append(checkpoint(f"c{i}", f"org/model-{i // 20}-{arm}-{i:03d}", base, training, means))
        for each in tasks:
            value = min(1.0, max(0.0, skill + draw.gauss(0, 0.15)))
            found = versus(value - 0.1, "better" if value > 0.2 else "worse" if value < 0.02 else "") if base else None
            cells.append(cell(f"c{i}", each.id, value, found, plausibility=draw.random()))
        if base:
            on = tuple(
                t.id for t in tasks if t.dataset in ("dataset0", "dataset1") and t.id.endswith("attribution_oneword")
            )
            off = {kind: estimate(skill / 2, 0.05) for kind in ("style", "dataset", "budget", "several")}
            label = "dataset0, dataset1 · attribution · one word"
            matrix.append(
                Transfer(f"c{i}", label, arm != "word", on, estimate(skill, 0.03), off, estimate(draw.random(), 0.1))
            )
    vocabulary = [f"word{i}" for i in range(2000)]
    cards = tuple(
        document(
            each.id,
            f"{each.id}-{k}",
            " ".join(draw.choices(vocabulary, k=words)),
            "positive",
            draw.randrange(words),
            people=tuple(person.id for person in people),
        )
        for each in tasks
        for k in range(documents)
    )
    return Board(
        "A hundred checkpoints",
        "2026-11-23T21:00:00",
        "faithful-se 0.1.0",
        Settings(),
        tuple(people),
        tasks,
        tuple(cells),
        tuple(matrix),
        cards,
        1000 * len(tasks),
        (),
        (),
    )
